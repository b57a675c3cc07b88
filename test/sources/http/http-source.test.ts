import { describe, expect, it } from 'vitest';
import { startGateway } from '../../support/gateway.ts';
import { startServer } from '../../support/server.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const ts = Date.UTC(2026, 2, 1, 6);

async function start() {
  const gateway = await startGateway({
    site: 'north',
    data: temporaryDirectory(),
    sources: [{ id: 'flows', type: 'http', tags: [{ tag: 'press/flow', engineeringUnit: 'l/min' }, { tag: 'press/on' }] }],
    assets: [{ id: 'press', tags: ['press/flow', 'press/on'] }],
  });
  const server = await startServer(gateway);
  const send = async (body: object, token = server.token) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/api/v1/samples`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ source: 'flows', ...body }),
    });
    return [response.status, await response.json()] as const;
  };
  const kept = async () => {
    const rows: unknown[] = [];
    for await (const { timeMs, tag, value, quality } of gateway.history({ fromMs: 0, toMs: 1e15 }))
      rows.push(...timeMs.map((ms, i) => [tag[i], ms - ts, value[i], quality[i]]));
    return rows;
  };
  return { gateway, server, send, kept };
}

describe('samples that programs send', () => {
  it('are in the journal when the answer comes, whole or not at all, and once', async () => {
    const { gateway, send, kept } = await start();
    const samples = [
      { tag: 'press/flow', value: 4.5, time: ts },
      { tag: 'press/on', value: true, time: new Date(ts).toISOString() },
      { tag: 'press/flow', value: null, time: ts + 1000 },
      { tag: 'press/flow', value: 5, time: ts + 2000, quality: 'uncertain' },
    ];
    expect(await send({ samples })).toEqual([200, { accepted: 4 }]);
    const expected = [
      ['press/flow', 0, 4.5, 'good'],
      ['press/on', 0, 1, 'good'],
      ['press/flow', 1000, null, 'badNotAvailable'],
      ['press/flow', 2000, 5, 'uncertainLastUsableValue'],
    ];
    expect(await kept()).toEqual(expected);
    // The answer was lost: it is sent again, with one more.
    expect(await send({ samples: [...samples, { tag: 'press/flow', value: 6, time: ts + 3000 }], resent: true })).toMatchObject([200, {}]);
    expect(await kept()).toEqual([...expected, ['press/flow', 3000, 6, 'good']]);
    const wrong = await send({
      samples: [
        { tag: 'press/flow', value: 7, time: ts + 4000 },
        { tag: 'press/steam', value: 1 },
      ],
    });
    expect(wrong).toMatchObject([
      400,
      { code: 'FETTLE_API_REQUEST', detail: 'samples[1]: "press/steam" is not a tag of flows; none of them was taken' },
    ]);
    expect(await send({ samples: [{ tag: 'press/flow', value: 7, time: 'soon' }] })).toMatchObject([
      400,
      { detail: expect.stringContaining('"soon" is not a time') },
    ]);
    expect(await send({ samples: [{ tag: 'press/flow', value: 'seven' }] })).toMatchObject([400, {}]);
    expect(await send({ source: 'other', samples })).toMatchObject([409, { detail: expect.stringContaining('no source of type http') }]);
    expect(await kept()).toHaveLength(5);
    expect(gateway.status().sources.flows).toMatchObject({ state: 'good', counters: { samples: 9, refused: 2, unacknowledged: 0 } });
  });

  it('are for engineers, and refused with the time to wait where no more can be taken', async () => {
    const { gateway, server, send } = await start();
    const operator = server.access.store.addToken('flow', 'operator', new Date()).secret;
    const samples = [{ tag: 'press/flow', value: 1 }];
    expect((await send({ samples }, operator))[0]).toBe(403);
    const engineer = server.access.store.addToken('flow', 'engineer', new Date()).secret;
    expect((await send({ samples }, engineer))[0]).toBe(200);
    await gateway.stop();
    expect(await send({ samples }, engineer)).toMatchObject([503, { code: 'FETTLE_SOURCE_BUSY' }]);
  });
});
