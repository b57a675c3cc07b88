/** A two-way stream of bytes, from open to closed; never opened again. */
export interface BytePort {
  /** Resolves when the frame is handed over. Nothing but a Modbus read leaves: anything else rejects with FETTLE_MODBUS_REFUSED. */
  send(frame: Buffer): Promise<void>;
  /** What comes, in pieces of any size; one listener. */
  listen(listener: (bytes: Buffer) => void): void;
  /** Resolves when it has ended and may be opened anew, with why; undefined after `close`. */
  readonly closed: Promise<Error | undefined>;
  close(): void;
}
