import { describe, expect, it } from 'vitest';
import { type AssetConfig, budgetOf, type Config, configSchema } from '../../src/config/schema.ts';

const config = (site: string | undefined, budgets: readonly (string | undefined)[]): Config =>
  configSchema.parse({
    site: 'north',
    ...(site !== undefined && { detector: { budget: site } }),
    assets: budgets.map((budget, i) => ({
      id: `m${i}`,
      tags: [`t${i}`],
      detector: { learn: {}, ...(budget !== undefined && { budget }) },
    })),
  });
const budgets = (given: Config): (number | undefined)[] => given.assets.map((asset: AssetConfig) => budgetOf(given, asset));

describe('the false-alarm budget', () => {
  it('of the site is shared by the assets without one of their own', () => {
    expect(budgets(config('3/day', ['1/day', undefined, undefined]))).toEqual([1, 1, 1]);
    expect(budgets(config('1/week', [undefined, undefined]))).toEqual([1 / 14, 1 / 14]);
  });

  it('is nobody’s where none is given', () => {
    expect(budgets(config(undefined, ['1/day', undefined]))).toEqual([1, undefined]);
  });

  it('that others have used up is no budget of nothing', () => {
    expect(budgets(config('1/day', ['1/day', undefined]))).toEqual([1, undefined]);
  });
});
