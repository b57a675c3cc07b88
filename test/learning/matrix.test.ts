import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../src/core/seeded-random.ts';
import { columnMeans, covariance, type Matrix, matrix, solveSymmetric, symmetricEigen } from '../../src/learning/matrix.ts';

const at = (m: Matrix, i: number, j: number): number => m.values[i * m.columns + j] as number;

function randomCovariance(n: number, rows: number, seed: number): Matrix {
  const data = matrix(rows, n, Float64Array.from({ length: rows * n }, gaussian(seededRandom(seed))));
  return covariance(data, columnMeans(data));
}

describe('symmetricEigen', () => {
  it.each([1, 2, 3, 17, 80])('gives orthonormal vectors that rebuild a matrix of size %i', (n) => {
    // Fewer rows than columns: half of the eigenvalues are zero and equal.
    const A = randomCovariance(n, Math.max(2, Math.floor(n / 2)), n);
    const { values, vectors } = symmetricEigen(A);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let product = 0;
        let rebuilt = 0;
        for (let k = 0; k < n; k++) {
          product += at(vectors, k, i) * at(vectors, k, j);
          rebuilt += at(vectors, i, k) * (values[k] as number) * at(vectors, j, k);
        }
        expect(product).toBeCloseTo(i === j ? 1 : 0, 9);
        expect(rebuilt).toBeCloseTo(at(A, i, j), 9);
      }
    }
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
  });

  it('knows the eigenvalues of a matrix worked out by hand', () => {
    const { values } = symmetricEigen(matrix(3, 3, Float64Array.of(2, -1, 0, -1, 2, -1, 0, -1, 2)));
    [2 + Math.SQRT2, 2, 2 - Math.SQRT2].forEach((value, i) => {
      expect(values[i]).toBeCloseTo(value, 12);
    });
  });

  it('refuses a matrix with NaN instead of turning for ever', () => {
    const A = randomCovariance(5, 20, 1);
    A.values[7] = Number.NaN;
    A.values[11] = Number.NaN;
    expect(() => symmetricEigen(A)).toThrow(RangeError);
  });
});

describe('solveSymmetric', () => {
  it('solves A X = B', () => {
    const A = randomCovariance(12, 60, 3);
    const wanted = matrix(
      12,
      3,
      Float64Array.from({ length: 36 }, (_, i) => i - 18),
    );
    const B = matrix(12, 3);
    for (let i = 0; i < 12; i++)
      for (let c = 0; c < 3; c++) for (let k = 0; k < 12; k++) B.values[i * 3 + c] = at(B, i, c) + at(A, i, k) * at(wanted, k, c);
    const X = solveSymmetric(A, B);
    for (const [i, value] of X.values.entries()) expect(value).toBeCloseTo(wanted.values[i] as number, 8);
  });

  it('says when the matrix is singular', () => {
    expect(() => solveSymmetric(matrix(2, 2, Float64Array.of(1, 1, 1, 1)), matrix(2, 1))).toThrow(RangeError);
  });
});
