import type { EventEmitter } from 'node:events';
import modbus from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { GuardedSocket } from '../../../src/sources/modbus/guarded-socket.ts';
import { ModbusExceptionError } from '../../../src/sources/modbus/modbus-error.ts';
import { TcpTransport } from '../../../src/sources/modbus/tcp-transport.ts';
import { eventually } from '../../support/eventually.ts';
import {
  answerWell,
  exceptionReply,
  frame,
  type RawDevice,
  type RawRequest,
  registersReply,
  startRawDevice,
} from '../../support/modbus/raw-device.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connect(answer: (request: RawRequest) => void, timeoutMs = 150): Promise<{ device: RawDevice; transport: TcpTransport }> {
  const device = await startRawDevice(answer);
  cleanups.push(() => device.close());
  const transport = await TcpTransport.open({ url: device.url, timeoutMs }, new AbortController().signal);
  cleanups.push(() => transport.close());
  return { device, transport };
}

const read = (address: number, count = 1, unit = 1) => ({ unit, table: 'holdingRegister', address, count }) as const;

describe('what leaves', () => {
  it.each<[string, (client: InstanceType<typeof modbus.default>) => unknown]>([
    ['write coil', (client) => client.writeCoil(1, true)],
    ['write register', (client) => client.writeRegister(1, 2)],
    ['write coils', (client) => client.writeCoils(1, [true, false])],
    ['write registers', (client) => client.writeRegisters(1, [1, 2, 3])],
    ['mask write', (client) => client.maskWriteRegister(1, 2, 3)],
    ['device identification', (client) => client.readDeviceIdentification(1, 0)],
    ['a custom function', (client) => client.customFunction(70, [1, 2, 3, 4])],
  ])('%s does not, and ends the connection', async (_, write) => {
    const device = await startRawDevice(answerWell);
    cleanups.push(() => device.close());
    const socket = new GuardedSocket(() => {});
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    await new Promise<void>((resolve) => {
      socket.connect(Number(new URL(device.url).port), '127.0.0.1', resolve);
    });
    const client = new modbus.default();
    (client as unknown as EventEmitter).on('error', () => {});
    await client.linkTCP(socket, { port: 0 });
    client.setID(1);
    client.setTimeout(100);
    // The same client can read…
    expect((await client.readHoldingRegisters(3, 1)).data).toEqual([3]);
    const bytes = Buffer.concat(device.received).length;
    // …but not do this.
    await Promise.resolve(write(client)).catch(() => {});
    await eventually(() => socket.destroyed);
    expect(errors[0]).toMatchObject({ code: 'FETTLE_MODBUS_REFUSED' });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(Buffer.concat(device.received)).toHaveLength(bytes);
  });

  it('not several frames at once either, nor what hides behind a read', async () => {
    const device = await startRawDevice(answerWell);
    cleanups.push(() => device.close());
    const request = frame(1, 1, [3, 0, 0, 0, 1]);
    const write = frame(2, 1, [6, 0, 0, 0, 1]);
    for (const chunks of [[Buffer.concat([request, write])], [request.subarray(0, 11)], [write], [request, write]]) {
      const socket = new GuardedSocket(() => {});
      socket.on('error', () => {});
      await new Promise<void>((resolve) => {
        socket.connect(Number(new URL(device.url).port), '127.0.0.1', resolve);
      });
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
      await eventually(() => socket.destroyed);
    }
    expect(device.received).toEqual([]);
  });

  it('a read longer than the protocol allows is refused here', async () => {
    const { device, transport } = await connect(answerWell);
    await expect(transport.read(read(0, 126))).rejects.toThrow('not 1 to 125');
    await expect(transport.read({ unit: 1, table: 'coil', address: 0, count: 2001 })).rejects.toThrow('not 1 to 2000');
    expect(device.requests).toEqual([]);
  });
});

describe('what comes back', () => {
  it('is the data of the request, also in pieces and in company', async () => {
    const { transport, device } = await connect((request) => {
      const reply = registersReply(request);
      request.socket.write(reply.subarray(0, 5));
      setTimeout(() => request.socket.write(reply.subarray(5)), 5);
    });
    expect((await transport.read(read(7, 2))).toString('hex')).toBe('00070008');
    const held: Buffer[] = [];
    device.answer = (request) => {
      held.unshift(registersReply(request));
      if (held.length === 3) request.socket.write(Buffer.concat(held));
    };
    const replies = await Promise.all([transport.read(read(1)), transport.read(read(2)), transport.read(read(3))]);
    expect(replies.map((reply) => reply.readUInt16BE(0))).toEqual([1, 2, 3]);
  });

  it('an exception is an exception, with its code', async () => {
    const { transport } = await connect((request) => request.socket.write(exceptionReply(request, 2)));
    const error = await transport.read(read(100, 2)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModbusExceptionError);
    expect(error).toMatchObject({ code: 'FETTLE_MODBUS_EXCEPTION', exception: 2 });
    expect((error as Error).message).toContain('unit 1, holding registers 100-101 = 40101-40102: exception 2, illegal data address');
  });

  it.each<[string, (request: RawRequest) => Buffer]>([
    ['another unit', (request) => registersReply({ ...request, unit: 9 })],
    ['an exception of another unit', (request) => exceptionReply({ ...request, unit: 9 }, 2)],
    ['another function', (request) => registersReply({ ...request, functionCode: 4 })],
    ['too few registers', (request) => registersReply({ ...request, count: 1 })],
    ['too many registers', (request) => registersReply({ ...request, count: 3 })],
    [
      'a byte count that does not fit its frame',
      (request) => {
        const reply = registersReply(request);
        reply.writeUInt8(6, 8);
        return reply;
      },
    ],
    ['another protocol', (request) => Buffer.concat([registersReply(request).subarray(0, 2), Buffer.from('abcdefghijkl')])],
    ['a length no frame has', (request) => Buffer.from([0, request.transaction, 0, 0, 0xff, 0xff, 1, 3])],
    ['a length of nothing', (request) => Buffer.from([0, request.transaction, 0, 0, 0, 0, 1, 3])],
  ])('%s is a framing error at once', async (_, reply) => {
    const { transport } = await connect((request) => request.socket.write(reply(request)), 2000);
    const started = performance.now();
    await expect(transport.read(read(5, 2))).rejects.toMatchObject({ code: 'FETTLE_MODBUS_FRAMING' });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('no answer is a timeout, and a FettleError', async () => {
    const { transport } = await connect(() => {});
    const error = await transport.read(read(0)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: 'FETTLE_MODBUS_TIMEOUT', hint: expect.stringContaining('unit id') });
  });

  it('a late answer is dropped, and never another request’s', async () => {
    let late = (): unknown => undefined;
    const { transport, device } = await connect((request) => {
      if (request.number === 0) late = () => request.socket.write(registersReply(request, 1000));
      else {
        // Together with the answer to another request, whatever the machine is busy with.
        if (request.number === 20) late();
        request.socket.write(registersReply(request));
      }
    }, 500);
    await expect(transport.read(read(0))).rejects.toMatchObject({ code: 'FETTLE_MODBUS_TIMEOUT' });
    for (let address = 1; address < 40; address++) {
      expect((await transport.read(read(address))).readUInt16BE(0)).toBe(address);
    }
    expect(transport.lateReplies).toBe(1);
    expect(device.requests).toHaveLength(40);
    expect(transport.isWorn).toBe(false);
  });

  it('wants a new connection before the number of an unanswered request comes round', async () => {
    const { transport } = await connect((request) => request.number !== 0 && request.socket.write(registersReply(request)), 1_000);
    await transport.read(read(0)).catch(() => {});
    for (let n = 1; n < 240; n++) {
      expect(transport.isWorn).toBe(false);
      await transport.read(read(n));
    }
    expect(transport.isWorn).toBe(true);
  });

  it('300 reads in turns of 16 are all right, though the library’s numbers wrap at 256', async () => {
    const { transport } = await connect(answerWell, 2000);
    for (let first = 0; first < 300; first += 16) {
      const addresses = Array.from({ length: 16 }, (_, i) => first + i);
      const replies = await Promise.all(addresses.map((address) => transport.read(read(address))));
      expect(replies.map((reply) => reply.readUInt16BE(0))).toEqual(addresses);
    }
  });
});

describe('the connection', () => {
  it('ends in the middle of a frame: the read fails at once, not after its timeout', async () => {
    const { transport } = await connect((request) => {
      request.socket.write(registersReply(request).subarray(0, 10));
      request.socket.end();
    }, 5000);
    const started = performance.now();
    await expect(transport.read(read(0, 20))).rejects.toMatchObject({ code: 'FETTLE_MODBUS_UNREACHABLE' });
    expect(performance.now() - started).toBeLessThan(1000);
    await expect(transport.closed).resolves.toMatchObject({ code: 'FETTLE_MODBUS_UNREACHABLE' });
    await expect(transport.read(read(0))).rejects.toMatchObject({ code: 'FETTLE_MODBUS_UNREACHABLE' });
  });

  it('cannot be had where nobody listens, and says what to do', async () => {
    const device = await startRawDevice(answerWell);
    await device.close();
    await expect(TcpTransport.open({ url: device.url, timeoutMs: 100 }, new AbortController().signal)).rejects.toMatchObject({
      code: 'FETTLE_MODBUS_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
      hint: expect.stringContaining('port'),
    });
  });

  it('is given up when told to while it is being made', async () => {
    const abort = new AbortController();
    // 192.0.2.0/24 is for documentation and never answers (RFC 5737).
    const opening = TcpTransport.open({ url: 'tcp://192.0.2.1:502', timeoutMs: 100 }, abort.signal);
    setTimeout(() => abort.abort(), 20);
    await expect(opening).rejects.toMatchObject({ code: 'FETTLE_MODBUS_UNREACHABLE' });
  });

  it('closed by us is no failure', async () => {
    const { transport } = await connect(() => {});
    const pending = transport.read(read(0));
    transport.close();
    await expect(pending).rejects.toMatchObject({ code: 'FETTLE_MODBUS_UNREACHABLE' });
    await expect(transport.closed).resolves.toBeUndefined();
  });
});
