import { expect, test } from 'vitest';
import { useApp } from '../products/app.ts';

const app = useApp('2026-11-10T12:00:00Z');
const alerts = (user: string, more = '') =>
  app.rows<Record<string, unknown>>(`select * from quota.alerts($1${more})`, [user]);

test('a user reads the alerts by the id of the app, sees what is so now, and acknowledges once', async () => {
  await app.call(`select quota.record('uma', 'voice', 'u1', 550)`);
  const [critical, warning] = await alerts('uma');
  expect(critical).toMatchObject({
    service: 'voice',
    meter: 'voice_seconds',
    level: 'critical',
    threshold: 90,
    message: '90 % of your voice time is used up',
    active: true,
    percent: '91.67',
    used: '550.000',
    limit: '600.000',
    acknowledged_at: null,
  });
  expect(warning).toMatchObject({ level: 'warning', threshold: 80 });

  const acknowledge = () =>
    app.rows<Record<string, Date>>(`select * from quota.acknowledge_alert('uma', $1)`, [critical?.id]);
  const [first] = await acknowledge();
  expect(first).toMatchObject({ id: critical?.id, acknowledged_at: new Date('2026-11-10T12:00:00Z') });
  expect(await acknowledge()).toEqual([first]);
  expect(
    await app.rows(`select action, subject from quota.audit_log where action = 'alert.acknowledged'`),
  ).toEqual([{ action: 'alert.acknowledged', subject: critical?.id }]);

  await app.call(`update quota.call_logs set duration_seconds = 500`);
  expect(await alerts('uma')).toMatchObject([
    { threshold: 90, active: false, percent: '91.67', used: null, acknowledged_at: expect.any(Date) },
    { threshold: 80, active: true, percent: '83.33', used: '500.000', acknowledged_at: null },
  ]);
  expect(await alerts('uma', ', p_limit => 1')).toMatchObject([{ threshold: 90 }]);
  expect(await alerts('uma', `, p_service => 'chat'`)).toEqual([]);
});

test('nobody acknowledges what is not theirs; who never called has no alerts', async () => {
  const [alert] = await alerts('uma');
  await app.call(`select quota.record('vic', 'voice', 'v1', 10)`);
  await expect(
    app.rows(`select * from quota.acknowledge_alert('vic', $1)`, [alert?.id]),
  ).rejects.toMatchObject({ code: 'QT003' });
  await expect(
    app.rows(`select * from quota.acknowledge_alert('nobody', $1)`, [alert?.id]),
  ).rejects.toMatchObject({ code: 'QT001' });
  await expect(alerts('vic', `, p_service => 'fax'`)).rejects.toMatchObject({ code: 'QT002' });
  expect(await alerts('somebody-new')).toEqual([]);
});
