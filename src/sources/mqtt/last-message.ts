import { crc32 } from 'node:zlib';

/** Longer ones are known by length and checksum. */
const keptLength = 512;

/** Knows the last message of a topic again. */
export class LastMessage {
  #text: string | undefined;
  #length = -1;
  #checksum = 0;

  is(text: string): boolean {
    if (text.length !== this.#length) return false;
    return this.#text === undefined ? crc32(text) === this.#checksum : text === this.#text;
  }

  keep(text: string | undefined): void {
    this.#length = text?.length ?? -1;
    this.#text = text !== undefined && text.length <= keptLength ? text : undefined;
    if (text !== undefined && text.length > keptLength) this.#checksum = crc32(text);
  }
}
