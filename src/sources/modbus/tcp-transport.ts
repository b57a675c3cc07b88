import modbus from 'modbus-serial';
import { errorText, FettleError } from '../../core/errors.ts';
import { GuardedSocket } from './guarded-socket.ts';
import { describeAddress } from './reference.ts';
import { isBitTable, type Table } from './table.ts';
import { ModbusException, type ModbusTransport, type ReadRequest } from './transport.ts';

type Client = InstanceType<typeof modbus.default>;
type Reply = { readonly buffer: Buffer };

/** Modbus TCP through modbus-serial, a new client object for each connection, behind a socket that lets only reads out and only fitting replies in. */
export class TcpTransport implements ModbusTransport {
  readonly #host: string;
  readonly #port: number;
  readonly #timeoutMs: number;
  readonly #where: string;
  #socket: GuardedSocket | undefined;
  #client: Client | undefined;
  #lateReplies = 0;
  /** Why the connection broke, for the requests that were under way. */
  #broken: FettleError | undefined;
  #rejectPending = new Set<(error: FettleError) => void>();

  constructor(deviceUrl: string, timeoutMs: number) {
    const { hostname, port } = new URL(deviceUrl);
    this.#host = hostname.replace(/^\[|\]$/g, '');
    this.#port = Number(port) || 502;
    this.#timeoutMs = timeoutMs;
    this.#where = `${this.#host}:${this.#port}`;
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  get lateReplies(): number {
    return this.#lateReplies + (this.#socket?.lateReplies ?? 0);
  }

  async connect(signal: AbortSignal): Promise<void> {
    this.close();
    signal.throwIfAborted();
    const socket = new GuardedSocket();
    this.#socket = socket;
    this.#broken = undefined;
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown): void => {
        signal.removeEventListener('abort', onAbort);
        clearTimeout(timer);
        socket.destroy();
        reject(signal.aborted ? signal.reason : this.#unreachable(error));
      };
      const onAbort = (): void => fail(signal.reason);
      const timer = setTimeout(() => fail(new Error('no answer to the connection request')), Math.max(2000, this.#timeoutMs));
      signal.addEventListener('abort', onAbort, { once: true });
      socket.once('error', fail);
      socket.setNoDelay(true);
      socket.setKeepAlive(true);
      socket.connect({ host: this.#host, port: this.#port }, () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        socket.off('error', fail);
        resolve();
      });
    });
    socket.on('error', (error) => {
      this.#broken = error instanceof FettleError ? error : this.#unreachable(error);
    });
    socket.on('close', () => this.#lost(socket));
    const client = new modbus.default();
    // Its own events repeat what the socket says; unheard, they would end the process.
    client.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      client.linkTCP(socket, { port: this.#port }, (error?: Error | null) => (error ? reject(this.#unreachable(error)) : resolve()));
    });
    client.setTimeout(this.#timeoutMs);
    this.#client = client;
  }

  read(request: ReadRequest): Promise<Buffer> {
    const client = this.#client;
    if (client === undefined) return Promise.reject(this.#unreachable('not connected'));
    return new Promise<Buffer>((resolve, reject) => {
      const settle = (): void => void this.#rejectPending.delete(fail);
      const fail = (error: FettleError): void => {
        settle();
        reject(error);
      };
      this.#rejectPending.add(fail);
      // One client has one current unit: set in the same turn as the call.
      client.setID(request.unit);
      call(client, request).then(
        ({ buffer }) => {
          settle();
          const bytes = isBitTable(request.table) ? Math.ceil(request.count / 8) : request.count * 2;
          if (buffer.length === bytes) resolve(buffer);
          else reject(new FettleError('FETTLE_MODBUS_FRAMING', `${this.#describe(request)}: ${buffer.length} bytes came, ${bytes} were asked for`));
        },
        (error: unknown) => fail(this.#errorOf(error, request)),
      );
    });
  }

  close(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#lost(socket);
    socket.destroy();
  }

  #lost(socket: GuardedSocket): void {
    if (socket !== this.#socket) return;
    this.#lateReplies += socket.lateReplies;
    this.#socket = undefined;
    this.#client = undefined;
    // modbus-serial would let these wait for their time-out.
    for (const reject of [...this.#rejectPending]) reject(this.#broken ?? this.#unreachable('the device closed the connection'));
  }

  #errorOf(error: unknown, request: ReadRequest): FettleError {
    if (error instanceof FettleError) return error;
    const { modbusCode, name, errno } = error as { modbusCode?: number; name?: string; errno?: string };
    if (modbusCode !== undefined) return new ModbusException(modbusCode, this.#describe(request));
    if (name === 'TransactionTimedOutError' || errno === 'ETIMEDOUT') {
      this.#socket?.expireAll();
      return new FettleError('FETTLE_MODBUS_TIMEOUT', `${this.#describe(request)}: no answer within ${this.#timeoutMs} ms`, {
        hint: 'is the device on, is the unit id right, does it need a longer timeout?',
      });
    }
    return this.#broken ?? this.#unreachable(error);
  }

  #describe({ unit, table, address, count }: ReadRequest): string {
    return `${this.#where} unit ${unit}, ${describeAddress(table, address)}${count > 1 ? ` and ${count - 1} more` : ''}`;
  }

  #unreachable(cause: unknown): FettleError {
    return new FettleError('FETTLE_MODBUS_UNREACHABLE', `no connection to ${this.#where}: ${errorText(cause)}`, {
      cause,
      hint: 'is the device on and the address right? Many devices allow one connection only',
    });
  }
}

function call(client: Client, { table, address, count }: ReadRequest): Promise<Reply> {
  const read: Record<Table, () => Promise<Reply>> = {
    coil: () => client.readCoils(address, count),
    discreteInput: () => client.readDiscreteInputs(address, count),
    inputRegister: () => client.readInputRegisters(address, count),
    holdingRegister: () => client.readHoldingRegisters(address, count),
  };
  return read[table]();
}
