import { formatBytes } from '../../core/duration.ts';
import type { Candidate, Wanted } from './frontier.ts';

const [width, height] = [860, 480];
const margin = { left: 70, right: 190, top: 40, bottom: 50 };
const colours: Readonly<Record<Candidate['precision'], string>> = { fp32: '#4c78a8', int8: '#54a24b', int4: '#f58518', int2: '#e45756' };

/** Loss over size as SVG: a dot a candidate, a line through the frontier, the size that was asked for. */
export function frontierPlot(title: string, candidates: readonly Candidate[], chosen: Candidate, { bytes, loss }: Wanted): string {
  const sizes = candidates.map((one) => Math.log10(one.bytes));
  const losses = [...candidates.map((one) => one.loss), 0];
  const [left, right] = [Math.min(...sizes) - 0.05, Math.max(...sizes) + 0.05];
  const span = Math.max(...losses) - Math.min(...losses) || 0.01;
  const [low, high] = [Math.min(...losses) - 0.05 * span, Math.max(...losses) + 0.05 * span];
  const x = (size: number): number => margin.left + ((Math.log10(size) - left) / (right - left)) * (width - margin.left - margin.right);
  const y = (value: number): number => height - margin.bottom - ((value - low) / (high - low)) * (height - margin.top - margin.bottom);
  const text = (at: readonly [number, number], words: string, more = ''): string =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${more}>${escaped(words)}</text>`;
  const line = (x1: number, y1: number, x2: number, y2: number, more = 'stroke="#ddd"'): string =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${more}/>`;
  const [bottom, end] = [height - margin.bottom, width - margin.right];
  const columns = ticks(10 ** left, 10 ** right).flatMap((size) => [
    line(x(size), margin.top, x(size), bottom),
    text([x(size), bottom + 18], formatBytes(size), 'text-anchor="middle"'),
  ]);
  const rows = Array.from({ length: 5 }, (_, i) => low + ((i + 0.5) * (high - low)) / 5).flatMap((value) => [
    line(margin.left, y(value), end, y(value)),
    text([margin.left - 6, y(value) + 4], value.toFixed(3), 'text-anchor="end"'),
  ]);
  const frontier = candidates.filter((one) => one.onFrontier).map((one) => `${x(one.bytes).toFixed(1)},${y(one.loss).toFixed(1)}`);
  const dots = candidates.map(
    (one) =>
      `<circle cx="${x(one.bytes).toFixed(1)}" cy="${y(one.loss).toFixed(1)}" r="${one === chosen ? 7 : 4}" fill="${colours[one.precision]}"${one === chosen ? ' stroke="#000" stroke-width="2"' : ''}><title>${escaped(`${one.structure.name}, ${one.precision}: ${formatBytes(one.bytes)}, loss ${one.loss.toFixed(4)}`)}</title></circle>`,
  );
  const legend = Object.entries(colours).flatMap(([precision, colour], i) => [
    `<circle cx="${end + 20}" cy="${margin.top + 20 * i}" r="5" fill="${colour}"/>`,
    text([end + 32, margin.top + 20 * i + 4], precision),
  ]);
  const limits = [
    ...(bytes === undefined || Math.log10(bytes) < left || Math.log10(bytes) > right
      ? []
      : [line(x(bytes), margin.top, x(bytes), bottom, 'stroke="#000" stroke-dasharray="4"')]),
    ...(loss === undefined || loss < low || loss > high
      ? []
      : [line(margin.left, y(loss), end, y(loss), 'stroke="#000" stroke-dasharray="4"')]),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    text([margin.left, 22], `${title}: loss of AUC over size; taken: ${chosen.structure.name}, ${chosen.precision}`, 'font-size="14"'),
    ...columns,
    ...rows,
    ...limits,
    `<polyline points="${frontier.join(' ')}" fill="none" stroke="#888"/>`,
    ...dots,
    ...legend,
    text([(margin.left + end) / 2, height - 10], 'size of the ONNX file', 'text-anchor="middle"'),
    '</svg>\n',
  ].join('\n');
}

/** 1, 2 and 5 of each decade. */
function ticks(from: number, to: number): number[] {
  const found: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(from)); decade <= to; decade *= 10)
    for (const step of [1, 2, 5]) if (decade * step >= from && decade * step <= to) found.push(decade * step);
  return found;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
