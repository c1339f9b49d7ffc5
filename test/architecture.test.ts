import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/** What each layer may import besides itself and the leaves. `bin → cli → commands → changes, jobs → domains → db, providers → files, values`. */
const mayImport: Record<string, readonly string[]> = {
  bin: ['cli'],
  cli: ['commands', 'declarations', 'values', 'db'],
  commands: ['changes', 'jobs', 'declarations', 'fixtures', 'domain', 'providers', 'files', 'values', 'db'],
  changes: ['domain', 'providers', 'files', 'values', 'db'],
  jobs: ['changes', 'declarations', 'domain', 'values', 'db'],
  declarations: ['values'],
  fixtures: ['domain', 'providers', 'files', 'values', 'db'],
  domain: ['providers', 'html', 'files', 'values', 'db'],
  providers: ['files', 'values'],
  html: [],
  files: ['values'],
  values: [],
  db: ['migrations'],
  migrations: [],
  leaf: [],
};
const leaves = [
  'src/errors.ts',
  'src/context.ts',
  'src/printable.ts',
  'src/shell-word.ts',
  'src/system-error.ts',
  'package.json',
];

function layerOf(path: string): string {
  if (leaves.includes(path)) {
    return 'leaf';
  }
  const [root = '', folder = ''] = path.split('/');
  if (root !== 'src') {
    return root;
  }
  return folder in mayImport && folder !== 'jobs' && folder !== 'bin' ? folder : 'domain';
}

const roots = ['bin', 'src', 'jobs', 'migrations', 'fixtures'].filter((root) => existsSync(root));
const sources = roots.flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path: join(root, path), text: readFileSync(join(root, path), 'utf8') })),
);

/** Imports, re-exports and lazy imports, types included. */
const specifiers = (text: string) =>
  [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*['"]([^'"]+)['"]/g)].map((match) => match[1] ?? '');

test('imports go one way', () => {
  const wrong = sources.flatMap(({ path, text }) =>
    specifiers(text)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => join(dirname(path), specifier))
      .filter((target) => {
        const [from, to] = [layerOf(path), layerOf(target)];
        return from !== to && to !== 'leaf' && !mayImport[from]?.includes(to);
      })
      .map((target) => `${path} imports ${target}`),
  );
  expect(sources.length).toBeGreaterThan(30);
  expect(wrong).toEqual([]);
});

test('context.ts has no imports at run time, errors.ts none at all', () => {
  const text = (path: string) => sources.find((source) => source.path === path)?.text ?? '';
  expect(specifiers(text('src/errors.ts'))).toEqual([]);
  expect(text('src/context.ts').match(/^import (?!type )/m)).toBeNull();
});

test('the clock is read in one place, and nothing ends the process', () => {
  const clock = sources
    .filter(({ text }) => /\bnew Date\(\)|\bDate\.now\(/.test(text))
    .map(({ path }) => path);
  expect(clock).toEqual(['src/cli/read-clock.ts']);
  expect(sources.filter(({ text }) => /\bprocess\.exit\(/.test(text)).map(({ path }) => path)).toEqual([]);
});

/** Everything that the built file loads before the first lazy import. */
function staticImports(path: string, seen = new Set<string>()): Set<string> {
  const text = readFileSync(path, 'utf8');
  for (const [, specifier = ''] of text.matchAll(
    /^(?:import|export)\s?(?:[^'"();]*?\bfrom\s?)?["']([^"']+)["']/gm,
  )) {
    const target = specifier.startsWith('.') ? join(dirname(path), specifier) : specifier;
    if (!seen.has(target)) {
      seen.add(target);
      if (specifier.startsWith('.')) {
        staticImports(target, seen);
      }
    }
  }
  return seen;
}

test('the program tree loads no package, and of the SQL nothing', () => {
  const loaded = [...staticImports('dist/bin/quota.js')];
  const packages = loaded.filter((target) => !target.startsWith('dist/') && !isBuiltin(target));
  expect(loaded).toContain('node:module');
  expect(loaded.some((target) => target.startsWith('dist/chunks/'))).toBe(true);
  expect(packages).toEqual([]);
  const text = loaded
    .filter((target) => target.startsWith('dist/'))
    .map((path) => readFileSync(path, 'utf8'));
  expect(text.some((chunk) => chunk.includes('create table quota.'))).toBe(false);
});
