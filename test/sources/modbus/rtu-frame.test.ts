import { describe, expect, it } from 'vitest';
import { crc16 } from '../../../src/sources/modbus/crc16.ts';
import { DrainGuard } from '../../../src/sources/modbus/drain-guard.ts';
import { characterMs, frameGapMs, lineKey, parseLineUrl } from '../../../src/sources/modbus/line-url.ts';
import { assertRead, expectedReply, findReply, requestFrame } from '../../../src/sources/modbus/rtu-frame.ts';
import { rtuException, rtuFrame, rtuReply } from '../../support/modbus/rtu-device.ts';

const request = { unit: 3, table: 'holdingRegister', address: 107, count: 2 } as const;
const asked = { unit: 3, functionCode: 3, address: 107, count: 2 };
const expected = expectedReply(request, requestFrame(request));

describe('an RTU request', () => {
  it('is what the standard says', () => {
    // From the Modbus protocol reference guide (PI-MBUS-300 J): CRC of 02 07 is 41 12.
    expect(crc16(Buffer.from([2, 7]), 0, 2).toString(16)).toBe('1241');
    expect(requestFrame({ unit: 17, table: 'holdingRegister', address: 107, count: 3 }).toString('hex')).toBe('1103006b00037687');
  });

  it('is the only thing that leaves', () => {
    expect(() => assertRead(requestFrame(request))).not.toThrow();
    const spoilt = requestFrame(request);
    spoilt[7] = (spoilt[7] as number) ^ 1;
    const others = [
      spoilt,
      rtuFrame([3, 6, 0, 107, 0, 1]),
      rtuFrame([3, 5, 0, 107, 0xff, 0]),
      rtuFrame([3, 16, 0, 107, 0, 1, 2, 0, 1]),
      rtuFrame([3, 3, 0, 107, 0, 126]),
      rtuFrame([3, 3, 0, 107, 0, 0]),
      Buffer.concat([requestFrame(request), rtuFrame([3, 6, 0, 107, 0, 1])]),
      requestFrame(request).subarray(0, 7),
    ];
    for (const other of others) expect(() => assertRead(other)).toThrow('not sent');
  });
});

describe('an RTU reply', () => {
  it('is found behind a glitch, an echo and another unit’s reply', () => {
    const reply = rtuReply(asked);
    const before = [Buffer.alloc(0), Buffer.from([0]), requestFrame(request), rtuReply({ ...asked, unit: 5 })];
    for (const first of before) expect(findReply(Buffer.concat([first, reply]), expected)?.data).toEqual(reply.subarray(3, 7));
    expect(findReply(rtuException(asked, 2), expected)?.exception).toBe(2);
  });

  it('is not one of another unit, function, length or checksum', () => {
    const wrong = [
      rtuReply({ ...asked, unit: 4 }),
      rtuReply({ ...asked, functionCode: 4 }),
      rtuReply({ ...asked, count: 3 }),
      rtuReply({ ...asked, count: 1 }),
      rtuReply(asked).subarray(0, 8),
      rtuException({ ...asked, unit: 4 }, 2),
      rtuException({ ...asked, functionCode: 4 }, 2),
    ];
    for (const bytes of wrong) expect(findReply(bytes, expected)).toBeUndefined();
    for (let bit = 0; bit < 9 * 8; bit++) {
      const bytes = rtuReply(asked);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(findReply(bytes, expected)).toBeUndefined();
    }
  });

  it('is not the echo of its own request, though that fits', () => {
    // Function 1, byte count 3: the echo of a read of 24 coils from 0x0302 on.
    const coils = { unit: 3, table: 'coil', address: 0x0302, count: 24 } as const;
    const echo = requestFrame(coils);
    expect(findReply(echo, expectedReply(coils, echo))).toBeUndefined();
    expect(findReply(echo, expectedReply(coils, Buffer.alloc(8)))).toBeDefined();
  });
});

describe('the drain', () => {
  const times = { drainMs: 1000, quietMs: 2 };

  it('holds the line until it was silent for so long, begun anew by every byte', () => {
    const guard = new DrainGuard(times);
    guard.gaveUp(expected, 0, true);
    expect(guard.readyInMs(0, 5)).toBe(1000);
    expect(guard.noise(900)).toBe(true);
    expect(guard.readyInMs(1000, 5)).toBe(900);
    expect(guard.readyInMs(1900, 5)).toBe(0);
  });

  it('ends with the reply that is owed', () => {
    const guard = new DrainGuard(times);
    guard.gaveUp(expected, 0, true);
    guard.cameLate(3, 100);
    expect(guard.readyInMs(130, 3)).toBe(0);
  });

  it('of a probe holds its unit alone', () => {
    const guard = new DrainGuard(times);
    guard.gaveUp(expected, 0, false);
    expect(guard.readyInMs(1, 5)).toBe(0);
    expect(guard.readyInMs(1, 3)).toBe(999);
  });

  it('grows for a unit that answers after it', () => {
    const guard = new DrainGuard(times);
    guard.cameUnasked(expected, 0);
    expect(guard.readyInMs(1, 3)).toBe(1999);
  });

  it('gives up a line that is never silent', () => {
    const guard = new DrainGuard(times);
    guard.gaveUp(expected, 0, true);
    let isHopeless = false;
    for (let ms = 0; ms < 7000 && !isHopeless; ms += 100) isHopeless = !guard.noise(ms);
    expect(isHopeless).toBe(true);
  });
});

describe('the URL of a line', () => {
  it('says how the characters are made, and how long they take', () => {
    const line = parseLineUrl('rtu:///dev/serial/by-id/usb-x?baudRate=9600&parity=none&stopBits=2');
    expect(line).toEqual({
      scheme: 'rtu',
      path: '/dev/serial/by-id/usb-x',
      settings: { baudRate: 9600, parity: 'none', dataBits: 8, stopBits: 2 },
    });
    const settings = { baudRate: 19_200, parity: 'even', dataBits: 8, stopBits: 1 } as const;
    expect(characterMs(settings)).toBeCloseTo(0.573, 3);
    expect(frameGapMs(settings)).toBeCloseTo(2.005, 3);
    expect(frameGapMs({ ...settings, baudRate: 115_200 })).toBe(1.75);
    expect(parseLineUrl('rtu://COM3')).toMatchObject({ path: 'COM3', settings });
    expect(parseLineUrl('modbus+tls://plc.local')).toEqual({ scheme: 'modbus+tls', host: 'plc.local', port: 802 });
  });

  it.each([
    ['rtu:///dev/ttyUSB0?baud=9600', 'baud'],
    ['rtu:///dev/ttyUSB0?baudRate=fast', 'baudRate=fast'],
    ['rtu:///dev/ttyUSB0?parity=odds', 'parity=odds'],
    ['rtu:///dev/ttyUSB0?dataBits=9', '7 or 8'],
    ['rtu://', 'name the port'],
    ['tcp://10.0.0.1?baudRate=9600', 'not known'],
  ])('%s is refused', (url, message) => {
    expect(() => parseLineUrl(url)).toThrow(message);
  });

  it('names one line, however it is written', () => {
    expect(lineKey(parseLineUrl('tcp://PLC.local'))).toBe(lineKey(parseLineUrl('tcp://plc.local:502')));
    expect(lineKey(parseLineUrl('rtu+tcp://[::1]:4001'))).toBe('rtu+tcp://::1:4001');
  });
});
