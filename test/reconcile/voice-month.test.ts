import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { runCli } from '../run-cli.ts';
import { snapshot } from '../snapshot.ts';

const folder = 'fixtures/voice-2026-10';
const expected = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8'));
const file = `${process.cwd()}/${folder}/vapi-calls.jsonl`;
let database: TestDatabase;

const quota = (...args: string[]) =>
  runCli([...args, '--as-of', '2026-11-03T00:00:00Z'], { env: { DATABASE_URL: database.url } });

beforeAll(async () => {
  database = await createTestDatabase();
  for (const [kind, name] of [
    ['users', 'users'],
    ['assistants', 'assistants'],
    ['call-logs', 'call_logs'],
  ]) {
    const { code, stderr } = await quota('import', kind ?? '', `${process.cwd()}/${folder}/${name}.csv`);
    expect(stderr).not.toMatch(/error/i);
    expect(code).toBe(0);
  }
});
afterAll(() => database.drop());

test('the month reconciles to the expected counts and sums, and again changes nothing', async () => {
  const first = await quota('reconcile', '--month', '2026-10', '--export', file, '--json');
  expect(first.stderr).toBe('');
  const answer = JSON.parse(first.stdout);
  expect(answer.kinds).toEqual(expected.kinds);
  expect(answer.totals.billed).toBe(expected.billedTotal);
  expect(answer).toMatchObject({
    provider: 'vapi',
    month: '2026-10',
    exports: [{ source: file, lines: expected.lines }],
  });
  expect(first.code).toBe(3);

  const before = await snapshot(database.url);
  const again = await quota('reconcile', '--month', '2026-10', '--export', file, '--json');
  expect(JSON.parse(again.stdout)).toEqual({ ...answer, auditId: null });
  expect((await quota('reconcile', '--month', '2026-10')).code).toBe(3);
  expect(await snapshot(database.url)).toEqual(before);
});
