import { readFile } from 'node:fs/promises';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [
    {
      name: 'sql-as-text',
      enforce: 'pre',
      async load(id) {
        return id.endsWith('.sql') ? `export default ${JSON.stringify(await readFile(id, 'utf8'))}` : null;
      },
    },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    expect: { poll: { timeout: 20_000 } }, // Servers stop and start when a busy machine lets them.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
