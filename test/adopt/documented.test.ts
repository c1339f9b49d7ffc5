import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { productTables } from './product-tables.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDeskPerTest({ asOf: now });
const page = readFileSync('docs/adopt.md', 'utf8');
const lines = (/```\n(quota adopt init[\s\S]*?)```/.exec(page)?.[1] ?? '')
  .trim()
  .split('\n')
  .map((line) => line.replace(/ +#.*/, '').split(' ').slice(1));

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
