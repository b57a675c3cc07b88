import { FettleError } from '../../core/errors.ts';
import { Line, type LineOptions } from './line.ts';

interface Entry {
  readonly line: Line;
  /** How the port is to be set; all who share it have to say the same. */
  readonly settings: string;
  members: number;
}

/** Lines by their name: two sources that name the same device share its one connection and queue. */
export class LineRegistry {
  readonly #lines = new Map<string, Entry>();
  /** Lines that are being closed; a port cannot be opened before. */
  readonly #closing = new Map<string, Promise<void>>();

  /**
   * The line of this name, made when there is none; each `acquire` is undone by one `release`. Throws FETTLE_CONFIG_INVALID when
   * others have it with other settings.
   */
  acquire(key: string, settings: string, options: LineOptions): Line {
    const known = this.#lines.get(key);
    if (known === undefined) {
      const after = this.#closing.get(key);
      const line = new Line({ ...options, ...(after !== undefined && { after }) });
      this.#lines.set(key, { line, settings, members: 1 });
      return line;
    }
    if (known.settings !== settings) {
      throw new FettleError('FETTLE_CONFIG_INVALID', `${key}: another source has this line with other settings`, {
        hint: `one line has one set of them: ${known.settings} or ${settings}`,
      });
    }
    known.members++;
    return known.line;
  }

  /** Takes one member off; `ended` resolves when it has left, for the last one when the line is closed. */
  release(key: string, ended: Promise<void>): void {
    const entry = this.#lines.get(key);
    if (entry === undefined || --entry.members > 0) return;
    this.#lines.delete(key);
    const closing = ended
      .catch(() => {})
      .then(() => {
        if (this.#closing.get(key) === closing) this.#closing.delete(key);
      });
    this.#closing.set(key, closing);
  }
}

/** Of this process. */
export const lines = new LineRegistry();
