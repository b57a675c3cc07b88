// report.mjs failed FIRST: files of a vitest JSON report that failed. report.mjs tally FIRST [SECOND]: the closing line; files of the second run count instead of those of the first.
import { readFileSync } from 'node:fs';

const [what, ...reports] = process.argv.slice(2);
const files = new Map(reports.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')).testResults.map((result) => [result.name, result])));
if (what === 'failed') {
  for (const { name, status } of files.values()) if (status === 'failed') console.log(name);
} else {
  const tests = [...files.values()].flatMap(({ assertionResults }) => assertionResults.map(({ status }) => status));
  const count = (...statuses) => tests.filter((status) => statuses.includes(status)).length;
  console.log(`tests: ${count('passed')} passed, ${count('failed')} failed, ${count('pending', 'skipped', 'todo', 'disabled')} skipped`);
}
