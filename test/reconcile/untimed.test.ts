import { beforeAll, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

const month = ['--month', '2026-10'];
const desk = perFile(new MonthDesk());

beforeAll(async () => {
  await desk.query(
    `with ada as (insert into quota.users (external_id, created_at) values ('ada', '2024-01-15Z') returning id),
     added as (insert into quota.assistants (user_id, provider_assistant_id) select id, 'a1' from ada)
     insert into quota.call_logs
       (user_id, service, provider, provider_call_id, assistant_id, status, started_at, ended_at, duration_seconds, cost)
     select ada.id, 'voice', 'acme', c.id, 'a1', 'completed', c.at::timestamptz, c.at::timestamptz + c.seconds * interval '1 second', c.seconds, c.cost
     from ada, (values
       ('same', '2026-10-02T10:00:00Z', 61, 0.10), ('dearer', '2026-10-02T11:00:00Z', 62, 0.10),
       ('running', '2026-10-02T12:00:00Z', 63, 0.10),
       (null, '2026-10-03T10:00:00Z', 500, 0.31), (null, '2026-10-03T10:00:03Z', 5, 0.32)) c (id, at, seconds, cost)`,
  );
});

const reconcile = async (name: string, lines: string[]) => {
  const file = desk.write(name, lines);
  const args = ['--export', file, '--provider', 'acme', '--map', 'Begin=started_at', '--map', 'Price=cost'];
  const { kinds } = await desk.json(3, 'reconcile', ...month, ...args, '--replace');
  return Object.fromEntries(
    Object.entries<{ count: number }>(kinds).map(([kind, { count }]) => [kind, count]),
  );
};

test('a file that cannot tell how long calls took compares their costs alone', async () => {
  expect(
    await reconcile('untimed.csv', [
      'id,assistant_id,Begin,Price,status',
      'same,a1,2026-10-02T10:00:00Z,0.10,completed',
      'dearer,a1,2026-10-02T11:00:00Z,0.25,',
      // What says that it is running is.
      'running,a1,2026-10-02T12:00:00Z,,active',
      'nobody,a1,2026-10-02T13:00:00Z,0.10,completed',
      // Without an id: the nearest start, whatever the durations of the logs are.
      ',a1,2026-10-03T10:00:00Z,0.31,completed',
      ',a1,2026-10-03T10:00:02Z,0.32,completed',
    ]),
  ).toEqual({ matched: 3, cost_mismatch: 1, unsettled: 1, unlogged: 1 });

  // What the bill does not say changes nothing in the logs.
  await desk.resolve(0, 'cost_mismatch', 'corrected', 'by bill');
  expect(
    await desk.query(
      `select duration_seconds::text as seconds, cost::text as cost from quota.call_logs where provider_call_id = 'dearer'`,
    ),
  ).toEqual([{ seconds: '62.000', cost: expect.stringMatching(/^0\.250*$/) }]);
});

test('a file that could tell, and does not of a call, means one that has not ended', async () => {
  expect(
    await reconcile('timed.csv', [
      'id,assistant_id,Begin,ended_at,Price',
      'same,a1,2026-10-02T10:00:00Z,2026-10-02T10:01:01Z,0.10',
      'dearer,a1,2026-10-02T11:00:00Z,,0.25',
    ]),
  ).toMatchObject({ matched: 1, unsettled: 1 });
});

test('calls that never began and cost nothing were not connected in such a file, too', async () => {
  const file = desk.write('created.csv', [
    'id,created_at,cost',
    'same,2026-10-02T10:00:00Z,0.10',
    'never,2026-10-02T10:00:00Z,0',
  ]);
  const { kinds } = await desk.json(
    3,
    'reconcile',
    ...month,
    '--export',
    file,
    '--provider',
    'acme',
    '--replace',
  );
  expect(kinds).toMatchObject({ matched: { count: 1 }, not_connected: { count: 1 } });
});
