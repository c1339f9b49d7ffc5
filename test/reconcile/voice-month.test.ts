import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const folder = 'fixtures/voice-2026-10';
const expected = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8'));
const file = `${process.cwd()}/${folder}/vapi-calls.jsonl`;
const desk = perFile(new MonthDesk({ asOf: '2026-11-03T00:00:00Z' }));
beforeAll(() => desk.loadSample());

test('the month reconciles to the expected counts and sums, and again changes nothing', async () => {
  const first = await desk.run('reconcile', '--month', '2026-10', '--export', file, '--json');
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

  const before = await desk.snapshot();
  const again = await desk.run('reconcile', '--month', '2026-10', '--export', file, '--json');
  expect(JSON.parse(again.stdout)).toEqual({ ...answer, auditId: null });
  expect((await desk.run('reconcile', '--month', '2026-10')).code).toBe(3);
  expect(await desk.snapshot()).toEqual(before);
});
