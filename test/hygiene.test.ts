import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && path !== 'hygiene.test.ts')
  .map((path) => ({ path, text: readFileSync(join('test', path), 'utf8') }));
const having = (pattern: RegExp) =>
  files.filter(({ text }) => pattern.test(text)).map(({ path }) => path.replaceAll('\\', '/'));

test('no test is skipped, focused or put off; what a machine lacks is said', () => {
  expect(files.length).toBeGreaterThan(100);
  expect(having(/\b(?:test|it|describe)(?:\.\w+)*\.(?:only|skip|skipIf|todo|fails)\b/)).toEqual([]);
  expect(having(/\.runIf\((?!needs\()/)).toEqual([]);
});

test('every file of tests asserts something', () => {
  const silent = files.filter(({ path, text }) => path.endsWith('.test.ts') && !text.includes('expect('));
  expect(silent.map(({ path }) => path)).toEqual([]);
  expect(having(/expect\((?:true|false|\d+|null|undefined)\)\.to/)).toEqual([]);
});

test('tests wait for what happens, not for a time to pass', () => {
  expect(having(/\bsetTimeout\b|timers\/promises|AbortSignal\.timeout|Atomics\.wait/)).toEqual([]);
});

test('properties are tried with a seed that is the same everywhere', () => {
  expect(having(/from 'fast-check'/)).toEqual(['fast-check.ts']);
});
