import { expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { LimitsDesk } from './limits-desk.ts';

const desk = perFile(new LimitsDesk({ users: 2, perUser: 1 }));

const event = (message: object) => JSON.stringify({ message: { type: 'end-of-call-report', ...message } });
const times = { startedAt: '2026-10-14T12:33:20.740Z', endedAt: '2026-10-14T12:35:28.338Z' };

async function load(lines: string[], ...args: string[]) {
  const file = desk.write('events.jsonl', `${lines.join('\n')}\n`);
  return desk.run('usage', 'import', '--format', 'vapi-events', file, '--yes', '--json', ...args);
}

test('reports become call logs, whichever form they have, once per call', async () => {
  const assistantId = desk.assistantsOf('user_0')[0];
  const lines = [
    event({ ...times, cost: 0.1931, durationSeconds: 127.598, call: { id: 'at-message', assistantId } }),
    event({ endedReason: 'customer-ended-call', call: { id: 'at-call', assistantId, ...times, cost: 0.25 } }),
    event({ ...times, call: { id: 'by-metadata', metadata: { userId: 'user_1' } } }),
    event({
      ...times,
      call: { id: 'by-overrides', assistantOverrides: { metadata: { user_id: 'user_1' } } },
    }),
    event({
      endedAt: times.endedAt,
      endedReason: 'call.start.error-get-transport',
      call: { id: 'never', assistantId },
    }),
    event({ ...times, cost: 0.1931, durationSeconds: 127.598, call: { id: 'at-message', assistantId } }),
    JSON.stringify({ message: { type: 'status-update', status: 'ended', call: { id: 'at-message' } } }),
  ];
  const first = await load(lines);
  expect(first.stderr).toBe('');
  expect(first.code).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({ new: 5, skipped: 1, rejected: 0 });
  expect(
    await desk.query(
      `select l.provider_call_id as id, u.external_id as "user", l.duration_seconds as seconds, l.cost, l.status
       from quota.call_logs l join quota.users u on u.id = l.user_id order by l.provider_call_id`,
    ),
  ).toEqual([
    { id: 'at-call', user: 'user_0', seconds: '127.598', cost: '0.25', status: 'completed' },
    { id: 'at-message', user: 'user_0', seconds: '127.598', cost: '0.1931', status: 'completed' },
    { id: 'by-metadata', user: 'user_1', seconds: '127.598', cost: null, status: 'completed' },
    { id: 'by-overrides', user: 'user_1', seconds: '127.598', cost: null, status: 'completed' },
    { id: 'never', user: 'user_0', seconds: '0.000', cost: null, status: 'error' },
  ]);
  const again = await load(lines);
  expect(JSON.parse(again.stdout)).toMatchObject({ new: 0, existing: 5 });
});

test('bad lines are named, and nothing is loaded', async () => {
  const { code, stderr } = await load([
    event({ ...times, call: { id: 'good', metadata: { userId: 'user_1' } } }),
    event({ ...times, call: { metadata: { userId: 'user_1' } } }),
    '{"call": {"id": "no envelope"}}',
    event({ ...times, call: { id: 'whose' } }),
    event({ ...times, call: { id: 'unknown', metadata: { userId: 'nobody' } } }),
  ]);
  expect(code).toBe(65);
  for (const line of ['2', '3', '4', '5']) {
    expect(stderr).toContain(`line ${line}`);
  }
  expect(await desk.query(`select 1 from quota.call_logs where provider_call_id = 'good'`)).toEqual([]);
});
