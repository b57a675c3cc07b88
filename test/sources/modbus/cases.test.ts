import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { eventually } from '../../support/eventually.ts';
import { frame, type RawRequest } from '../../support/modbus/raw-device.ts';
import { of, start } from './fixtures.ts';

interface Device {
  /** Hexadecimal, from register 0 on. */
  readonly holdingRegister: string;
  /** Numbers of the requests, from 0, that get no answer. */
  readonly silent?: readonly number[];
}

/** A tag's good value, and the qualities of its first samples. */
type Expected = Readonly<Record<string, { readonly value: number; readonly quality: readonly string[] }>>;

const folder = new URL('./cases/', import.meta.url);

/** A bug becomes a folder: what was configured, what the device held and did, what must come of it. */
it.each(readdirSync(folder))('%s', async (name) => {
  const read = (file: string): unknown => parse(readFileSync(new URL(`${name}/${file}`, folder), 'utf8'));
  const { holdingRegister, silent = [] } = read('device.yaml') as Device;
  const registers = Buffer.from(holdingRegister.replaceAll(' ', ''), 'hex');
  const answer = ({ number, transaction, unit, functionCode, address, count, socket }: RawRequest) => {
    const data = registers.subarray(address * 2, (address + count) * 2);
    if (!silent.includes(number)) socket.write(frame(transaction, unit, Buffer.concat([Buffer.from([functionCode, data.length]), data])));
  };
  const expected = read('expected.yaml') as Expected;
  const { run } = await start(answer, read('config.yaml') as object);
  for (const [tag, { value, quality }] of Object.entries(expected)) {
    await eventually(() => of(run, tag).length >= quality.length);
    const first = of(run, tag).slice(0, quality.length);
    expect(first.map((sample) => sample.quality)).toEqual(quality);
    for (const sample of first) expect(sample.value).toBe(sample.quality === 'good' ? value : Number.NaN);
  }
});
