/** A dense matrix, row-major, `[rows, columns]`. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

export const matrix = (rows: number, columns: number, values = new Float64Array(rows * columns)): Matrix => ({ rows, columns, values });

/** Covariance of the rows of `data` about `mean`, `[columns, columns]`. */
export function covariance(data: Matrix, mean: Float64Array): Matrix {
  const { rows, columns, values } = data;
  const result = matrix(columns, columns);
  const centred = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) centred[j] = (values[i * columns + j] as number) - (mean[j] as number);
    for (let j = 0; j < columns; j++) {
      const a = centred[j] as number;
      const at = j * columns;
      for (let k = j; k < columns; k++) result.values[at + k] = (result.values[at + k] as number) + a * (centred[k] as number);
    }
  }
  for (let j = 0; j < columns; j++) {
    for (let k = j; k < columns; k++) {
      const value = (result.values[j * columns + k] as number) / Math.max(1, rows - 1);
      result.values[j * columns + k] = value;
      result.values[k * columns + j] = value;
    }
  }
  return result;
}

/** Column means. */
export function columnMeans({ rows, columns, values }: Matrix): Float64Array {
  const means = new Float64Array(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) means[j] = (means[j] as number) + (values[i * columns + j] as number) / rows;
  return means;
}

/**
 * Eigenvalues, largest first, and eigenvectors (columns of `vectors`) of a symmetric matrix: Householder reduction to tridiagonal form and
 * implicit QL (EISPACK tred2 and tql2; Wilkinson and Reinsch 1971). Throws a RangeError when the matrix holds NaN or QL does not converge.
 */
export function symmetricEigen({ rows: n, values: source }: Matrix): { values: Float64Array; vectors: Matrix } {
  if (!source.every(Number.isFinite)) throw new RangeError('the matrix holds values that are no numbers');
  const V: Float64Array[] = Array.from({ length: n }, (_, i) => source.slice(i * n, (i + 1) * n));
  const d = Float64Array.from(V[n - 1] as Float64Array);
  const e = new Float64Array(n);
  tridiagonalize(V, d, e);
  diagonalize(V, d, e);
  const order = Array.from(d.keys()).sort((a, b) => (d[b] as number) - (d[a] as number));
  const vectors = matrix(n, n);
  order.forEach((from, to) => {
    for (let i = 0; i < n; i++) vectors.values[i * n + to] = (V[i] as Float64Array)[from] as number;
  });
  return { values: Float64Array.from(order, (i) => Math.max(0, d[i] as number)), vectors };
}

function tridiagonalize(V: Float64Array[], d: Float64Array, e: Float64Array): void {
  const n = d.length;
  const at = (i: number): Float64Array => V[i] as Float64Array;
  const D = d as unknown as number[];
  const E = e as unknown as number[];
  const cell = (i: number, j: number): number => at(i)[j] as number;
  for (let i = n - 1; i > 0; i--) {
    let scale = 0;
    let h = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(D[k] as number);
    if (scale === 0) {
      E[i] = D[i - 1] as number;
      for (let j = 0; j < i; j++) {
        D[j] = cell(i - 1, j);
        at(i)[j] = 0;
        at(j)[i] = 0;
      }
    } else {
      for (let k = 0; k < i; k++) {
        D[k] = (D[k] as number) / scale;
        h += (D[k] as number) * (D[k] as number);
      }
      let f = D[i - 1] as number;
      let g = f > 0 ? -Math.sqrt(h) : Math.sqrt(h);
      E[i] = scale * g;
      h -= f * g;
      D[i - 1] = f - g;
      for (let j = 0; j < i; j++) E[j] = 0;
      for (let j = 0; j < i; j++) {
        f = D[j] as number;
        at(j)[i] = f;
        g = (E[j] as number) + cell(j, j) * f;
        for (let k = j + 1; k <= i - 1; k++) {
          g += cell(k, j) * (D[k] as number);
          E[k] = (E[k] as number) + cell(k, j) * f;
        }
        E[j] = g;
      }
      f = 0;
      for (let j = 0; j < i; j++) {
        E[j] = (E[j] as number) / h;
        f += (E[j] as number) * (D[j] as number);
      }
      const hh = f / (h + h);
      for (let j = 0; j < i; j++) E[j] = (E[j] as number) - hh * (D[j] as number);
      for (let j = 0; j < i; j++) {
        f = D[j] as number;
        g = E[j] as number;
        for (let k = j; k <= i - 1; k++) at(k)[j] = cell(k, j) - (f * (E[k] as number) + g * (D[k] as number));
        D[j] = cell(i - 1, j);
        at(i)[j] = 0;
      }
    }
    D[i] = h;
  }
  for (let i = 0; i < n - 1; i++) {
    at(n - 1)[i] = cell(i, i);
    at(i)[i] = 1;
    const h = D[i + 1] as number;
    if (h !== 0) {
      for (let k = 0; k <= i; k++) D[k] = cell(k, i + 1) / h;
      for (let j = 0; j <= i; j++) {
        let g = 0;
        for (let k = 0; k <= i; k++) g += cell(k, i + 1) * cell(k, j);
        for (let k = 0; k <= i; k++) at(k)[j] = cell(k, j) - g * (D[k] as number);
      }
    }
    for (let k = 0; k <= i; k++) at(k)[i + 1] = 0;
  }
  for (let j = 0; j < n; j++) {
    D[j] = cell(n - 1, j);
    at(n - 1)[j] = 0;
  }
  at(n - 1)[n - 1] = 1;
  E[0] = 0;
}

function diagonalize(V: Float64Array[], d: Float64Array, e: Float64Array): void {
  const n = d.length;
  const D = d as unknown as number[];
  const E = e as unknown as number[];
  for (let i = 1; i < n; i++) E[i - 1] = E[i] as number;
  E[n - 1] = 0;
  let f = 0;
  let largest = 0;
  for (let l = 0; l < n; l++) {
    largest = Math.max(largest, Math.abs(D[l] as number) + Math.abs(E[l] as number));
    let m = l;
    while (m < n - 1 && Math.abs(E[m] as number) > Number.EPSILON * largest) m++;
    let rounds = 0;
    while (m > l && Math.abs(E[l] as number) > Number.EPSILON * largest) {
      if (++rounds > 60) throw new RangeError('the eigenvalues do not converge');
      let g = D[l] as number;
      let p = ((D[l + 1] as number) - g) / (2 * (E[l] as number));
      let r = Math.hypot(p, 1);
      if (p < 0) r = -r;
      D[l] = (E[l] as number) / (p + r);
      D[l + 1] = (E[l] as number) * (p + r);
      const dl1 = D[l + 1] as number;
      let h = g - (D[l] as number);
      for (let i = l + 2; i < n; i++) D[i] = (D[i] as number) - h;
      f += h;
      p = D[m] as number;
      let c = 1;
      let c2 = 1;
      let c3 = 1;
      const el1 = E[l + 1] as number;
      let s = 0;
      let s2 = 0;
      for (let i = m - 1; i >= l; i--) {
        c3 = c2;
        c2 = c;
        s2 = s;
        g = c * (E[i] as number);
        h = c * p;
        r = Math.hypot(p, E[i] as number);
        E[i + 1] = s * r;
        s = (E[i] as number) / r;
        c = p / r;
        p = c * (D[i] as number) - s * g;
        D[i + 1] = h + s * (c * g + s * (D[i] as number));
        for (let k = 0; k < n; k++) {
          const row = V[k] as Float64Array;
          const upper = row[i + 1] as number;
          const lower = row[i] as number;
          row[i + 1] = s * lower + c * upper;
          row[i] = c * lower - s * upper;
        }
      }
      p = (-s * s2 * c3 * el1 * (E[l] as number)) / dl1;
      E[l] = s * p;
      D[l] = c * p;
    }
    D[l] = (D[l] as number) + f;
    E[l] = 0;
  }
}

/** Solves `A X = B` for symmetric positive definite A by Cholesky; both are `[n, n]` and `[n, columns]`. Throws a RangeError when A is not. */
export function solveSymmetric(A: Matrix, B: Matrix): Matrix {
  const n = A.rows;
  const L = Float64Array.from(A.values);
  for (let j = 0; j < n; j++) {
    for (let k = 0; k < j; k++) {
      const factor = L[j * n + k] as number;
      for (let i = j; i < n; i++) L[i * n + j] = (L[i * n + j] as number) - (L[i * n + k] as number) * factor;
    }
    const pivot = L[j * n + j] as number;
    if (!(pivot > 0)) throw new RangeError('the matrix is not positive definite');
    const root = Math.sqrt(pivot);
    for (let i = j; i < n; i++) L[i * n + j] = (L[i * n + j] as number) / root;
  }
  const X = Float64Array.from(B.values);
  const m = B.columns;
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++)
      for (let c = 0; c < m; c++) X[i * m + c] = (X[i * m + c] as number) - (L[i * n + k] as number) * (X[k * m + c] as number);
    for (let c = 0; c < m; c++) X[i * m + c] = (X[i * m + c] as number) / (L[i * n + i] as number);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++)
      for (let c = 0; c < m; c++) X[i * m + c] = (X[i * m + c] as number) - (L[k * n + i] as number) * (X[k * m + c] as number);
    for (let c = 0; c < m; c++) X[i * m + c] = (X[i * m + c] as number) / (L[i * n + i] as number);
  }
  return matrix(n, m, X);
}
