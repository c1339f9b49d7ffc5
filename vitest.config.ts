import { defineConfig } from 'vitest/config';
import { sqlSetForVite } from './scripts/sql-set.mjs';

export default defineConfig({
  plugins: [sqlSetForVite],
  test: {
    include: ['test/**/*.test.ts'],
    reporters: process.env.CI ? ['default', './test/no-skips.ts'] : ['default'],
    globalSetup: ['test/global-setup.ts'],
    expect: { poll: { timeout: 20_000 } }, // Servers stop and start when a busy machine lets them.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
