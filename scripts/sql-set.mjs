/**
 * Gives the SQL of sql/ and migrations/ to the program as modules that no file holds, the same for esbuild and vitest:
 *   virtual:sql/manifest    the hash of the core and of each migration: all that a command needs to compare
 *   virtual:sql/core        the text of the core, loaded by what installs it
 *   virtual:sql/migrations  the text of the migrations, loaded by what applies them
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What sql/ holds beside the core: the dump of what comes of it. */
const dump = 'schema.sql';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
/** The same on a checkout with the line ends of Windows. */
const read = (...path) => readFileSync(join(root, ...path), 'utf8').replaceAll('\r\n', '\n');

export function readCore() {
  const files = readdirSync(join(root, 'sql'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.sql') && path !== dump)
    .map((path) => path.split(sep).join('/'))
    .sort()
    .map((path) => ({ path, text: read('sql', path) }));
  return { sha256: sha256(JSON.stringify(files)), files };
}

export function readMigrations() {
  return readdirSync(join(root, 'migrations'))
    .filter((path) => /^\d{4}_\w+\.sql$/.test(path))
    .sort()
    .map((path) => {
      const name = path.slice(0, -'.sql'.length);
      const up = read('migrations', path);
      return { name, sha256: sha256(up), up, down: read('migrations', `${name}.down.sql`) };
    });
}

const modules = {
  manifest: () => ({
    core: readCore().sha256,
    migrations: readMigrations().map(({ name, sha256 }) => ({ name, sha256 })),
  }),
  core: () => readCore(),
  migrations: () => Object.fromEntries(readMigrations().map(({ name, up, down }) => [name, { up, down }])),
};
const pattern = /^virtual:sql\/(\w+)$/;
const source = (name) => `export const ${name} = ${JSON.stringify(modules[name]())}`;

/** For esbuild. */
export const sqlSet = {
  name: 'sql-set',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: pattern }, ({ path }) => ({ path, namespace: 'sql-set' }));
    onLoad({ filter: pattern, namespace: 'sql-set' }, ({ path }) => ({
      contents: source(pattern.exec(path)[1]),
    }));
  },
};

/** For vite and vitest. */
export const sqlSetForVite = {
  name: 'sql-set',
  enforce: 'pre',
  resolveId: (id) => (pattern.test(id) ? `\0${id}` : null),
  load: (id) => (id.startsWith('\0virtual:sql/') ? source(pattern.exec(id.slice(1))[1]) : null),
};
