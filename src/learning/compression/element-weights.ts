const floor = 0.05;

/** 1 / (deviation + 0.05 rms) of each element's residual (DETECTOR 3.2), from `residual` `[windows, width]`. */
export function elementWeights(residual: Float32Array, width: number): Float64Array {
  const rows = residual.length / width;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  residual.forEach((value, at) => {
    const j = at % width;
    mean[j] = (mean[j] as number) + value / rows;
    square[j] = (square[j] as number) + (value * value) / rows;
  });
  const rms = Math.sqrt(square.reduce((sum, value) => sum + value / width, 0));
  return square.map((value, j) => 1 / (Math.sqrt(Math.max(0, value - (mean[j] as number) ** 2)) + floor * rms + 1e-9));
}
