import { expect, test } from 'vitest';
import { readCore } from '../../../scripts/sql-set.mjs';
import { parseCoreSet } from '../../../src/db/core/core-set.ts';
import { splitStatements, withoutLeadingComments } from '../../../src/db/core/statements.ts';

const columnsMax = 110;
/** About 70: a signature of several lines is part of it. */
const linesMax = 75;
/** Functions that are longer, and why they stay so. Their own comments say it, too. */
const longer: Record<string, { lines: number; why: string }> = {
  'quota.call_logs_changed': {
    lines: 102,
    why: 'the rows of a change are seen by the statements of its trigger function alone, also which of their periods are open: an array of a million costs more',
  },
  'quota.reset_claimed': {
    lines: 85,
    why: 'one statement closes, opens, audits and advances a batch, so that all of it sees the same instant',
  },
};
const keywords =
  /\b(?:SELECT|FROM|WHERE|INSERT|UPDATE|DELETE|CREATE|REPLACE|FUNCTION|RETURNS|LANGUAGE|BEGIN|END|JOIN|GROUP BY|ORDER BY|GRANT|NULL|CASE)\b/;

const core = readCore();
const { units } = parseCoreSet(core);
const textOf = (statement: string) =>
  statement.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"[^"]*"/g, (quoted) =>
    quoted.replace(/[^\n]/g, ' '),
  );

test('no line is wider than a window', () => {
  const wide = core.files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .map((line, place) => ({ at: `sql/${path}:${place + 1}`, columns: line.length }))
      .filter(({ columns }) => columns > columnsMax),
  );
  expect(wide).toEqual([]);
});

test('no function is longer than a page, but for those that say why', () => {
  const found = units
    .filter(({ kind }) => kind === 'function')
    .map(({ name, create }) => ({
      name: name.replace(/\(.*/, ''),
      lines: withoutLeadingComments(create).split('\n').length,
    }));
  expect(found.filter(({ name, lines }) => lines > (longer[name]?.lines ?? linesMax))).toEqual([]);
  const still = new Set(found.filter(({ lines }) => lines > linesMax).map(({ name }) => name));
  expect(Object.keys(longer).filter((name) => !still.has(name))).toEqual([]);
});

test('keywords are in lower case', () => {
  const loud = core.files.filter(({ text }) =>
    splitStatements(text).some((sql) => keywords.test(textOf(sql))),
  );
  expect(loud.map(({ path }) => path)).toEqual([]);
});

test('every function says what its caller gets, but for those that triggers call', () => {
  const silent = units.filter(
    ({ kind, create, comments }) =>
      kind === 'function' && !/\breturns trigger\b/.test(create) && comments.length === 0,
  );
  expect(silent.map(({ name }) => name)).toEqual([]);
});

test('the file of one thing is called like it', () => {
  const misplaced = core.files.filter(({ path }) => {
    const own = units.filter((unit) => unit.path === path && unit.kind !== 'trigger').map(({ name }) => name);
    const wanted = path.replace(/^.*\/|\.sql$/g, '').replaceAll('-', '_');
    return (
      !path.startsWith('roles/') &&
      own.length === 1 &&
      !own.some((name) => name.replace(/^quota\./, '').replace(/\(.*/, '') === wanted)
    );
  });
  expect(misplaced.map(({ path }) => path)).toEqual([]);
});

test('subscriptions and provider work are locked by one function each, but where rows are skipped or looked at in the same go', () => {
  const others = units.filter(
    ({ name, create }) =>
      /from quota\.(?:subscriptions|assistant_limits)\b[^;]*?\bfor (?:no key )?update\b/.test(create) &&
      !/skip locked/.test(create) &&
      !/^quota\.(?:hold_subscriptions|hold_assistants|count_call|move_plan|queue_assistants)\(/.test(name),
  );
  expect(others.map(({ name }) => name)).toEqual([]);
});
