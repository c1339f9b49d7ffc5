import { defineConfig } from 'vitest/config';
import { sqlSetForVite } from './scripts/sql-set.mjs';

export default defineConfig({
  plugins: [sqlSetForVite],
  test: {
    include: ['test/**/*.test.ts'],
    reporters: process.env.CI ? ['default', './test/no-skips.ts'] : ['default'],
    globalSetup: ['test/global-setup.ts'],
    // A test that asserts nothing fails. Times only end what hangs: a busy machine takes its time.
    expect: { poll: { timeout: 60_000 }, requireAssertions: true },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
