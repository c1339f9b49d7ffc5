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

/** Everything that the month came to, in the order of its lines and logs. */
const items = () =>
  desk.query(
    `select i.* from quota.reconciled_items i
     order by i.export_id, i.line, i.log_id, i.day, i.model`,
  );
const packed = async () =>
  (await desk.query('select lines from quota.reconciliation_matches')).flatMap(({ lines }) => lines).length;
const reconcile = async () =>
  JSON.parse((await desk.run('reconcile', '--month', '2026-10', '--json')).stdout);

test('what matches is packed; a match that is none any more is taken out alone, and comes back', async () => {
  const before = await items();
  // The others are of logs of the months beside.
  const plain = before.filter(({ kind, log_month }) => kind === 'matched' && log_month === null);
  expect(await packed()).toBe(plain.length);
  const [{ log_id: log } = {}] = plain;

  await desk.query('update quota.call_logs set cost = cost + 5 where id = $1', [log]);
  const { kinds } = await reconcile();
  expect(kinds.matched.count).toBe(expected.kinds.matched.count - 1);
  const former = new Set(before.map((item) => JSON.stringify(item)));
  expect((await items()).filter((item) => !former.has(JSON.stringify(item)))).toMatchObject([
    { log_id: log, kind: 'cost_mismatch' },
  ]);
  expect(await packed()).toBe(plain.length - 1);

  await desk.query('update quota.call_logs set cost = cost - 5 where id = $1', [log]);
  expect((await reconcile()).kinds).toEqual(expected.kinds);
  expect(await items()).toEqual(before);
  expect(await packed()).toBe(plain.length);
});

test('a month of before, with a row for each match, is the same month', async () => {
  const before = await items();
  await desk.query(
    `insert into quota.reconciliation_items select * from quota.reconciled_items i
     where not exists (select from quota.reconciliation_items o where (o.export_id, o.line) = (i.export_id, i.line))
       and i.line is not null;
     delete from quota.reconciliation_matches`,
  );
  expect(await items()).toEqual(before);
  expect(await reconcile()).toMatchObject({ kinds: expected.kinds, auditId: null });
  expect(await packed()).toBe(0);
  expect(await items()).toEqual(before);
});
