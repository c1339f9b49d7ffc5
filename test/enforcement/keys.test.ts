import { beforeEach, describe, expect, test } from 'vitest';
import { simulatorOrgId } from '../../fixtures/vapi-simulator/keys.ts';
import { perTest } from '../desk/desk.ts';
import { refuseWarnings } from '../warnings.ts';
import { afterReset, LimitsDesk } from './limits-desk.ts';

refuseWarnings();

const otherOrg = '0bb7c4d2-0000-4000-8000-00000000000b';
const desk = perTest(
  new LimitsDesk({ users: 8, perUser: 1, keys: [{ key: 'key-of-the-other', orgId: otherOrg }] }),
);
/** The command line of somebody with the key of another organisation, and with one that is refused. */
const otherDesk = desk.with({ env: { VAPI_API_KEY: 'key-of-the-other' } });
const refusedDesk = desk.with({ env: { VAPI_API_KEY: 'revoked' } });
beforeEach(() => desk.vapi.putAssistants([{ id: 'theirs', orgId: otherOrg, name: 'Of the others' }]));

const everybody = Array.from({ length: 8 }, (_, index) => `user_${index}`);
const rows = () =>
  desk.query(
    `select l::text, a.state, a.organisation from quota.assistants a left join quota.assistant_limits l on l.assistant_id = a.id order by a.id`,
  );
const audits = () => desk.query('select count(*)::int as rows from quota.audit_log');
const states = async () => (await desk.limits()).map(({ status }) => status);

describe('the key of another organisation', () => {
  beforeEach(async () => {
    await desk.exceed(...everybody);
    await desk.answer('limits', 'sync');
  });

  test('stops a sync, a job, a dry run, a check and a restore before anything is marked, naming both', async () => {
    await desk.queryAt(afterReset, `select quota.reset_due('signup', 100, gen_random_uuid())`);
    const before = await rows();
    for (const args of [
      ['limits', 'sync'],
      ['limits', 'sync', '--dry-run'],
      ['limits', 'status', '--check'],
      ['limits', 'restore', 'user_3', '--yes'],
      ['limits', 'apply', 'user_3', '--yes'],
      ['jobs', 'sync-limits', '--rate', '1000', '--batch-size', '3'],
    ]) {
      const { code, stderr } = await otherDesk.at(afterReset).run(...args);
      expect({ args, code }).toEqual({ args, code: 69 });
      expect(stderr).toContain(otherOrg);
      expect(stderr).toContain(simulatorOrgId);
      expect(stderr).not.toContain('key-of-the-other');
      expect(await rows()).toEqual(before);
    }
    expect((await desk.answer('limits', 'sync', '--as-of', afterReset)).data.counts.restored).toBe(8);
  });

  test('leaves a reset as it is, with the restores queued', async () => {
    const { code, stderr, data } = await otherDesk.answer(
      'user',
      'reset',
      'user_1',
      '--reason',
      'goodwill',
      '--yes',
    );
    expect(code).toBe(75);
    expect(stderr).toContain(otherOrg);
    expect(data.assistants).toMatchObject([{ status: 'pending', error: null }]);
    expect(data.meters).toMatchObject([{ after: { used: '0.000' } }]);
  });

  test('is taken where an assistant that was never read answers to it: a second organisation', async () => {
    await desk.query(
      `insert into quota.assistants (user_id, provider_assistant_id) select id, 'theirs' from quota.users where external_id = 'user_0'`,
    );
    const { code, data } = await otherDesk.answer('limits', 'sync');
    // The assistants of the first organisation are neither gone nor limited by this key: they stay as they are.
    expect(data.assistants).toContainEqual(
      expect.objectContaining({ providerAssistantId: 'theirs', status: 'applied' }),
    );
    expect(data.counts).toMatchObject({ gone: 0, failed: 0, limited: 1 });
    expect(code).toBe(0);
    await desk.queryAt(afterReset, `select quota.reset_due('signup', 100, gen_random_uuid())`);
    const reset = await otherDesk.at(afterReset).answer('limits', 'sync');
    expect(reset).toMatchObject({ code: 75, data: { counts: { restored: 1, failed: 8, gone: 0 } } });
    expect((await desk.limits()).find(({ status }) => status === 'failed')?.error).toContain(
      `it belongs to the organisation ${simulatorOrgId}, the key to ${otherOrg}`,
    );
    const both = await desk.answer('limits', 'sync', '--as-of', '2026-11-12T12:00:00Z');
    expect(both).toMatchObject({ code: 0, data: { counts: { restored: 8 } } });
  });
});

describe('a key that is refused', () => {
  test('queues nothing, limits nothing, marks nothing as failed', async () => {
    await desk.exceed('user_4', 'user_5');
    await desk.answer('limits', 'restore', 'user_4', '--yes', '--no-sync');
    const before = [await rows(), await audits()];
    for (const args of [
      ['limits', 'apply', 'user_0', '--yes', '--reason', 'abuse'],
      ['limits', 'apply', '--exceeded', '--yes'],
      ['limits', 'apply', 'user_0', '--dry-run'],
      ['limits', 'restore', 'user_5', '--yes'],
      ['limits', 'sync'],
      ['limits', 'status', '--check'],
    ]) {
      const { code, stderr } = await refusedDesk.run(...args);
      expect({ args, code }).toEqual({ args, code: 69 });
      expect(stderr).toContain('refused the API key');
      expect([await rows(), await audits()]).toEqual(before);
    }
    expect(
      await desk.query(`select 1 from quota.subscriptions s join quota.users u on u.id = s.user_id
        where external_id = 'user_0' and limit_enforced_at is not null`),
    ).toEqual([]);
    const job = await refusedDesk.run('jobs', 'sync-limits');
    expect(job.code).toBe(69);
    expect(await rows()).toEqual(before[0]);
  });

  test('in the middle of a run ends it; what was done is recorded, the rest is as it was', async () => {
    await desk.exceed(...everybody);
    desk.vapi.scriptFaults([
      { kind: 'error', status: 401, method: 'PATCH', path: desk.assistantsOf('user_6')[0] ?? '', times: 9 },
    ]);
    expect((await desk.run('limits', 'sync', '--concurrency', '1')).code).toBe(69);
    const limits = await desk.limits();
    expect(limits.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(limits.every(({ claimed, error }) => !claimed && error === null)).toBe(true);
    desk.vapi.clearFaults();
    expect((await desk.answer('limits', 'sync')).code).toBe(0);
    expect(await states()).toEqual(Array(8).fill('applied'));
  });
});

describe('assistants that VAPI does not know', () => {
  const remove = (users: string[]) => {
    for (const id of users.flatMap((user) => desk.assistantsOf(user))) {
      desk.vapi.deleteAssistant(id);
    }
  };

  test('are not believed when they are many; the operator can say that they were deleted', async () => {
    await desk.exceed(...everybody);
    remove(everybody.slice(0, 6));
    for (const args of [
      ['limits', 'sync'],
      ['jobs', 'sync-limits', '--rate', '1000', '--batch-size', '2'],
    ]) {
      const { code, stderr } = await desk.run(...args);
      expect(code).toBe(69);
      expect(stderr).toContain('VAPI does not know 6');
      expect((await states()).filter((status) => status === 'gone')).toEqual([]);
      expect(await desk.query(`select 1 from quota.assistants where state = 'gone'`)).toEqual([]);
    }
    const accepted = await desk.answer('limits', 'sync', '--accept-gone', '6');
    expect(accepted).toMatchObject({ code: 0, data: { counts: { gone: 6 } } });
  });

  test('are gone when they are few and the key is known, in one run or in batches of a job', async () => {
    await desk.exceed(...everybody);
    remove(['user_0', 'user_1', 'user_2']);
    const { code, data } = await desk.answer('jobs', 'sync-limits', '--rate', '1000', '--batch-size', '2');
    expect(code).toBe(0);
    expect(data).toMatchObject({ limited: 5, gone: 3, failed: 0, left: 0 });
    expect((await states()).filter((status) => status === 'gone')).toHaveLength(3);
  });

  test('stay queued when whose the key is cannot be told', async () => {
    await desk.exceed('user_0');
    remove(everybody);
    desk.vapi.deleteAssistant('theirs');
    const { code, data } = await desk.answer('limits', 'sync');
    expect(code).toBe(75);
    expect(data.assistants[0]).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('whose the key is'),
    });
    // The organisation is read off a call; that the assistant was its own is not known for all that.
    desk.vapi.putCalls([{ id: 'call-1', createdAt: '2026-10-01T00:00:00Z' }]);
    const again = await desk.answer('limits', 'sync', '--as-of', '2026-10-15T13:00:00Z');
    expect(again.data.assistants[0].error).toContain('never read before');
  });

  test('go back to work when they are known again, by sync, apply and restore', async () => {
    await desk.exceed(...everybody.slice(0, 4));
    const ids = everybody.slice(0, 4).map((user) => desk.assistantsOf(user)[0] ?? '');
    const originals = ids.map((id) => desk.vapi.assistant(id) ?? { id });
    await desk.answer('limits', 'sync');
    const limited = ids.map((id) => desk.vapi.assistant(id) ?? { id });
    remove(everybody.slice(0, 4));
    expect((await desk.answer('limits', 'sync')).data.counts.gone).toBe(4);
    desk.vapi.putAssistants(limited);

    const check = await desk.answer('limits', 'status', '--check');
    expect(check).toMatchObject({ code: 3, data: { checked: { 'known again': 4 } } });
    const restored = await desk.answer('limits', 'restore', 'user_0', '--yes');
    expect(restored).toMatchObject({ code: 0, data: { counts: { restored: 1 } } });
    const applied = await desk.answer('limits', 'apply', 'user_1', '--yes');
    expect(applied).toMatchObject({ code: 0, data: { left: { pending: 0 } } });
    const synced = await desk.answer('limits', 'sync');
    expect(synced.code).toBe(0);
    expect(await states()).toEqual(['restored', 'applied', 'applied', 'applied']);
    expect(await desk.query(`select 1 from quota.assistants where state = 'gone'`)).toEqual([]);
    await desk.queryAt(afterReset, `select quota.reset_due('signup', 100, gen_random_uuid())`);
    expect((await desk.answer('limits', 'sync', '--as-of', afterReset)).data.counts.restored).toBe(3);
    for (const [index, id] of ids.entries()) {
      expect({ endCallPhrases: null, ...desk.vapi.assistant(id), updatedAt: '' }).toEqual({
        maxDurationSeconds: 600,
        endCallPhrases: null,
        ...originals[index],
        updatedAt: '',
      });
    }
    expect(
      await desk.query(`select count(*)::int as rows from quota.audit_log where action = 'assistant.found'`),
    ).toEqual([{ rows: 4 }]);
  });

  test('that were given up by mistake all come back in one run, however many', async () => {
    await desk.exceed(...everybody);
    await desk.answer('limits', 'sync');
    // As a version did that took every 404 at its word.
    await desk.query(`update quota.assistant_limits set status = 'gone', last_error = 'not found'`);
    await desk.query(`update quota.assistants set state = 'gone'`);
    const { code, data } = await desk.answer('limits', 'sync');
    expect({ code, left: data.left }).toEqual({ code: 0, left: { pending: 0, failed: 0, busy: 0 } });
    expect(await states()).toEqual(Array(8).fill('applied'));
  });
});
