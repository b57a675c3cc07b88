import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/peer-process.ts';
import { startNodeRed } from './support/node-red-process.ts';

const patienceMs = 120_000;
const kills = 4;

it(
  'what an outbox node has taken is not lost when Node-RED is killed',
  async () => {
    const receiverPort = await freePort();
    const red = await startNodeRed(5);
    onTestFinished(() => red.dispose());
    // Whoever posts hears 200 when the outbox node has let the message pass.
    await red.deploy([
      { id: 'tab', type: 'tab', label: 'killed' },
      { id: 'in', z: 'tab', type: 'http in', url: '/put', method: 'post', x: 1, y: 1, wires: [['outbox']] },
      {
        id: 'outbox',
        z: 'tab',
        type: 'fettle-outbox',
        target: 'http',
        url: `http://127.0.0.1:${receiverPort}/`,
        database: '',
        username: '',
        size: '100',
        x: 1,
        y: 1,
        wires: [['done']],
      },
      { id: 'done', z: 'tab', type: 'http response', statusCode: '200', x: 1, y: 1, wires: [] },
    ]);
    const put = (n: number): Promise<boolean> =>
      fetch(`${red.url}/put`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ n }) }).then(
        ({ ok }) => ok,
        () => false,
      );
    const taken: number[] = [];
    let n = 0;
    for (let kill = 0; kill < kills; kill++) {
      // The flow is there a moment after the deploy, and after a start.
      await eventually(async () => {
        const answered = await put(++n);
        if (answered) taken.push(n);
        return answered;
      }, 'it takes messages');
      const target = taken.length + 30 + 17 * kill;
      let killed = false;
      const senders = Array.from({ length: 4 }, async () => {
        while (!killed) {
          const own = ++n;
          if (await put(own)) taken.push(own);
        }
      });
      await eventually(() => taken.length >= target, 'some are taken', 20_000);
      await red.stop('SIGKILL');
      killed = true;
      await Promise.all(senders);
      await red.start();
    }
    expect(taken.length).toBeGreaterThan(kills * 30);
    const received = new Set<number>();
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on('end', () => {
        received.add((JSON.parse(text) as { n: number }).n);
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(receiverPort, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await eventually(() => taken.every((one) => received.has(one)), 'all that was taken has arrived', 60_000);
  },
  patienceMs,
);
