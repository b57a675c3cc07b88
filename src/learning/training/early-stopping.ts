export interface Best<State> {
  readonly epoch: number;
  readonly loss: number;
  readonly state: State;
}

/** Keeps the state of the lowest loss; over once that is more than `patience` observations ago. */
export class EarlyStopping<State> {
  readonly #patience: number;
  #best: Best<State> | undefined;
  #since = 0;

  constructor(patience: number) {
    this.#patience = patience;
  }

  observe(epoch: number, loss: number, state: State): void {
    this.#since++;
    if (this.#best !== undefined && !(loss < this.#best.loss)) return;
    this.#best = { epoch, loss, state };
    this.#since = 0;
  }

  get best(): Best<State> | undefined {
    return this.#best;
  }

  get over(): boolean {
    return this.#since >= this.#patience;
  }
}
