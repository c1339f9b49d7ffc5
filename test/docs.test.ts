import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, query, type TestDatabase } from './database.ts';
import { wholeTree } from './whole-tree.ts';

const program = (await wholeTree()).root;
let database: TestDatabase;
let names: Set<string>;

beforeAll(async () => {
  database = await createTestDatabase();
  const rows = await query<{ name: string }>(
    database.url,
    `select proname as name from pg_proc where pronamespace = 'quota'::regnamespace
     union select relname from pg_class where relnamespace = 'quota'::regnamespace`,
  );
  names = new Set(rows.map(({ name }) => name));
});
afterAll(() => database.drop());

/** What stands in code, in the text of a page. */
const inlineCode = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');

describe.each(['coverage', 'apps'])('docs/%s.md', (page) => {
  const text = readFileSync(`docs/${page}.md`, 'utf8');

  test('names only commands that there are', () => {
    const commands = inlineCode(text).filter((code) => /^quota [a-z]/.test(code));
    for (const line of commands) {
      let command = program;
      for (const word of line.split(' ').slice(1)) {
        const child = command.commands.find((candidate) => candidate.name() === word);
        expect(child, line).toBeDefined();
        command = child ?? command;
      }
      const isGroup = command.commands.length > 0 && command.name() !== 'reconcile'; // Which runs by itself.
      expect(isGroup, line).toBe(false);
    }
  });

  test('names only functions and tables that there are', () => {
    const mentioned = [...text.matchAll(/\bquota\.([a-z_]+)/g)].map((match) => match[1] ?? '');
    expect(mentioned.length).toBeGreaterThan(5);
    expect(mentioned.filter((name) => !names.has(name))).toEqual([]);
  });
});

/** The rows of docs/coverage.md: what the documents describe, what does it here, the tests that walk it. */
const coverage = readFileSync('docs/coverage.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| document'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('docs/coverage.md names only tables and columns that there are', async () => {
  const columns = await query<{ name: string }>(
    database.url,
    `select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'quota'`,
  );
  const known = new Set(columns.map(({ name }) => name));
  const mentioned = coverage
    .flatMap(([, , here = '']) => inlineCode(here))
    .filter((code) => /^[a-z_]+\.[a-z_]+$/.test(code) && !code.startsWith('quota.'));
  expect(mentioned.length).toBeGreaterThan(5);
  expect(mentioned.filter((name) => !known.has(name))).toEqual([]);
});

describe('each row of docs/coverage.md', () => {
  /** The titles of the tests of a file, and of what is around them. */
  const titles = (file: string): string[] =>
    [
      ...readFileSync(file, 'utf8').matchAll(
        /(?:\b(?:test|describe)(?:\.\w+)?\(|\)\()\s*(['"`])(.*?)\1,?\s/gs,
      ),
    ].map((match) => match[2] ?? '');

  test('names tests that there are, or says that it is open', () => {
    expect(coverage.length).toBeGreaterThan(100);
    const wrong: string[] = [];
    for (const [, document = '', here = '', walked = ''] of coverage) {
      const named = [...walked.matchAll(/`([\w/-]+)` “([^”]+)”/g)];
      const rest = walked.replaceAll(/`[\w/-]+` “[^”]+”(?:; )?/g, '');
      const isOpen = /^open: \w/.test(walked) && named.length === 0;
      if (!(isOpen || (named.length > 0 && rest === '' && here !== ''))) {
        wrong.push(`${document}: ${walked}`);
      }
      for (const [, path, words = ''] of named) {
        const file = `test/${path}.test.ts`;
        if (!(existsSync(file) && titles(file).some((title) => title.includes(words)))) {
          wrong.push(`${document}: ${path} has no test “${words}”`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** A path in capitals stands for others: `fixtures/upgrades/COMMIT.sql.gz`. */
const ownPath = /^(?:src|sql|jobs|test|fixtures|bin|docs|scripts|deploy)\/[a-z\d./-]+$/;

test.each(['docs/architecture.md', 'CONTRIBUTING.md'])('%s names only files that there are', (page) => {
  const paths = inlineCode(readFileSync(page, 'utf8')).filter((code) => ownPath.test(code));
  expect(paths.length).toBeGreaterThan(10);
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});

test('every page is reached from docs/README.md', () => {
  const reached = new Set<string>();
  const walk = (page: string): void => {
    reached.add(page);
    const links = [...readFileSync(`docs/${page}`, 'utf8').matchAll(/\]\(([\w-]+\.md)[)#]/g)];
    for (const next of links.map(([, link = '']) => link).filter((link) => !reached.has(link))) {
      walk(next);
    }
  };
  walk('README.md');
  expect(readdirSync('docs').filter((page) => page.endsWith('.md') && !reached.has(page))).toEqual([]);
});
