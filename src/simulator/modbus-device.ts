import { createServer } from 'node:net';
import modbus from 'modbus-serial';
import type { Machine } from './machine.ts';

export interface RegisterPoint {
  readonly sensor: string;
  readonly table: 'holdingRegister' | 'inputRegister';
  readonly address: number;
  readonly type: 'float32' | 'int16';
  /** int16: engineering value = raw × scale. */
  readonly scale?: number;
}

/** Register map of a machine: what its maker's list would say. float32 in word order CDAB. */
export interface DeviceMap {
  readonly unit: number;
  readonly machine: Machine;
  readonly points: readonly RegisterPoint[];
}

/** A Modbus TCP device with one unit a machine; its registers hold what `refresh` read last. */
export class ModbusDevice {
  readonly #maps: readonly DeviceMap[];
  readonly #registers = new Map<string, Uint16Array>();
  #server: InstanceType<typeof modbus.ServerTCP> | undefined;
  port = 0;

  constructor(maps: readonly DeviceMap[]) {
    this.#maps = maps;
    for (const { unit } of maps)
      for (const table of ['holdingRegister', 'inputRegister']) this.#registers.set(`${table}:${unit}`, new Uint16Array(256));
    this.refresh();
  }

  refresh(): void {
    const bytes = new DataView(new ArrayBuffer(4));
    for (const { unit, machine, points } of this.#maps) {
      const values = machine.read();
      for (const { sensor, table, address, type, scale = 1 } of points) {
        const registers = this.#registers.get(`${table}:${unit}`) as Uint16Array;
        if (type === 'int16') registers[address] = Math.round((values[sensor] as number) / scale) & 0xffff;
        else {
          bytes.setFloat32(0, values[sensor] as number);
          registers[address] = bytes.getUint16(2);
          registers[address + 1] = bytes.getUint16(0);
        }
      }
    }
  }

  async start(port = 0, host = '127.0.0.1'): Promise<void> {
    const value = (table: string) => (address: number, unit: number) => {
      const registers = this.#registers.get(`${table}:${unit}`);
      if (registers === undefined || address >= registers.length) return Promise.reject(illegalAddress);
      return Promise.resolve(registers[address] as number);
    };
    const server = new modbus.ServerTCP(
      { getHoldingRegister: value('holdingRegister'), getInputRegister: value('inputRegister') },
      { host, port: port === 0 ? await freePort() : port, unitID: 255 },
    );
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.on('initialized', () => resolve());
      server.on('serverError', (error) => reject(error ?? new Error('the Modbus server could not start')));
    });
    const { _server: listening } = server as unknown as { _server: { address(): { port: number } } };
    this.port = listening.address().port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

const illegalAddress = Object.assign(new Error('illegal data address'), { modbusErrorCode: 2 });

/** modbus-serial takes port 0 for the default port. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
