import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folders = ['bin', 'src', 'jobs', 'migrations', 'sql', 'fixtures', 'scripts'];
const files = ['package.json', 'npm-shrinkwrap.json'];

/** The SHA-256 of everything that a build is made of: what was built of the same need not be built again. */
export function sourceHash(root) {
  const sources = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(?:ts|mjs|sql)$/.test(path))
      .map((path) => join(folder, path))
      .sort(),
  );
  const hash = createHash('sha256');
  for (const path of [...sources, ...files]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}
