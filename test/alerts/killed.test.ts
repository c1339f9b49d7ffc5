import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { alertsOf, deliver, said } from './alert-desk.ts';

const desk = useDesk();

test('a sender that is killed leaves its alert due again after the lease, under its id, with what is true then', async () => {
  const cal = await desk.addUser({ externalId: 'cal', createdAt: '2026-10-03T09:00:00Z' });
  await desk.addCalls({ userId: cal, at: '2026-10-20T10:00:00Z', seconds: '500' });
  const [before] = await desk.query<{ id: string }>('select id from quota.usage_alerts');
  const isSending = desk.path('sending');
  const run = desk
    .with({ asOf: '2026-10-20T10:01:00Z', env: { QUOTA_ALERT_COMMAND: `touch ${isSending}; exec sleep 5` } })
    .start('jobs', 'raise-alerts');
  await expect.poll(() => existsSync(isSending), { timeout: 30_000, interval: 10 }).toBe(true);
  run.kill('SIGKILL');
  expect((await run.result).code).toBe(null);
  expect(await alertsOf(desk, 'cal')).toMatchObject([{ threshold: 80, stands: true, status: 'pending' }]);

  expect((await deliver(desk, '2026-10-20T10:02:00Z')).told).toEqual([]);
  await desk.addCalls({ userId: cal, at: '2026-10-20T10:03:00Z', seconds: '20' });
  const { told } = await deliver(desk, '2026-10-20T10:07:00Z');
  expect(said(told)).toEqual(['80: 86.67 % (520.000 of 600.000)']);
  expect(told[0]?.id).toBe(before?.id);
  expect((await deliver(desk, '2026-10-20T10:20:00Z')).told).toEqual([]);
});
