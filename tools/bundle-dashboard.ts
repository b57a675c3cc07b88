/** src/dashboard → the four files a browser loads. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const folder = fileURLToPath(new URL('../src/dashboard/', import.meta.url));
const read = (path: string): string => readFileSync(path, 'utf8');

/** File name to its text. */
export async function bundleDashboard(): Promise<Record<string, string>> {
  const bundle = await rolldown({
    input: `${folder}main.tsx`,
    platform: 'browser',
  });
  try {
    const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false });
    const [script] = output;
    const chart = read(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'));
    return {
      'index.html': read(`${folder}index.html`),
      'app.js': script.code,
      'app.css': `${chart}\n${minified(read(`${folder}style.css`))}`,
      'icon.svg': read(`${folder}icon.svg`),
    };
  } finally {
    await bundle.close();
  }
}

/** Good enough for a hand-written sheet without strings that hold braces. */
const minified = (css: string): string =>
  css
    .replaceAll(/\/\*.*?\*\//gs, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{};,]) ?/g, '$1')
    .replaceAll(/: /g, ':');
