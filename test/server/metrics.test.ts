import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { answerWell, startRawDevice } from '../support/modbus/raw-device.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

it('what goes up and down of a source is no counter: jitter has a gauge, in seconds and by quantile, and levels one of theirs', async () => {
  const device = await startRawDevice(answerWell);
  onTestFinished(() => device.close());
  const gateway = await startGateway({
    site: 'north',
    data: temporaryDirectory(),
    sources: [
      { id: 'plc', type: 'modbus', url: device.url, tags: [{ tag: 'press/flow', reference: '40001', type: 'int16', poll: '50ms' }] },
      { id: 'program', type: 'http', tags: [{ tag: 'press/heat' }] },
    ],
  });
  const server = await startServer(gateway);
  await eventually(() => (gateway.status().sources.plc?.jitterMs?.p99 ?? 0) > 0, 'polls are measured');
  const scrape = async () => (await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })).text();
  const text = await scrape();
  const events = [...text.matchAll(/^fettle_source_events_total\{source="(\w+)",event="(\w+)"/gm)].map(
    ([, source, event]) => `${source} ${event}`,
  );
  expect(events).toContain('plc requests');
  expect(events.join(' ')).not.toMatch(/jitter|P50|P99|quarantined|unacknowledged/);
  expect(text).toMatch(/^# TYPE fettle_source_jitter_seconds gauge$/m);
  const quantiles = [...text.matchAll(/^fettle_source_jitter_seconds\{source="(\w+)",quantile="([\d.]+)",site="north"\} ([\d.e-]+)$/gm)];
  expect(quantiles.map(([, source, quantile]) => `${source} ${quantile}`)).toEqual(['plc 0.5', 'plc 0.99']);
  const [half, most] = quantiles.map(([, , , seconds]) => Number(seconds)) as [number, number];
  expect(half).toBeGreaterThan(0);
  expect(most).toBeGreaterThanOrEqual(half);
  expect(most).toBeLessThanOrEqual(60);
  expect(text).toMatch(/^fettle_source_level\{source="plc",level="quarantined",site="north"\} 0$/m);
  expect(text).toMatch(/^fettle_source_polls_left_out_total\{source="plc",unit="unit 1",site="north"\} \d+$/m);
});
