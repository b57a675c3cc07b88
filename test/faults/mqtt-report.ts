import { fuzzMqtt } from './mqtt-fuzz.ts';

/** What a collector may leave lying. */
const heapGrowth = 8e6;

/** 10^6 damaged payloads, and the ones that are meant to take long: no crash, no wrong value, memory flat. Returns the exit code. */
export function reportMqttFuzz(payloads: number, seed: number): number {
  const began = performance.now();
  const { right, bad, nothing, wrong, slowest, slowestHostile, heapBefore, heapAfter } = fuzzMqtt(payloads, seed);
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const checks: [string, boolean][] = [
    [
      `${wrong.length} wrong from ${payloads} payloads (seed ${seed}): ${right} values right, ${bad} marked bad, ${nothing} payloads with nothing to take`,
      wrong.length === 0,
    ],
    [`heap ${megabytes(heapBefore)} after a fifth of them, ${megabytes(heapAfter)} at the end`, heapAfter - heapBefore < heapGrowth],
  ];
  process.stdout.write(`${checks.map(([text, good]) => `  ${good ? 'ok  ' : 'FAIL'} ${text}`).join('\n')}\n`);
  process.stdout.write(
    `  slowest ${slowest.ms.toFixed(1)} ms (${slowest.what}); of those up to 1 MB that are meant to take long ${slowestHostile.ms.toFixed(0)} ms (${slowestHostile.what}); ${Math.round((performance.now() - began) / 1000)} s\n`,
  );
  for (const text of wrong.slice(0, 10)) process.stdout.write(`  WRONG ${text}\n`);
  return checks.every(([, good]) => good) ? 0 : 1;
}
