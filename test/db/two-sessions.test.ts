import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const asOf = '2026-11-20T12:00:00Z';
const desk = useDesk({ asOf });

beforeAll(async () => {
  for (const [index, externalId] of ['ann', 'ben', 'cat', 'dan'].entries()) {
    const userId = await desk.addUser({
      externalId,
      createdAt: '2026-09-05T09:00:00Z',
      assistants: [externalId],
    });
    for (const at of ['2026-10-07T10:00:00Z', '2026-11-18T10:00:00Z', '2026-11-19T10:00:00Z']) {
      await desk.addCalls({ userId, at, seconds: `${100 * (index + 1)}`, asOf: at });
    }
  }
  await desk.json('jobs', 'roll-up-analytics');
  // Something for the doctor to find, and for jobs to do.
  await desk.query(`alter table quota.call_logs disable trigger user;
    delete from quota.call_logs where id = (select max(id) from quota.call_logs);
    alter table quota.call_logs enable trigger user`);
});

/** As many as the server takes the table to have: from 50,000 on two sessions read. */
const sayQuotas = (rows: number) =>
  desk.query(`update pg_class set reltuples = ${rows} where oid = 'quota.usage_quotas'::regclass`);
const sessions = async (): Promise<number> => {
  const [row] = await desk.query<{ sessions: string }>(
    'select sessions from pg_stat_database where datname = current_database()',
  );
  return Number(row?.sessions);
};

test.each([
  ['usage', 'analytics', '--by', 'day'],
  ['usage', 'analytics', '--by', 'user'],
  ['jobs', 'list'],
  ['doctor', '--full'],
])('%s %s %s %s: two sessions tell what one does', async (...words) => {
  await sayQuotas(10);
  const before = await sessions();
  const one = await desk.answer(...words);
  // Each is counted at its end.
  await expect.poll(sessions).toBe(before + 1);
  await sayQuotas(1e6);
  const two = await desk.answer(...words);
  await expect.poll(sessions).toBe(before + 3);
  expect(two).toEqual(one);
  expect([one.data, one.code]).not.toEqual([undefined, 0]);
});
