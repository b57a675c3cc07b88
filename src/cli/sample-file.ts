import { type FileHandle, open } from 'node:fs/promises';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import type { HistoryBatch } from '../gateway/history-samples.ts';

type Columns = { readonly [Key in keyof HistoryBatch]: HistoryBatch[Key] };

/** Samples that wait for a row group of a Parquet file. */
const rowGroup = 200_000;

/** Samples on their way into a file, in bounded memory. A value that is a text stands in the same column of a CSV, in its own of a Parquet file. */
export abstract class SampleFile implements AsyncDisposable {
  samples = 0;

  static create(file: string, format: 'csv' | 'parquet'): SampleFile {
    return format === 'csv' ? new CsvFile(file) : new ParquetFile(file);
  }

  async add(batch: HistoryBatch): Promise<void> {
    this.samples += batch.timeMs.length;
    await this.write(batch);
  }

  protected abstract write(batch: HistoryBatch): Promise<void>;
  abstract end(): Promise<void>;
  abstract [Symbol.asyncDispose](): Promise<void>;
}

class CsvFile extends SampleFile {
  readonly #file: string;
  #handle: FileHandle | undefined;

  constructor(file: string) {
    super();
    this.#file = file;
  }

  protected async write({ timeMs, tag, value, text, quality }: HistoryBatch): Promise<void> {
    const lines = timeMs.map(
      (ms, i) => `${isoTime(ms)},${cell(tag[i] as string)},${value[i] ?? cell(text[i] ?? '')},${quality[i] as string}\n`,
    );
    await (await this.#opened()).writeFile(lines.join(''));
  }

  async end(): Promise<void> {
    await this.#opened();
  }

  async #opened(): Promise<FileHandle> {
    if (this.#handle !== undefined) return this.#handle;
    this.#handle = await open(this.#file, 'w');
    await this.#handle.writeFile('time,tag,value,quality\n');
    return this.#handle;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close();
  }
}

class ParquetFile extends SampleFile {
  readonly #writer: ParquetWriter;
  #waiting: Columns = emptyColumns();

  constructor(file: string) {
    super();
    this.#writer = new ParquetWriter({
      writer: fileWriter(file),
      schema: [
        { name: 'root', num_children: 5 },
        { name: 'time', type: 'INT64', converted_type: 'TIMESTAMP_MICROS', repetition_type: 'REQUIRED' },
        { name: 'tag', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
        { name: 'value', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
        { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'quality', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      ],
    });
  }

  protected async write(batch: HistoryBatch): Promise<void> {
    for (let i = 0; i < batch.timeMs.length; i++) {
      this.#waiting.timeMs.push(batch.timeMs[i] as number);
      this.#waiting.tag.push(batch.tag[i] as string);
      this.#waiting.value.push(batch.value[i] ?? null);
      this.#waiting.text.push(batch.text[i] ?? null);
      this.#waiting.quality.push(batch.quality[i] as string);
    }
    if (this.#waiting.timeMs.length >= rowGroup) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#flush();
    await this.#writer.finish();
  }

  async #flush(): Promise<void> {
    const { timeMs, tag, value, text, quality } = this.#waiting;
    this.#waiting = emptyColumns();
    if (timeMs.length === 0) return;
    await this.#writer.write({
      columnData: [
        { name: 'time', data: timeMs.map((ms) => BigInt(Math.round(ms * 1000))) },
        { name: 'tag', data: tag },
        { name: 'value', data: value },
        { name: 'text', data: text },
        { name: 'quality', data: quality },
      ],
      rowGroupSize: timeMs.length,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

const emptyColumns = (): Columns => ({ timeMs: [], tag: [], value: [], text: [], quality: [] });

/** Fractions of a millisecond are kept. */
function isoTime(ms: number): string {
  const whole = Math.floor(ms);
  const text = new Date(whole).toISOString();
  return whole === ms ? text : `${text.slice(0, -1)}${String(Math.round((ms - whole) * 1000)).padStart(3, '0')}Z`;
}

const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
