import { expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { afterReset, asOf, LimitsDesk } from './limits-desk.ts';

const desk = perTest(new LimitsDesk({ users: 3, perUser: 2 }));

const fast = ['--rate', '1000'];
const maxDuration = (id: string | undefined) => desk.vapi.assistant(id ?? '')?.maxDurationSeconds;

test('the reset job restores what it queued, and the next run finds nothing due', async () => {
  await desk.exceed('user_0', 'user_2');
  await desk.answer('limits', 'sync');
  const first = await desk.answer('jobs', 'reset-anniversaries', '--as-of', afterReset, ...fast);
  expect(first.code).toBe(0);
  expect(first.data).toMatchObject({ due: 3, reset: 3, assistants: { queued: 4, restored: 4, failed: 0 } });
  expect((await desk.limits()).map(({ status }) => status)).toEqual(Array(4).fill('restored'));
  const audits = await desk.query(
    `select distinct action, run_id = $1 as same from quota.audit_log where action in ('subscription.reset', 'assistant.restored')`,
    [first.data.runId],
  );
  expect(audits).toHaveLength(2);
  expect(audits.every(({ same }) => same)).toBe(true);
  const second = await desk.run('jobs', 'reset-anniversaries', '--as-of', afterReset);
  expect(second).toMatchObject({ code: 0, stdout: '' }); // The desk is --quiet, and nothing was due.
});

test('a restore that fails leaves the run incomplete; sync-limits makes it good when it is due', async () => {
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  const [bad = ''] = desk.assistantsOf('user_0');
  desk.vapi.scriptFaults([{ kind: 'error', status: 422, path: bad, times: 2 }]);
  const reset = await desk.answer('jobs', 'reset-anniversaries', '--as-of', afterReset, ...fast);
  expect(reset.code).toBe(75);
  expect(reset.data.assistants).toEqual({ queued: 2, restored: 1, failed: 1 });
  const history = await desk.answer('jobs', 'history', '--json');
  expect(history.data[0]).toMatchObject({ status: 'incomplete', error: '1 left queued' });

  const early = await desk.answer('jobs', 'sync-limits', '--as-of', afterReset, ...fast);
  expect(early).toMatchObject({ code: 0, data: { due: 0, done: 0 } });
  const again = await desk.answer('jobs', 'sync-limits', '--as-of', '2026-11-12T00:00:31Z', ...fast);
  expect(again).toMatchObject({ code: 75, data: { due: 1, done: 1, failed: 1 } });
  const dry = await desk.answer('jobs', 'sync-limits', '--as-of', '2026-11-12T01:00:00Z', '--dry-run');
  expect(dry.data.first).toMatchObject([
    { externalId: 'user_0', providerAssistantId: bad, status: 'failed' },
  ]);
  const good = await desk.answer('jobs', 'sync-limits', '--as-of', '2026-11-12T01:00:00Z', ...fast);
  expect(good).toMatchObject({ code: 0, data: { due: 1, done: 1, restored: 1, left: 0 } });
  expect(maxDuration(bad)).not.toBe(10);
});

test('the reset job without a key: done, left queued with a warning; the next run says nothing is due', async () => {
  await desk.exceed('user_0');
  await desk.answer('limits', 'sync');
  const keyless = { env: { VAPI_API_KEY: '' } };
  const first = await desk.with(keyless).answer('jobs', 'reset-anniversaries', '--as-of', afterReset);
  expect(first.code).toBe(0);
  expect(first.stderr).toContain('VAPI_API_KEY is not set');
  expect(first.data).toMatchObject({ reset: 3, assistants: { queued: 2, restored: 0 } });
  const second = await desk.with(keyless).run('jobs', 'reset-anniversaries', '--as-of', afterReset);
  expect(second).toMatchObject({ code: 0, stdout: '' }); // The desk is --quiet, and nothing was due.
  expect((await desk.with(keyless).run('jobs', 'sync-limits')).code).toBe(78);
});

test('enforce-limits finds who is over the allowance as of now, whenever the calls were recorded', async () => {
  // Recorded in another period, so that the triggers limited nobody.
  await desk.queryAt(
    '2026-12-20T00:00:00Z',
    `insert into quota.call_logs (user_id, service, provider, started_at, duration_seconds)
     select id, 'voice', 'vapi', '2026-10-15T10:00:00Z', 700 from quota.users where external_id = 'user_1'`,
  );
  expect(await desk.limits()).toEqual([]);
  const dry = await desk.answer('jobs', 'enforce-limits', '--dry-run');
  expect(dry.data).toMatchObject({ due: 1, first: [{ externalId: 'user_1', reason: 'over the allowance' }] });
  const { code, data } = await desk.answer('jobs', 'enforce-limits', ...fast);
  expect(code).toBe(0);
  expect(data).toMatchObject({ due: 1, limited: 1, assistants: { limited: 2, failed: 0 } });
  expect(desk.assistantsOf('user_1').map(maxDuration)).toEqual([10, 10]);
  expect(
    await desk.query(`select limit_enforced_at from quota.subscriptions where limit_enforced_at is not null`),
  ).toEqual([{ limit_enforced_at: new Date(asOf) }]);
  const again = await desk.answer('jobs', 'enforce-limits', ...fast);
  expect(again).toMatchObject({
    code: 0,
    data: { due: 0, limited: 0, assistants: { limited: 0, unchanged: 2 } },
  });
});

test('enforce-limits reaches assistants that were made, found again or changed after the limit', async () => {
  await desk.exceed('user_0');
  const [first = '', second = ''] = desk.assistantsOf('user_0');
  const gone = desk.vapi.assistant(second);
  desk.vapi.deleteAssistant(second);
  await desk.answer('limits', 'sync');

  desk.vapi.editAssistant(first, { maxDurationSeconds: 1800 });
  desk.vapi.putAssistants([gone ?? { id: second }, { id: 'made-later', name: 'Later', firstMessage: 'Hi' }]);
  await desk.query(`update quota.assistants set state = 'active' where provider_assistant_id = $1`, [second]);
  await desk.query(
    `insert into quota.assistants (user_id, provider_assistant_id) select id, 'made-later' from quota.users where external_id = 'user_0'`,
  );
  const { code, data } = await desk.answer('jobs', 'enforce-limits', ...fast);
  expect(code).toBe(0);
  expect(data.assistants).toMatchObject({ limited: 3, failed: 0 });
  expect([first, second, 'made-later'].map(maxDuration)).toEqual([10, 10, 10]);
  const restored = await desk.answer('limits', 'restore', 'user_0', '--yes');
  expect(restored.data.counts.restored).toBe(3);
  expect(maxDuration(first)).toBe(1800);
});

test('jobs are listed with what is due', async () => {
  await desk.exceed('user_0');
  const { data } = await desk.answer('jobs', 'list');
  expect(data).toContainEqual(expect.objectContaining({ name: 'sync-limits', due: 2, lastRun: null }));
  expect(data).toContainEqual(expect.objectContaining({ name: 'enforce-limits', due: 0 }));
});
