import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const isGroup = (name: string) => !name.includes('.');

/** What every domain may use: the database, files and values, and its audit. */
const base = ['src/audit', 'src/db', 'src/files', 'src/values'];

/** What a command, or a job, plans and applies: operations and their stores. */
const domains = [
  'src/adopt',
  'src/alerts',
  'src/allowances',
  'src/analytics',
  'src/audit',
  'src/backup',
  'src/cache',
  'src/doctor',
  'src/enforcement',
  'src/imports',
  'src/logins',
  'src/privacy',
  'src/reconcile',
  'src/resets',
  'src/shards',
  'src/upkeep',
  'src/usage',
  'src/users',
];

/** What commands have in common. */
const underCommands = [
  ...domains,
  'jobs',
  'src/asking',
  'src/changes',
  'src/declarations',
  'src/jobs',
  'src/providers',
  'src/text',
  'src/files',
  'src/values',
  'src/db',
];

/**
 * The rooms, from the door down, and what each may import besides itself, the rooms inside it and the leaves. A file
 * belongs to the innermost room that holds it. `docs/architecture.md` tells what is in which.
 */
const rooms: Record<string, readonly string[]> = {
  bin: ['src/cli'],
  'src/cli': ['src/commands', 'src/declarations', 'src/db', 'src/values'],
  'src/cli/shards': ['src/cli', 'src/declarations', 'src/shards', 'src/db'],
  'src/cli/topics': ['src/cli', 'jobs'],
  'src/commands': ['src/declarations'],
  ...Object.fromEntries(
    readdirSync('src/commands')
      .filter(isGroup)
      .map((group) => [`src/commands/${group}`, underCommands]),
  ),
  'src/commands/demo': [...underCommands, 'fixtures'],
  'src/commands/fixtures': [...underCommands, 'fixtures'],
  'src/declarations': ['src/values'],
  jobs: ['src/jobs', 'src/changes', 'src/declarations', ...domains, 'src/files', 'src/db', 'src/values'],
  'src/changes': [
    'src/jobs',
    'src/audit',
    'src/cache',
    'src/enforcement',
    'src/resets',
    'src/providers/vapi',
    'src/db',
    'src/values',
  ],
  'src/asking': ['src/usage', 'src/users'],
  fixtures: [
    'src/enforcement',
    'src/reconcile/match',
    'src/providers/vapi',
    'src/files',
    'src/db',
    'src/values',
  ],

  // Domains.
  'src/adopt': [...base, 'src/allowances/files', 'src/cache', 'src/enforcement'],
  'src/alerts': [...base, 'src/jobs'],
  'src/allowances/grants': base,
  'src/allowances/files': ['src/files', 'src/values'],
  'src/allowances/meters': [...base, 'src/allowances/files', 'src/cache'],
  'src/allowances/plans': [
    ...base,
    'src/allowances/files',
    'src/allowances/meters',
    'src/enforcement',
    'src/users',
  ],
  'src/analytics': [...base, 'src/html', 'src/text'],
  'src/audit': ['src/db', 'src/values'],
  'src/backup': base,
  'src/cache': base,
  'src/doctor': [...base, 'src/cache'],
  'src/enforcement': [...base, 'src/providers/vapi'],
  'src/imports': [...base, 'src/providers/vapi', 'src/usage'],
  'src/jobs': base,
  'src/logins': [...base, 'src/users'],
  'src/privacy': base,
  'src/reconcile/exports': [...base, 'src/providers/exports'],
  'src/reconcile/fetch': [...base, 'src/providers/exports', 'src/providers/vapi', 'src/reconcile/exports'],
  'src/reconcile/match': [...base, 'src/reconcile/exports'],
  'src/reconcile/months': [
    ...base,
    'src/providers/exports',
    'src/reconcile/exports',
    'src/reconcile/fetch',
    'src/reconcile/match',
  ],
  'src/reconcile/resolve': [...base, 'src/reconcile/match', 'src/reconcile/months', 'src/usage'],
  'src/reconcile/report': [
    ...base,
    'src/html',
    'src/text',
    'src/reconcile/exports',
    'src/reconcile/fetch',
    'src/reconcile/match',
    'src/reconcile/months',
    'src/reconcile/resolve',
  ],
  'src/resets': [...base, 'src/jobs', 'src/usage', 'src/users'],
  'src/shards': [...base, 'src/allowances/files', 'src/audit', 'src/users'],
  'src/upkeep': [...base, 'src/jobs'],
  'src/usage': [...base, 'src/users'],
  'src/users': base,

  'src/providers/exports': ['src/providers/vapi', 'src/files', 'src/values'],
  'src/providers/vapi': ['src/files', 'src/values'],
  'src/html': ['src/values'],
  'src/text': ['src/allowances/grants', 'src/allowances/meters', 'src/usage', 'src/values'],
  'src/files': ['src/values'],
  'src/files/csv': ['src/files', 'src/files/json', 'src/values'],
  'src/files/json': ['src/files', 'src/values'],
  'src/values': [],
  'src/db': ['migrations', 'src/values'],
  'src/db/core': ['src/db'],
  'src/db/embedded': ['src/db'],
  migrations: [],
};
const leaves = [
  'src/errors.ts',
  'src/context.ts',
  'src/printable.ts',
  'src/small-file.ts',
  'src/secret-line.ts',
  'src/shell-word.ts',
  'src/system-error.ts',
  'src/heard-by-many.ts',
  'src/with-deadline.ts',
  'package.json',
];

const isIn = (room: string, path: string) => path === room || path.startsWith(`${room}/`);
const isWithin = (one: string, other: string) => isIn(one, other) || isIn(other, one);

/** The innermost room of a file; undefined for one that has none. */
const roomOf = (path: string) =>
  Object.keys(rooms)
    .filter((room) => isIn(room, path))
    .sort((a, b) => b.length - a.length)[0];

const roots = ['bin', 'src', 'jobs', 'migrations', 'fixtures'].filter((root) => existsSync(root));
const sources = roots.flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map((path) => ({ path: join(root, path), text: readFileSync(join(root, path), 'utf8') })),
);

interface Import {
  path: string;
  target: string;
  /** Loaded when it is needed: `import('./show.ts')`. */
  isLazy: boolean;
}

/** Imports of our own files, re-exports and lazy imports, types included. */
const imports: Import[] = sources.flatMap(({ path, text }) =>
  [...text.matchAll(/(?:\bfrom|\bimport(\()?)\s*['"](\.[^'"]+)['"]/g)].map(([, lazy, specifier = '']) => ({
    path,
    target: join(dirname(path), specifier),
    isLazy: lazy !== undefined,
  })),
);

test('every file stands in a room, and every room is there', () => {
  const strays = sources
    .map(({ path }) => path)
    .filter((path) => !leaves.includes(path) && roomOf(path) === undefined);
  expect(strays).toEqual([]);
  expect(Object.keys(rooms).filter((room) => !existsSync(room))).toEqual([]);
  expect(sources.length).toBeGreaterThan(300);
});

test('imports go one way, from room to room', () => {
  const wrong = imports
    .filter(({ path, target, isLazy }) => {
      const [from = '', to = ''] = [roomOf(path), roomOf(target)];
      const allowed = rooms[from]?.some((room) => isIn(room, to)) ?? false;
      return !(
        leaves.includes(target) ||
        allowed ||
        isWithin(from, to) ||
        (isLazy && isCommand(from, target))
      );
    })
    .map(({ path, target }) => `${path} imports ${target}`);
  expect(wrong).toEqual([]);
});

/** A group never sees another's inside; it may load a command of it, as the program tree does. */
const isCommand = (from: string, target: string) =>
  isIn('src/commands', from) &&
  isIn('src/commands', target) &&
  /\bdefineCommand\(/.test(sources.find(({ path }) => path === target)?.text ?? '');

test('rooms need each other in one direction only', () => {
  const below = (room: string) =>
    Object.keys(rooms).filter(
      (other) =>
        !isWithin(room, other) &&
        rooms[room]?.some((allowed) => isIn(allowed, other) && !isIn(allowed, room)),
    );
  expect(circlesOf(new Map(Object.keys(rooms).map((room) => [room, below(room)])))).toEqual([]);
});

test('no files need each other in a circle, types included', () => {
  const needs = new Map(sources.map(({ path }): [string, string[]] => [path, []]));
  for (const { path, target } of imports) {
    needs.get(path)?.push(target);
  }
  expect(circlesOf(needs)).toEqual([]);
});

/** One circle through each node that can be reached from itself: what is left when all others are taken away. */
function circlesOf(needs: ReadonlyMap<string, readonly string[]>): string[] {
  const left = new Map(needs);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [node, targets] of left) {
      if (!targets.some((target) => left.has(target))) {
        left.delete(node);
      }
    }
  }
  const [start] = left.keys();
  if (start === undefined) {
    return [];
  }
  const way = [start];
  for (;;) {
    const next = left.get(way.at(-1) ?? '')?.find((target) => left.has(target)) ?? start;
    const seen = way.indexOf(next);
    if (seen !== -1) {
      return [...way.slice(seen), next];
    }
    way.push(next);
  }
}

test('a circle would be found', () => {
  const needs = (...pairs: [string, string[]][]) => new Map(pairs);
  expect(circlesOf(needs(['a', ['b']], ['b', ['c']], ['c', []]))).toEqual([]);
  expect(circlesOf(needs(['a', ['b']], ['b', ['c', 'd']], ['c', []], ['d', ['b']]))).toEqual(['b', 'd', 'b']);
});

test('queries stand in stores, in sql/ or in src/db', () => {
  const elsewhere = sources
    .filter(({ path }) => !/-store\.ts$/.test(path) && !isIn('src/db', path) && !isIn('migrations', path))
    .filter(({ text }) =>
      /`\s*(?:select|insert into|update|delete from|with)\s[^`]*\bfrom\b|\bquery(?:<[^>]*>)?\(\s*[`'"]/.test(
        text,
      ),
    );
  expect(elsewhere.map(({ path }) => path)).toEqual([]);
});

test('context.ts has no imports at run time, errors.ts none at all', () => {
  const text = (path: string) => sources.find((source) => source.path === path)?.text ?? '';
  expect(text('src/errors.ts').match(/^import /m)).toBeNull();
  expect(text('src/context.ts').match(/^import (?!type )/m)).toBeNull();
});

test('the clock is read in one place, and nothing ends the process', () => {
  const clock = sources
    .filter(({ text }) => /\bnew Date\(\)|\bDate\.now\(/.test(text))
    .map(({ path }) => path);
  expect(clock).toEqual(['src/cli/read-clock.ts']);
  expect(sources.filter(({ text }) => /\bprocess\.exit\(/.test(text)).map(({ path }) => path)).toEqual([]);
});
