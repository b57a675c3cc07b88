/** Puts numbered messages into an outbox and says each number once it is kept; is killed. Arguments: directory, URL, first number, how many it says before it kills itself, `early` to say them before they are kept. */
import { writeSync } from 'node:fs';
import { FlowOutbox } from '../../../src/flow/flow-outbox.ts';

const [directory = '', url = '', first = '0', count = 'Infinity', early] = process.argv.slice(2);
const outbox = await FlowOutbox.open({ directory, target: { type: 'http', url } });
for (let n = Number(first); ; n++) {
  const kept = outbox.put({ payload: { n } });
  if (early === undefined) await kept;
  else kept.catch(() => {});
  writeSync(1, `${n}\n`);
  if (n - Number(first) + 1 >= Number(count)) process.kill(process.pid, 'SIGKILL');
  if (early !== undefined && n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
}
