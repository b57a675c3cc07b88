import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { campaign } from './campaign.ts';

const rounds = 50;

it(`over ${rounds} kills nothing acknowledged is lost, and every result is there once and everywhere the same`, async (context) => {
  const account = (await campaign({ rounds, seed: 20_261_123, directory: temporaryDirectory(), cutPower: false })) ?? context.skip();
  expect(account.published).toBeGreaterThan(5_000);
  expect(account.lost).toEqual([]);
  expect(account.duplicated).toBe(0);
  expect(account.kept).toEqual(account.replayed);
  expect(account.kept.length).toBeGreaterThan(account.published / 4 - 10);
  expect(account.transitions).toEqual(account.replayedTransitions);
  expect(account.transitions.length).toBeGreaterThan(10);
  expect(account.unheard).toEqual([]);
  expect(account.undelivered).toBe(0);
  expect(account.contradicted).toBe(0);
  // Polled live in the short lives between the kills: some samples of each.
  expect(account.modbusSamples).toBeGreaterThan(2 * rounds);
}, 240_000);
