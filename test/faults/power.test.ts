import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { campaign } from './campaign.ts';

const seed = 7;

describe('a power cut', () => {
  it('takes nothing that was acknowledged, over 20 cuts', async (context) => {
    const account = (await campaign({ rounds: 20, seed, directory: temporaryDirectory(), cutPower: true })) ?? context.skip();
    expect(account.undoneWrites).toBeGreaterThan(0);
    expect(account.lost).toEqual([]);
    expect(account.duplicated).toBe(0);
    expect(account.kept).toEqual(account.replayed);
    expect(account.transitions).toEqual(account.replayedTransitions);
    expect(account.unheard).toEqual([]);
    expect(account.contradicted).toBe(0);
  }, 120_000);

  it('is seen to take samples from a build with synchronous=NORMAL', async (context) => {
    const account =
      (await campaign({ rounds: 4, seed, directory: temporaryDirectory(), cutPower: true, build: { synchronous: 'NORMAL' } })) ??
      context.skip();
    expect(account.lost.length).toBeGreaterThan(0);
  }, 60_000);

  it('is seen to take samples from a build that acknowledges before the commit', async (context) => {
    const account =
      (await campaign({ rounds: 6, seed, directory: temporaryDirectory(), cutPower: true, build: { acknowledge: 'beforeCommit' } })) ??
      context.skip();
    expect(account.lost.length).toBeGreaterThan(0);
  }, 60_000);
});
