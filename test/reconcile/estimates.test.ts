import { expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const desk = perFile(new MonthDesk());
const month = ['--month', '2026-10'];

/** A bill of VAPI: calls by their ids, with what they lasted. */
const bill = (name: string, calls: Record<string, number>) =>
  desk.write(
    name,
    Object.entries(calls).map(([id, seconds]) =>
      JSON.stringify({
        id,
        assistantId: 'a1',
        status: 'ended',
        createdAt: '2026-10-20T12:00:00.000Z',
        startedAt: '2026-10-20T12:00:00.000Z',
        endedAt: new Date(Date.parse('2026-10-20T12:00:00Z') + seconds * 1000).toISOString(),
        endedReason: 'customer-ended-call',
        cost: seconds / 600,
      }),
    ),
  );
const start = (key: string) =>
  desk.queryAt(
    '2026-10-20T12:00:00Z',
    `select * from quota.start_session('ada', 'voice', $1, p_provider => 'vapi', p_assistant_id => 'a1', p_estimate => 200)`,
    [key],
  );
const end = async (key: string, seconds: number) =>
  (
    await desk.queryAt<Record<string, unknown>>(
      '2026-11-12T12:00:00Z',
      `select recorded, differs, stored_quantity::float8 as stored from quota.end_session('ada', $1, $2)`,
      [key, seconds],
    )
  )[0];
const log = (key: string) =>
  desk.query(
    `select status, duration_seconds::float8 as seconds, settled_by, error_message as error from quota.call_logs
     where provider_call_id = $1`,
    [key],
  );

test('the bill replaces an estimate and is not replaced; an end after the close is kept, and the closed month stays', async () => {
  await desk.addUser({ externalId: 'ada', createdAt: '2026-09-11T09:00:00Z', assistants: ['a1'] });
  await start('billed');
  await start('late');
  await desk.at('2026-10-21T00:00:00Z').json(0, 'jobs', 'reap-stale');
  await desk.at('2026-11-11T02:00:00Z').json(0, 'jobs', 'reset-anniversaries', '--no-sync');
  expect(await log('billed')).toMatchObject([{ status: 'error', seconds: 200, settled_by: 'reservation' }]);

  await desk.json(3, 'reconcile', ...month, '--export', bill('october.jsonl', { billed: 60, late: 200 }));
  await desk.resolve(0, 'duration_mismatch', 'corrected', 'the session did not end');
  expect(await log('billed')).toEqual([
    { status: 'completed', seconds: 60, settled_by: 'bill', error: null },
  ]);
  expect(await end('billed', 75)).toEqual({ recorded: false, differs: true, stored: 60 });
  expect(await end('billed', 60)).toEqual({ recorded: false, differs: false, stored: 60 });

  await desk.json(0, 'reconcile', 'close', ...month, '--reason', 'done', '--force', '--yes');
  const closed = await desk.json(0, 'reconcile', 'show', ...month);
  expect(await end('late', 150)).toEqual({ recorded: true, differs: false, stored: 150 });
  expect(await log('late')).toMatchObject([{ status: 'completed', seconds: 150, settled_by: null }]);
  const after = await desk.json(0, 'reconcile', 'show', ...month);
  expect([after.totals, after.kinds, after.closedAt]).toEqual([closed.totals, closed.kinds, closed.closedAt]);
  const history = await desk
    .at('2026-11-13T00:00:00Z')
    .json(0, 'user', 'history', 'ada', '--service', 'voice');
  expect(history.periods.at(-1)).toMatchObject({ used: '210.000', usedAtClose: '400.000', late: '-190.000' });
  expect(await desk.json(0, 'doctor', '--user', 'ada')).toMatchObject({ differences: 0 });
});
