import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { parseConfig } from '../config/load.ts';
import { sleep } from '../core/clock.ts';
import { formatDuration, parseDurationMs } from '../core/duration.ts';
import { errorText } from '../core/errors.ts';
import { NodeRedEditor } from '../editor/editor-process.ts';
import { Gateway } from '../gateway/gateway.ts';
import { allOf } from '../gateway/gateway-events.ts';
import { LiveEvents } from '../server/live-events.ts';
import { serve } from '../server/serve.ts';
import { DemoSite } from '../simulator/demo-site.ts';
import { createLog } from '../telemetry/log.ts';
import { DemoRecord, type DemoSummary } from './demo-record.ts';
import { renderFrame } from './demo-view.ts';
import { editorOptions } from './editor-options.ts';

interface DemoArguments {
  readonly for?: number;
  readonly headless?: boolean;
  readonly json?: boolean;
  readonly seed: number;
  readonly modbusPort?: number;
  readonly mqttPort?: number;
  readonly listen?: string;
}

const shortestMs = 50_000;
const drainMs = 5_000;
const frameMs = 250;
const plainLineMs = 10_000;

const number = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('must be a whole number');
  return value;
};
const duration = (text: string): number => {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms < shortestMs)
    throw new InvalidArgumentError(`must be a duration of at least ${formatDuration(shortestMs)}: the machines run well for half of it`);
  return ms;
};

export const demoCommand = (): Command =>
  new Command('demo')
    .description('A simulated plant over real Modbus TCP and MQTT, watched by the gateway: faults develop, alerts come, faults heal')
    .option('--for <duration>', 'end by itself after this time', duration)
    .option('--headless', 'no live view')
    .option('--json', 'one JSON summary at the end (with --for)')
    .option('--seed <number>', 'seed of noise and faults', number, Math.floor(Date.now() / 1000) % 100_000)
    .option('--modbus-port <port>', 'port of the simulated PLC; a free one when absent', number)
    .option('--mqtt-port <port>', 'port of the embedded broker; a free one when absent', number)
    .option('--listen <host:port>', 'where the dashboard is served; 127.0.0.1:7171 when absent, nowhere when headless')
    .action(runDemo);

async function runDemo(options: DemoArguments): Promise<void> {
  const { seed, json = false } = options;
  const lastsMs = options.for ?? (json ? 60_000 : undefined);
  const directory = mkdtempSync(join(tmpdir(), 'fettle-demo-'));
  const site = new DemoSite({
    seed,
    lastsS: lastsMs === undefined ? undefined : lastsMs / 1000,
    ...(options.modbusPort !== undefined && { modbusPort: options.modbusPort }),
    ...(options.mqttPort !== undefined && { mqttPort: options.mqttPort }),
  });
  const record = new DemoRecord();
  const stopped = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort());
  try {
    await site.start();
    const models = fileURLToPath(new URL('../../models', import.meta.url));
    const listen = options.listen ?? (options.headless === true ? undefined : '127.0.0.1:7171');
    const loaded = parseConfig(site.configuration(directory, models, listen), join(directory, 'demo.yaml'), {});
    const log = createLog('error');
    const live = new LiveEvents(log);
    const gateway = await Gateway.start(loaded, { log, listener: allOf(record, live) });
    const server = listen === undefined ? undefined : await serve({ gateway }, loaded, { log, live, isTerminal: true });
    site.run();
    record.startedMs = site.startedMs;
    record.firstOnsetMs = site.startedMs + Math.min(...site.faults.map(({ onsetS }) => onsetS)) * 1000;
    const view = showProgress(gateway, record, site, { ...options, link: server?.firstLogin?.link, editor: () => editorText });
    const editing = new AbortController();
    let editorText = '';
    const editor =
      server === undefined || options.headless === true || json
        ? undefined
        : NodeRedEditor.start({ ...editorOptions(server, directory, log), listen: '127.0.0.1:1880' }, editing.signal).then(
            (started) => {
              editorText = `flows     ${started.link}`;
              return started;
            },
            (error: unknown) => {
              editorText = `flows     ${errorText(error)}`;
              return undefined;
            },
          );
    await sleep(lastsMs ?? 2 ** 31 - 1, stopped.signal).catch(() => {});
    const endMs = Date.now();
    await drained(gateway);
    view.stop();
    const summary = record.summary(seed, endMs, site.faults, gateway.status(), site.cloud.points);
    editing.abort();
    await (await editor)?.stop();
    await server?.stop();
    await gateway.stop();
    process.stdout.write(json ? `${JSON.stringify(summary)}\n` : renderSummary(summary));
    // Stopped by hand before the faults came is no failure.
    process.exitCode = summary.ok || stopped.signal.aborted ? 0 : 1;
  } finally {
    await site.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Until everything is synced, but not for ever. */
async function drained(gateway: Gateway): Promise<void> {
  const deadline = Date.now() + drainMs;
  while (Date.now() < deadline) {
    const { sinks } = gateway.status();
    const waiting = Object.values(sinks)
      .flatMap(({ delivery }) => Object.values(delivery.lanes))
      .reduce((sum, { points }) => sum + points, 0);
    // New samples come all the time: "drained" is what about a second of them amounts to.
    if (waiting < 500) return;
    await sleep(100);
  }
}

function showProgress(
  gateway: Gateway,
  record: DemoRecord,
  site: DemoSite,
  {
    headless = false,
    json = false,
    seed,
    link,
    editor,
  }: DemoArguments & { readonly link: string | undefined; readonly editor: () => string },
): { stop(): void } {
  const dashboard = link === undefined ? '' : `dashboard ${link}`;
  if (headless || json) {
    // Standard output is for the summary.
    if (link !== undefined) process.stderr.write(`${dashboard}\n`);
    return { stop: () => {} };
  }
  const hint = `seed ${seed}   modbus :${site.device.port}   mqtt :${site.broker.port} (fettle/#)   Ctrl-C ends\n${dashboard}`;
  const elapsedS = (): number => (Date.now() - site.startedMs) / 1000;
  if (!process.stdout.isTTY) {
    let told = 0;
    let isEditorTold = false;
    process.stdout.write(`fettle demo   ${hint}\n`);
    const tell = setInterval(() => {
      while (told < record.messages.length) process.stdout.write(`${record.messages[told++]}\n`);
      if (!isEditorTold && editor() !== '') {
        isEditorTold = true;
        process.stdout.write(`${editor()}\n`);
      }
    }, 200);
    const count = setInterval(() => {
      const { counters, sinks } = gateway.status();
      const ratios = [...record.ratios].map(([asset, list]) => `${asset} ${(list.at(-1) ?? 0).toFixed(2)}`).join('  ');
      const cloud = sinks.cloud;
      process.stdout.write(
        `${elapsedS().toFixed(0).padStart(6)} s  samples ${counters.samples}  windows ${counters.windows}  score/limit: ${ratios}  synced ${cloud?.delivery.counters.delivered ?? 0}  link ${cloud?.delivery.link.up === true ? 'up' : 'down'}\n`,
      );
    }, plainLineMs);
    return {
      stop: () => {
        clearInterval(tell);
        clearInterval(count);
      },
    };
  }
  const colour = process.env.NO_COLOR === undefined || process.env.NO_COLOR === '';
  process.stdout.write('\u001b[?25l\u001b[2J');
  const draw = (): void => {
    const frame = renderFrame(gateway.status(), record, elapsedS(), editor() === '' ? hint : `${hint}\n${editor()}`, colour);
    process.stdout.write(`\u001b[H${frame.replaceAll('\n', '\u001b[K\n')}\u001b[J`);
  };
  const timer = setInterval(draw, frameMs);
  return {
    stop: () => {
      clearInterval(timer);
      draw();
      process.stdout.write('\u001b[?25h\n');
    },
  };
}

function renderSummary(summary: DemoSummary): string {
  const lines = [
    `${summary.seconds.toFixed(0)} s: ${summary.samples} samples, ${summary.windows} windows, ${summary.scores} scores, ${summary.synced} points synced, ${summary.dropped} dropped.`,
  ];
  for (const { asset, kind, found, delay, cleared, topChannels } of summary.faults) {
    lines.push(
      `  ${asset.padEnd(18)} ${kind.padEnd(14)} ${found ? `found after ${delay} s${cleared ? ', cleared' : ', still standing'}${topChannels.length > 0 ? ` (${topChannels.map((tag) => tag.replace(/.*\//, '')).join(', ')})` : ''}` : 'NOT FOUND'}`,
    );
  }
  lines.push(
    `  ${summary.falseAlarmsBeforeFirstFault} false alarms before the first fault; ${summary.falseAlarms} in all; ${summary.healthySeconds} healthy seconds scored, highest at ${summary.highestHealthyRatio} of the limit.`,
  );
  return `${lines.join('\n')}\n`;
}
