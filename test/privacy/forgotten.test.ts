import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ env: { QUOTA_DATA_DIR: '/nonexistent/quota' } });
const person = {
  externalId: 'xq-7714',
  email: 'xenia@quill.example',
  formerEmail: 'xenia.former@quill.example',
  name: 'Xenia Quill',
};
/** What was said about the person, one word for each place: found after an erasure it tells which was left. */
const said = (place: string) => `${place}-of-xenia`;
let id = '';

/** Every column of every table as text, as a dump has it. */
async function everything(): Promise<string> {
  const tables = await desk.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'quota'::regnamespace and relkind in ('r', 'p') order by 1`,
  );
  const dumps = await Promise.all(
    tables.map(({ name }) => desk.query(`select t::text from quota.${name} t`)),
  );
  return JSON.stringify(dumps);
}

/** The content of every file that commands wrote, but for what was given to them. */
function files(): string {
  const folder = dirname(desk.path('x'));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('given-') && statSync(join(folder, name)).isFile())
    .map((name) => `${name}\n${readFileSync(join(folder, name), 'utf8')}`)
    .join('\n');
}

const traces = (text: string) => [
  ...Object.values(person).filter((value) => text.toLowerCase().includes(value.toLowerCase())),
  ...new Set(text.match(/[a-z-]+-of-xenia/g)),
];

/** What the tool itself writes about a user. */
async function workOnPerson(): Promise<void> {
  const why = (place: string) => ['--reason', `${said(place)}: ${person.name} asked`, '--yes'];
  await desk.json('user', 'edit', person.externalId, '--email', person.email, ...why('edit-reason'));
  await desk.json(
    'user',
    'set-plan',
    person.externalId,
    'voice-free',
    '--limit',
    'voice_seconds=900',
    ...why('override-reason'),
  );
  const granted = await desk.json(
    'user',
    'grant',
    person.externalId,
    'voice_seconds',
    '60s',
    ...why('grant-reason'),
  );
  await desk.json('grants', 'revoke', granted.grantId, ...why('revoke-reason'));
  await desk.json('user', 'reset', person.externalId, '--service', 'voice', ...why('reset-reason'));
}

/** What comes by other ways: the app, the provider, its bill, alerts, jobs. */
async function tellOfPerson(): Promise<void> {
  await desk.query(
    `select quota.record($1, 'voice', 'call-x', 120, p_cost => 0.25, p_assistant_id => 'asst-x', p_error => $2, p_metadata => $3)`,
    [person.externalId, said('error'), { said: said('metadata') }],
  );
  await desk.query(
    `insert into quota.assistants (user_id, provider_assistant_id, name) values ($1, 'asst-x', $2)`,
    [id, said('assistant')],
  );
  await desk.query(
    `insert into quota.assistant_limits (assistant_id, user_id, desired, status, original, applied, last_error, made, doubtful)
     select id, user_id, 'original', 'gone', $1, $1, $2, jsonb_build_array($1::jsonb), $1 from quota.assistants`,
    [{ firstMessage: said('original') }, said('limit-error')],
  );
  await desk.query(
    `insert into quota.assistant_originals (user_id, assistant_id, change, fields, source)
     select user_id, id, 1, $1, 'provider' from quota.assistants`,
    [{ firstMessage: said('captured') }],
  );
  await desk.query(
    `with crossed as (
       insert into quota.usage_alerts (user_id, meter, period_start, threshold, level, percent, crossed_at)
       select user_id, meter, period_start, 50, 'warning', 50, now() from quota.usage_quotas where user_id = $1 and meter = 'voice_seconds'
       returning *)
     select from crossed`,
    [id],
  );
  await desk.query('update quota.alert_deliveries set last_error = $1 where user_id = $2', [
    said('delivery'),
    id,
  ]);
  await desk.query('insert into quota.cache_state default values');
  await desk.query(
    `insert into quota.adopt_dead (source, key, operation, told, reason)
     values (1, '1', 'take', $1, 'not a number'), (1, '2', 'take', null, $2)`,
    [{ member: person.externalId, note: said('dead-row') }, `${said('dead-reason')}: ${person.name}`],
  );
}

/** A month with what was billed for the person, resolved and closed in words about the person. */
async function billPerson(): Promise<void> {
  const [month] = await desk.query<{ id: string; export: number }>(
    `with export as (
       insert into quota.billing_exports (provider, format, source, sha256) values ('vapi', 'csv', 'x.csv', 'x') returning id
     ), lines as (
       insert into quota.billing_lines (export_id, line, kind, external_id, assistant_id, cost, description, raw)
       select id, n, 'call', call, assistant, 0.1, words, json_build_object('said', words)
       from export, (values (1, 'call-x', null, '${said('logged-line')}'), (2, 'unlogged', 'asst-x', '${said('unlogged-line')}'),
         (3, 'stray', 'unknown', 'call with ${person.name}, ${said('stray-line')}')) l(n, call, assistant, words)
     ), month as (
       insert into quota.reconciliations (provider, month) values ('vapi', '2026-10-01') returning id
     )
     select month.id, export.id as export from month, export`,
  );
  await desk.query(
    `insert into quota.reconciliation_items (reconciliation_id, log_id, export_id, line, kind, billed, logged)
     select $1::uuid, (select id from quota.call_logs where provider_call_id = 'call-x'), $2::integer, 1, 'cost_mismatch', 0.1, 0.25
     union all select $1, null, $2, 2, 'unlogged', 0.1, 0`,
    [month?.id, month?.export],
  );
  // What matches lies with the rows of others.
  await desk.query(
    `insert into quota.reconciliation_matches (reconciliation_id, export_id, lines, log_ids, billed, billed_sum, logged_sum)
     select $1, $2, '{1, 3}', array[(select id from quota.call_logs where provider_call_id = 'call-x'), 0], '{0.1, 0.1}', 0.2, 0.2`,
    [month?.id, month?.export],
  );
  await desk.query(
    `with found as (
       insert into quota.discrepancies (reconciliation_id, kind, subject, user_id, owner_id, billed, logged, resolution, reason)
       values ($1::uuid, 'cost_mismatch', 'call-x', $2::uuid, null, 0.1, 0.25, 'accepted', $3),
         ($1, 'unlogged', 'unlogged', null, $2, 0.1, 0, 'accepted', $4)
       returning id
     )
     insert into quota.audit_log (action, subject, reason, after)
     select 'discrepancy.resolve', 'vapi 2026-10', $3, jsonb_build_object('ids', jsonb_agg(id::text)) from found`,
    [month?.id, id, said('user-discrepancy'), said('owner-discrepancy')],
  );
  await desk.query(
    `update quota.reconciliations set closed_at = now(), closed_by = 'finance', close_reason = $1`,
    [`${said('closing')}: agreed with ${person.email}`],
  );
}

beforeAll(async () => {
  const { externalId, formerEmail, name } = person;
  id = await desk.addUser({ externalId, email: formerEmail, name });
  await desk.addUser({ externalId: 'bob' });
  await tellOfPerson();
  await workOnPerson();
  await billPerson();
  await desk.query(`insert into quota.job_runs (job, status, error) values ('x', 'failed', $1)`, [
    `${said('run')}: no zone for ${externalId}`,
  ]);
  await desk.query(
    `insert into quota.plan_versions (plan, version, definition, reason) select 'voice-free', 99, '{}', $1`,
    [`${said('plan')}: for ${name}`],
  );
  await desk.run(
    'user',
    'grant',
    'bob',
    'voice_seconds',
    '5s',
    '--reason',
    `${said('friend')}: ${name} paid`,
    '--yes',
  );
  await desk.json('audit', 'verify', '--seal');
});

test('an export holds all that is held about the person', async () => {
  const { code, stdout } = await desk.run('user', 'export', person.externalId, '--json');
  expect(code).toBe(0);
  const { tables } = JSON.parse(stdout);
  const elsewhere = ['stray-line', 'closing', 'run', 'plan', 'friend', 'dead-row', 'dead-reason'].map(said);
  const held = new Set(traces(await everything()).filter((trace) => !elsewhere.includes(trace)));
  expect(new Set(traces(stdout))).toEqual(held);
  expect(held.size).toBeGreaterThanOrEqual(20);
  expect(tables.discrepancies).toHaveLength(2);
  expect(tables.reconciliation_items).toHaveLength(3);
  expect(tables.billing_lines).toHaveLength(2);
  expect(tables.audit_reasons.length).toBeGreaterThan(3);
});

test('a reason that names the person does not get into the history of the erasure', async () => {
  const { code, stderr } = await desk.run(
    'user',
    'erase',
    person.externalId,
    '--reason',
    `asked by ${person.name}`,
    '--yes',
  );
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('names the person') });
});

test('after an erasure nothing in the database and its files names the person; the facts are there', async () => {
  const sums =
    'select sum(used)::text as used, sum(cost)::text as cost, sum(granted)::text as granted from quota.usage_quotas';
  const before = await desk.query(sums);
  const { countersLeft } = await desk.json(
    'user',
    'erase',
    person.externalId,
    '--reason',
    'request 17',
    '--yes',
  );
  // Their keys have the id: who has the cache takes them out of it, and of the list of them.
  expect(countersLeft).toBeGreaterThan(0);
  await desk.query('delete from quota.cache_outbox');
  expect(traces(await everything())).toEqual([]);
  expect(traces(files())).toEqual([]);
  expect(await desk.query(sums)).toEqual(before);
  expect(await desk.differences()).toEqual([]);
  expect(
    await desk.query(`select count(*)::integer as n from quota.discrepancies where reason = 'erased'`),
  ).toEqual([{ n: 2 }]);
});

test('the history is still what was sealed', async () => {
  expect(await desk.json('audit', 'verify')).toMatchObject({ ok: true, broken: [], bentReasons: [] });
});

test('whoever says something later, nothing is taken about the person', async () => {
  const erased = `erased-${id}`;
  const why = (place: string) => ['--reason', said(place), '--yes'];
  await desk.query(
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds, metadata, error_message)
     values ($1, 'voice', 'vapi', 'later', now(), 1, $2, $3)`,
    [id, { said: said('later-metadata') }, said('later-error')],
  );
  await desk.query(`update quota.call_logs set metadata = $1 where provider_call_id = 'call-x'`, [
    { said: said('later-update') },
  ]);
  await desk.query(
    `update quota.users set external_id = $1, email = $2, name = $3, erased_at = null where id = $4`,
    [person.externalId, person.email, person.name, id],
  );
  await desk.query(`update quota.assistants set name = $1 where user_id = $2`, [said('later-assistant'), id]);
  await desk.query(`update quota.assistant_limits set last_error = $1 where user_id = $2`, [
    said('later-limit'),
    id,
  ]);
  await desk.query(`update quota.alert_deliveries set last_error = $1 where user_id = $2`, [
    said('later-delivery'),
    id,
  ]);
  await desk.run('user', 'grant', id, 'voice_seconds', '60s', ...why('later-grant'));
  await desk.run('user', 'reset', id, '--service', 'voice', ...why('later-reset'));
  await desk.run(
    'user',
    'set-plan',
    id,
    'voice-free',
    '--limit',
    'voice_seconds=800',
    ...why('later-override'),
  );
  const reopened = ['--month', '2026-10', '--provider', 'vapi', '--reason', 'a corrected bill', '--yes'];
  await desk.json('reconcile', 'reopen', ...reopened);
  await desk.query(`update quota.discrepancies set reason = $1`, [said('later-resolution')]);
  const users = desk.write('given-users.csv', [
    'external_id,email,name',
    `${erased},${person.email},${person.name}`,
  ]);
  const imported = await desk.run('import', 'users', users, '--update', ...why('later-import'));
  expect(imported).toMatchObject({ code: 65, stderr: expect.stringContaining('was erased') });
  const calls = desk.write('given-calls.csv', [
    'user_external_id,service,provider,provider_call_id,started_at,duration_seconds,metadata',
    `${erased},chat,x,later-call,2026-11-01T00:00:00Z,1,"{""said"": ""${said('later-file')}""}"`,
  ]);
  await desk.json('import', 'call-logs', calls);
  // The same file once more differs in nothing.
  expect(await desk.json('import', 'call-logs', calls)).toMatchObject({ differing: 0 });
  const bill = desk.write('given-bill.csv', [
    'id,assistantId,startedAt,endedAt,cost,name',
    `call-x,asst-x,2026-09-03T10:00:00Z,2026-09-03T10:02:00Z,0.25,${said('later-bill')}`,
  ]);
  const { code, stderr } = await desk.run(
    'reconcile',
    '--month',
    '2026-09',
    '--provider',
    'vapi',
    '--export',
    bill,
  );
  expect([0, 3], stderr).toContain(code);
  expect(traces(await everything())).toEqual([]);
  expect(await desk.json('audit', 'verify')).toMatchObject({ ok: true });
});

test('a reason that was changed or taken out afterwards shows', async () => {
  const grant = ['user', 'grant', 'bob', 'voice_seconds', '5s', '--reason', 'an outage', '--yes'];
  const { auditId } = await desk.json(...grant);
  const faults = async (sql: string) => {
    await desk.query(sql, [auditId]);
    const { code, data } = await desk.answer('audit', 'verify');
    return { code, bent: data.bentReasons };
  };
  expect(await faults(`update quota.audit_reasons set reason = 'bent' where audit_id = $1`)).toEqual({
    code: 3,
    bent: [{ auditId, fault: 'the reason was changed' }],
  });
  expect(await faults('delete from quota.audit_reasons where audit_id = $1')).toEqual({
    code: 3,
    bent: [{ auditId, fault: 'the reason was removed' }],
  });
});
