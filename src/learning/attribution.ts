/** What a linear autoencoder makes of a row: residual f − (f E) D, and the weight of each residual element. */
export interface ResidualModel {
  readonly channels: number;
  /** Elements of a channel, in order of time. */
  readonly blocks: number;
  /** Where in a row the element of a channel and block stands. */
  readonly at: (channel: number, block: number) => number;
  readonly encoder: Float32Array;
  readonly decoder: Float32Array;
  readonly rank: number;
  readonly residualWeights: Float64Array;
}

export interface Attribution {
  /**
   * `[channels · blocks, channels · directions]`: weighted residuals times this, squared and summed over a channel's directions, say how much of the score that
   * channel explains.
   */
  readonly matrix: Float64Array;
  readonly directions: number;
}

/**
 * Reconstruction-based contributions (Alcala and Qin, Automatica 45, 2009): how much of the score goes away when a channel may be corrected, here by one shift in
 * each half of the window. The plain residual smears a fault over all channels that move with the faulty one: of windows with a step of 4 deviations in one
 * channel it put the right one first in 20 % (simulated oven), 59 % (pump), 19 and 23 % (two SKAB files), 82 % (Tennessee Eastman); this in 100, 92, 51, 79, 96 %.
 *
 * With R = I − E D (rows times R are residuals), M = R W² Rᵀ and the channel's directions Ξ, the contribution of f is gᵀ (Ξᵀ M Ξ)⁻¹ g, g = Ξᵀ M f. Since
 * g = (W Rᵀ Ξ)ᵀ (W · residual), it is taken from the weighted residual: from the row itself all that is normal would have to cancel, which int8 cannot do.
 * A Cholesky factor of the middle is taken into the matrix.
 */
export function attributionOf(model: ResidualModel): Attribution {
  const { channels, blocks, at } = model;
  const width = channels * blocks;
  const directions = Math.min(2, blocks);
  const columns = channels * directions;
  const matrix = new Float64Array(width * columns);
  const half = (d: number): number => Math.floor((d * blocks) / directions);
  for (let c = 0; c < channels; c++) {
    const shifts = Array.from({ length: directions }, (_, d) => {
      const shift = new Float64Array(width);
      for (let block = half(d); block < half(d + 1); block++) shift[at(c, block)] = 1;
      return shift;
    });
    const seen = shifts.map((shift) => weightedResidual(shift, model));
    const middle = seen.map((one) => seen.map((other) => dot(one, other)));
    forwardSubstitute(cholesky(middle), seen).forEach((column, d) => {
      for (let i = 0; i < width; i++) matrix[i * columns + c * directions + d] = column[i] as number;
    });
  }
  return { matrix, directions };
}

/** W Rᵀ x, where the row x times R is its residual. */
function weightedResidual(x: Float64Array, { encoder, decoder, rank, residualWeights }: ResidualModel): Float64Array {
  const width = x.length;
  const code = new Float64Array(rank);
  for (let i = 0; i < width; i++)
    for (let k = 0; k < rank; k++) code[k] = (code[k] as number) + (x[i] as number) * (encoder[i * rank + k] as number);
  return x.map((value, j) => {
    let rebuilt = 0;
    for (let k = 0; k < rank; k++) rebuilt += (code[k] as number) * (decoder[k * width + j] as number);
    return (value - rebuilt) * (residualWeights[j] as number);
  });
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** Lower factor of a small symmetric matrix; a direction that cannot be seen at all gets a large pivot, so that it never explains anything. */
function cholesky(A: readonly (readonly number[])[]): number[][] {
  const trace = A.reduce((sum, row, i) => sum + (row[i] as number), 0);
  const L = A.map(() => new Array<number>(A.length).fill(0));
  for (let i = 0; i < A.length; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = A[i]?.[j] as number;
      for (let k = 0; k < j; k++) sum -= (L[i]?.[k] as number) * (L[j]?.[k] as number);
      const row = L[i] as number[];
      if (i !== j) row[j] = sum / (L[j]?.[j] as number);
      else row[j] = sum > 1e-9 * trace && sum > 1e-12 ? Math.sqrt(sum) : 1e9;
    }
  }
  return L;
}

/** L⁻¹ times the columns. */
function forwardSubstitute(L: readonly (readonly number[])[], columns: readonly Float64Array[]): Float64Array[] {
  const solved: Float64Array[] = [];
  for (const [i, column] of columns.entries()) {
    const rest = column.map((value, at) =>
      solved.reduce((sum, earlier, k) => sum - (L[i]?.[k] as number) * (earlier[at] as number), value),
    );
    solved.push(rest.map((value) => value / (L[i]?.[i] as number)));
  }
  return solved;
}
