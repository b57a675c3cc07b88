/** Puts numbered messages into an outbox and says each number once it is kept; is killed. Arguments: directory, URL, first number, `early` to say them before they are kept. */
import { writeSync } from 'node:fs';
import { FlowOutbox } from '../../../src/flow/flow-outbox.ts';

const [directory = '', url = '', first = '0', early] = process.argv.slice(2);
const outbox = await FlowOutbox.open({ directory, target: { type: 'http', url } });
for (let n = Number(first); ; n++) {
  const kept = outbox.put({ payload: { n } });
  if (early !== undefined) {
    writeSync(1, `${n}\n`);
    kept.catch(() => {});
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  } else {
    await kept;
    writeSync(1, `${n}\n`);
  }
}
