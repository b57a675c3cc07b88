import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Two cores and real servers: more files at once only make each other late.
    maxWorkers: 2,
    testTimeout: 30_000,
    // Building the nodes is the slowest of them.
    hookTimeout: 120_000,
    passWithNoTests: true,
  },
});
