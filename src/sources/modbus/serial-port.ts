import { setTimeout as sleep } from 'node:timers/promises';
import type { SerialPort as NativePort } from 'serialport';
import { FettleError } from '../../core/errors.ts';
import type { BytePort } from './byte-port.ts';
import type { LineSettings } from './line-url.ts';
import { assertRead, requestBytes } from './rtu-frame.ts';

/** Who switches the driver of a two-wire line, when neither the adapter nor the kernel does. */
export interface Rs485Switches {
  /** Level of RTS while sending. */
  readonly rts: 'high' | 'low';
  /** Between switching and the first bit, ms. */
  readonly before: number;
  /** Between the last bit and switching back, ms. */
  readonly after: number;
}

export interface SerialPortOptions extends LineSettings {
  readonly path: string;
  readonly rs485?: Rs485Switches | undefined;
  readonly characterMs: number;
}

/** One opening of a serial port, alone on it (the port is locked). */
export class SerialPort implements BytePort {
  readonly #native: NativePort;
  readonly #options: SerialPortOptions;
  readonly closed: Promise<Error | undefined>;

  private constructor(native: NativePort, options: SerialPortOptions) {
    this.#native = native;
    this.#options = options;
    let failure: Error | undefined;
    let isClosed = false;
    native.on('error', (error) => {
      failure ??= error;
      this.close();
    });
    this.closed = new Promise((resolve) => {
      // An adapter that was pulled out comes here with an error.
      native.once('close', (error: Error | null) => {
        isClosed = true;
        resolve(failure ?? error ?? undefined);
      });
    });
    void this.closed.then(() => isClosed && native.removeAllListeners('data'));
  }

  /** Rejects with the system's error, or FETTLE_MODBUS_UNREACHABLE where `serialport` is not installed. */
  static async open(options: SerialPortOptions, signal: AbortSignal): Promise<SerialPort> {
    const { SerialPort: Native } = await import('serialport').catch((cause: unknown) => {
      throw new FettleError('FETTLE_MODBUS_UNREACHABLE', `${options.path}: the package serialport could not be loaded`, {
        cause,
        hint: 'there is no build of it for this platform; use a serial server and rtu+tcp://',
      });
    });
    signal.throwIfAborted();
    const { path, baudRate, parity, dataBits, stopBits, rs485 } = options;
    const native = new Native({ path, baudRate, parity, dataBits, stopBits, lock: true, hupcl: false, autoOpen: false });
    await new Promise<void>((resolve, reject) => native.open((error) => (error ? reject(error) : resolve())));
    const port = new SerialPort(native, options);
    if (rs485 !== undefined) {
      try {
        await port.#switch(false);
      } catch (cause) {
        port.close();
        await port.closed;
        throw new FettleError('FETTLE_MODBUS_UNREACHABLE', `${path}: RTS cannot be switched`, {
          cause,
          hint: 'this port has no RTS line; leave rs485 out when the adapter switches by itself',
        });
      }
    }
    return port;
  }

  async send(frame: Buffer): Promise<void> {
    assertRead(frame);
    const { rs485, characterMs } = this.#options;
    if (!this.#native.isOpen) return;
    if (rs485 === undefined) {
      this.#native.write(frame);
      return;
    }
    await this.#switch(true);
    if (rs485.before > 0) await sleep(rs485.before);
    const sentMs = performance.now();
    this.#native.write(frame);
    await new Promise<void>((resolve, reject) => this.#native.drain((error) => (error ? reject(error) : resolve())));
    // Some drivers call the buffer drained while the adapter still sends.
    const restMs = sentMs + requestBytes * characterMs - performance.now() + rs485.after;
    if (restMs > 0) await sleep(restMs);
    await this.#switch(false);
  }

  listen(listener: (bytes: Buffer) => void): void {
    this.#native.on('data', listener);
  }

  close(): void {
    if (this.#native.isOpen) this.#native.close(() => {});
  }

  #switch(sends: boolean): Promise<void> {
    const rts = (this.#options.rs485?.rts === 'high') === sends;
    return new Promise((resolve, reject) => this.#native.set({ rts }, (error) => (error ? reject(error) : resolve())));
  }
}
