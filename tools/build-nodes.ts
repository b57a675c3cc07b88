/** nodes/src → nodes/dist, or the directory given: what Node-RED loads. A CommonJS file a node beside its editor half, catalogues and help a language; beside it `examples`, the flows. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const nodes = fileURLToPath(new URL('../nodes', import.meta.url));
const flows = fileURLToPath(new URL('../flows', import.meta.url));
const languages = ['en-US', 'de'];

/** Help of a language by node: the sections of its Markdown file. */
export function helpOf(markdown: string): Map<string, string> {
  const sections = markdown.split(/^# (fettle-[a-z-]+)$/m).slice(1);
  return new Map(sections.flatMap((part, i) => (i % 2 === 0 ? [[part, (sections[i + 1] ?? '').trim()] as const] : [])));
}

export async function buildNodes(out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  const names = readdirSync(join(nodes, 'src/nodes')).map((file) => basename(file, '.ts'));
  const build = await rolldown({
    input: {
      ...Object.fromEntries(names.map((name) => [name, join(nodes, 'src/nodes', `${name}.ts`)])),
      // For settings.js of Node-RED.
      login: join(nodes, 'src/login/login.ts'),
    },
    external: ['@fettle/gateway', /^node:/],
    platform: 'node',
    logLevel: 'warn',
  });
  // `exports: default`: Node-RED 4 takes what `require` gives to be the function.
  await build.write({ dir: out, format: 'cjs', exports: 'default', chunkFileNames: 'shared-[name].js' });
  await build.close();
  for (const name of names) cpSync(join(nodes, 'src/editor', `${name}.html`), join(out, `${name}.html`));
  cpSync(join(nodes, 'icons'), join(out, 'icons'), { recursive: true });
  // Where Node-RED looks for a package's examples.
  const examples = join(out, '../examples');
  rmSync(examples, { recursive: true, force: true });
  cpSync(flows, examples, { recursive: true });
  for (const language of languages) {
    const folder = join(out, 'locales', language);
    mkdirSync(folder, { recursive: true });
    const catalogue = JSON.parse(readFileSync(join(nodes, 'locales', `${language}.json`), 'utf8')) as Record<string, object>;
    const help = helpOf(readFileSync(join(nodes, 'locales', `${language}.md`), 'utf8'));
    for (const name of names) {
      const texts = catalogue[name];
      const text = help.get(name);
      if (texts === undefined || text === undefined) throw new Error(`${name} has no texts or no help in ${language}`);
      writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ [name]: texts }, null, 2)}\n`);
      writeFileSync(join(folder, `${name}.html`), `<script type="text/markdown" data-help-name="${name}">\n${text}\n</script>\n`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildNodes(resolve(process.argv[2] ?? join(nodes, 'dist')));
