/**
 * `npm run man`: bundles scripts/man-pages.ts into dist/scripts, writes the manual into man/ and its list into
 * package.json, from which npm links the pages of an installation.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { bundle } from './bundle.mjs';

const outfile = 'dist/scripts/man-pages.js';
await bundle('scripts/man-pages.ts', outfile);
const { manPages } = await import(`../${outfile}`);
await rm('man', { recursive: true, force: true });
await mkdir('man');
const pages = await manPages();
for (const { file, text } of pages) {
  await writeFile(`man/${file}`, text);
}
const man = pages.map(({ file }) => `man/${file}`);
const before = await readFile('package.json', 'utf8');
const after = `${JSON.stringify({ ...JSON.parse(before), man }, null, 2)}\n`;
if (after !== before) {
  await writeFile('package.json', after);
}
