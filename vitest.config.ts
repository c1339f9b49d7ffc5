import { defineConfig } from 'vitest/config';
import { sqlSetForVite } from './scripts/sql-set.mjs';
import NoSkips from './test/no-skips.ts';

export default defineConfig({
  plugins: [sqlSetForVite],
  test: {
    include: ['test/**/*.test.ts'],
    reporters: process.env.CI ? ['default', new NoSkips()] : ['default'],
    globalSetup: ['test/global-setup.ts'],
    // A test that asserts nothing fails. Times only end what hangs: a busy machine takes its time.
    expect: { poll: { timeout: 60_000 }, requireAssertions: true },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Of two cores: a third of what a test takes is waiting, for processes that start, clocks and locks.
    maxWorkers: 3,
    // The files of a worker share what is imported: each has databases and folders of its own, and nothing is replaced by
    // mocks. Loading it all anew for each file was a third of node's work.
    isolate: false,
  },
});
