import { onTestFinished } from 'vitest';
import { type RawDevice, type RawRequest, startRawDevice } from '../../support/modbus/raw-device.ts';
import { type ReceivedSample, runSource, type SourceRun } from '../../support/modbus/source-run.ts';

/** A source that polls a hand-made device every 50 ms; both end with the test. */
export async function start(
  answer: (request: RawRequest) => void,
  config: object,
  options?: { readonly idleMs: number },
): Promise<{ device: RawDevice; run: SourceRun }> {
  const device = await startRawDevice(answer, options);
  onTestFinished(() => device.close());
  const run = await runSource({ url: device.url, timeout: '100ms', poll: '50ms', ...config });
  onTestFinished(() => run.stop());
  return { device, run };
}

/** The tag of a holding register, `r5` for register 5. */
export const register = (address: number, rest: object = {}): object => ({
  tag: `r${address}`,
  table: 'holdingRegister',
  address,
  type: 'uint16',
  ...rest,
});

export const of = (run: SourceRun, tag: string): ReceivedSample[] => run.samples.filter((sample) => sample.tag === tag);
