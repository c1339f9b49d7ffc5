import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { alertsOf } from './alert-desk.ts';

const desk = useDesk();
const now = '2026-10-20T10:00:00Z';

const found = async () => {
  const { code, data } = await desk.at(now).answer('doctor', '--user', 'rex');
  const { count, findings } = data.checks.find(({ check }: Record<string, unknown>) => check === 'alerts');
  return { code, count, findings };
};

test('the doctor tells of an alert that stands though it is not so, and of one that is missing; both are mended', async () => {
  const rex = await desk.addUser({ externalId: 'rex', createdAt: '2026-10-03T09:00:00Z' });
  await desk.addCalls({ userId: rex, at: now, seconds: '550' });
  expect(await found()).toEqual({ code: 0, count: 0, findings: [] });

  await desk.query(`delete from quota.usage_alerts where threshold = 80`);
  await desk.query(
    `insert into quota.usage_alerts (user_id, meter, period_start, threshold, level, percent, crossed_at)
     select user_id, meter, period_start, 100, 'exceeded', 100, crossed_at from quota.usage_alerts`,
  );
  const place = { externalId: 'rex', meter: 'voice_seconds', percent: '91.67' };
  expect(await found()).toMatchObject({
    code: 3,
    count: 2,
    findings: [
      { ...place, threshold: 80, problem: 'it is missing' },
      { ...place, threshold: 100, problem: 'it stands, and is not so' },
    ],
  });

  await desk.queryAt(now, `select quota.refresh_quotas(array[$1::uuid])`, [rex]);
  expect(await found()).toEqual({ code: 0, count: 0, findings: [] });
  expect((await alertsOf(desk, 'rex')).filter(({ stands }) => stands)).toMatchObject([
    { threshold: 80, status: 'pending' },
    { threshold: 90, status: 'pending' },
  ]);
});
