const normalWords = /^(?:|nan|null|none|n\/a|na|-|normal|nominal|healthy|ok|okay|good|false|f|no|n|off)$/i;
const anomalousWords = /^(?:anomaly|anomalous|abnormal|outlier|fault|faulty|failure|attack|bad|broken|error|alarm|true|t|yes|y|on)$/i;

export interface Labels {
  /** By row: 1 where the machine was not healthy. */
  readonly label: Uint8Array;
  /** What the column holds on anomalous rows, each once, in order of appearance: `1`, or `leak`, `blockage`. */
  readonly kinds: readonly string[];
}

/**
 * Collects the cells of a label column. A number other than 0 is anomalous; so is a word, unless it says normal (`normal`, `ok`, `false`, `no`, …) or
 * nothing (empty, `NaN`).
 */
export class LabelColumn {
  readonly #codes: number[] = [];
  readonly #code = new Map<string, number>();

  add(cell: string): void {
    const text = kindOf(cell);
    let code = this.#code.get(text);
    if (code === undefined) {
      code = this.#code.size;
      this.#code.set(text, code);
    }
    this.#codes.push(code);
  }

  /** `refuse` makes the error where the cells leave open which of them mean normal. */
  end(refuse: (message: string, hint: string) => Error): Labels {
    const kinds = [...this.#code.keys()];
    const anomalous = kinds.map(isAnomalous);
    const numbers = kinds.map(Number);
    if (numbers.includes(-1) && numbers.includes(1) && !numbers.includes(0)) {
      throw refuse('holds -1 and 1 and no 0, so either may be normal', 'write 0 for normal rows and 1 for anomalous ones');
    }
    const unknown = kinds.filter((kind) => Number.isNaN(Number(kind)) && !normalWords.test(kind) && !anomalousWords.test(kind));
    if (unknown.length > 0 && anomalous.every(Boolean)) {
      throw refuse(`holds ${unknown.slice(0, 5).join(', ')} and nothing that says normal`, 'write 0 or normal for normal rows');
    }
    return {
      label: Uint8Array.from(this.#codes, (code) => (anomalous[code] === true ? 1 : 0)),
      kinds: kinds.filter((_, code) => anomalous[code]),
    };
  }
}

/** `0.0` and `0` are one kind. */
function kindOf(cell: string): string {
  const number = Number(cell.replace(',', '.'));
  return cell === '' || Number.isNaN(number) ? cell : String(number);
}

const isAnomalous = (kind: string): boolean => !normalWords.test(kind) && Number(kind) !== 0;
