import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { examine, type Finding } from '../../src/cli/doctor-checks.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const findings = async (file: string): Promise<Map<string, Finding>> => {
  const found = new Map<string, Finding>();
  for await (const finding of examine(file)) found.set(finding.what, finding);
  return found;
};

describe('fettle doctor', () => {
  it('looks at runtime, disk, ports and whether devices answer, and leaves nothing behind', async () => {
    const device = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void device.close());
    const { port } = device.address() as { port: number };
    const directory = temporaryDirectory();
    const file = join(directory, 'fettle.yaml');
    writeFileSync(
      file,
      `site: north
server: { listen: "127.0.0.1:${port}" }
sources:
  - { id: plc, type: modbus, url: "tcp://127.0.0.1:${port}", tags: [{ tag: a/b, table: holdingRegister, address: 0, type: int16 }] }
  - { id: away, type: modbus, url: "tcp://127.0.0.1:1", tags: [{ tag: a/c, table: holdingRegister, address: 0, type: int16 }] }
`,
    );
    const found = await findings(file);
    expect(found.get('ONNX Runtime')).toMatchObject({ state: 'good', found: expect.stringMatching(/^\d+\.\d+/) });
    expect(found.get('configuration')?.found).toContain('2 sources, 0 assets');
    expect(found.get('disk')?.found).toMatch(/fsync \d+\.\d ms/);
    expect(found.get('latency')?.found).toMatch(/^\d+\.\d\d ms/);
    expect(found.get('HTTP API')).toMatchObject({ state: 'warning', found: expect.stringContaining('another program') });
    expect(found.get('plc')).toMatchObject({ state: 'good' });
    expect(found.get('away')).toMatchObject({ state: 'bad', advice: expect.stringContaining('nothing listens') });
    expect(readdirSync(join(directory, 'data'))).toEqual([]);
  });

  it('says what is wrong with the configuration and goes no further', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'fettle.yaml');
    writeFileSync(file, 'site: north\nsources: 3\nnonsense: 1\n');
    const found = await findings(file);
    expect(found.get('configuration')).toMatchObject({ state: 'bad', found: `${file}: 2 problems` });
    expect(found.has('disk')).toBe(false);
    expect(existsSync(join(directory, 'data'))).toBe(false);
    expect((await findings(join(directory, 'none.yaml'))).get('configuration')?.state).toBe('bad');
  });
});
