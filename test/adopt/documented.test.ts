import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { productTables } from './product-tables.ts';
import { remoteMapping, SourceDatabase } from './source-database.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDeskPerTest({ asOf: now });
const page = readFileSync('docs/adopt.md', 'utf8');
const linesFrom = (beginning: string) =>
  (new RegExp(`\`\`\`\\n(${beginning}[\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? '')
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +#.*/, '').split(' ').slice(1));
const lines = linesFrom('quota adopt init');

test.each([...page.matchAll(/^\| `([a-z-]+)` +\| `[a-z_]+` +\|/gm)].map(([, product = '']) => product))(
  'the lines of docs/adopt.md take %s to quota and back',
  async (product) => {
    expect(lines).toHaveLength(8);
    await desk.queryAt(now, productTables(product, 8));
    for (const words of lines) {
      const meant = words.map((word) =>
        word === 'voice-matrix' ? product : word === 'product.yaml' ? desk.path(word) : word,
      );
      const { code, stderr } = await desk.run(...meant);
      expect({ meant, code, stderr }).toMatchObject({ code: 0 });
    }
  },
);

test('the lines of docs/adopt.md take a product in another database', async () => {
  const source = await SourceDatabase.create();
  try {
    const [[variable = ''] = [], ...commands] = linesFrom('export');
    expect([variable.replace(/=.*/, ''), commands.length]).toEqual(['QUOTA_SOURCE_URL', 7]);
    const file = desk.write('remote.yaml', remoteMapping);
    for (const words of commands) {
      const meant = words.map((word) => (word === 'product.yaml' ? file : word));
      const { code, stderr } = await desk.with({ env: { QUOTA_SOURCE_URL: source.url } }).run(...meant);
      expect({ meant, code, stderr }).toMatchObject({ code: 0 });
    }
  } finally {
    await source.drop();
  }
});
