/**
 * Keeps what Node compiles of a file of the build when it is run: `node write-cache.mjs FILE`. Of a file that was only
 * read, Node has compiled next to nothing; so it does here what it is asked most, as far as that goes without a database.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { cacheOf, compilePack, loaderOf } from '../bin/pack.ts';

const nowhere = ['--database-url', 'postgres://nobody@127.0.0.1:1/nowhere'];
const lines = [
  ['--help'],
  ['user', 'show', '--help'],
  ['complete', '--', 'user', 'show', '--'],
  ['user', 'show', 'ada', ...nowhere],
  ['jobs', 'reset-anniversaries', ...nowhere],
];
const [node = '', , file = ''] = process.argv;
const script = compilePack(file);

for (const stream of [process.stdout, process.stderr]) {
  stream.write = (...parts: unknown[]) => {
    const written = parts.at(-1);
    if (typeof written === 'function') {
      written();
    }
    return true;
  };
}
for (const words of file.endsWith('answer.js') ? lines.slice(0, 3) : lines.slice(3)) {
  process.argv = [node, file, ...words];
  process.exitCode = undefined;
  loaderOf(file, script)('./main.js');
  for (let waited = 0; process.exitCode === undefined; waited += 1) {
    if (waited > 3000) {
      throw new Error(`quota ${words.join(' ')} does not end`);
    }
    await setTimeout(10);
  }
}
writeFileSync(cacheOf(file), script.createCachedData());
process.exitCode = 0;
