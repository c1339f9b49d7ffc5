import { afterAll, beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { remoteMapping, SourceDatabase } from './source-database.ts';

const desk = useDesk();
let source: SourceDatabase;
const at = () => desk.with({ env: { QUOTA_SOURCE_URL: source.url } });
const mapped = (mapping = remoteMapping) => desk.write('shop.yaml', mapping);
const follow = (...words: string[]) => at().json('jobs', 'adopt-follow', ...words);

/** As tests of a product go on from one another, it stays attached. */
beforeAll(async () => {
  source = await SourceDatabase.create();
  await at().json('adopt', 'attach', mapped(), '--yes');
});
afterAll(() => source.drop());

async function verified() {
  const { code, data } = await at().answer('adopt', 'verify', 'shop');
  expect(await desk.differences()).toEqual([]);
  const { differing, waiting, behind, unfinished, stale } = data;
  return { code, differing, waiting, behind, unfinished, stale };
}
const agreed = { code: 0, differing: 0, waiting: 0, behind: 0, unfinished: [], stale: [] };

const counted = async (call: string) =>
  (
    await desk.query(
      'select status, duration_seconds::int as seconds from quota.call_logs where provider_call_id = $1',
      [call],
    )
  )[0];

const newCall = (call: string, seconds = '6', user = 'm3') =>
  `insert into shop.phone_calls (member_id, vapi_call, began, seconds)
   values ('${user}', '${call}', '2026-11-20 09:00', '${seconds}')`;

test('tables in another database are taken over by a login that may only read them', async () => {
  expect(await at().json('adopt', 'check', desk.path('shop.yaml'))).toMatchObject({
    isAttached: true,
    notes: [{ field: 'status' }],
  });
  expect(await at().json('adopt', 'attach', desk.path('shop.yaml'), '--dry-run')).toMatchObject({
    triggers: [],
  });
  // Written in the meantime, and one of them makes no sense.
  await source.query(newCall('odd', 'a while'));
  await source.query(newCall('meanwhile'));
  await at().json('adopt', 'backfill', 'shop', '--yes');
  expect(await counted('meanwhile')).toMatchObject({ seconds: 6 });
  expect(await verified()).toEqual({ ...agreed, code: 3, waiting: 1 });
  await source.query(`update shop.phone_calls set seconds = '5' where vapi_call = 'odd'`);
  await follow();
  expect(await counted('odd')).toMatchObject({ seconds: 5 });
  await desk.query('update quota.adopt_dead set next_attempt_at = now()');
  await at().json('jobs', 'adopt-retry');
  expect(await verified()).toEqual(agreed);
});

test('what is written there is followed, and what has changed', async () => {
  await source.query(
    `insert into shop.phone_calls (member_id, vapi_call, state, began) values ('m3', 'fresh', 'running', '2026-11-20 09:00')`,
  );
  expect(await verified()).toEqual({ ...agreed, behind: 1 });
  expect(await follow()).toMatchObject({ left: 0 });
  expect(await counted('fresh')).toMatchObject({ status: 'active' });
  await source.query(
    `update shop.phone_calls set state = 'ended', ended = began + interval '33 seconds' where vapi_call = 'fresh'`,
  );
  await follow();
  expect(await counted('fresh')).toEqual({ status: 'completed', seconds: 33 });
  expect(await verified()).toEqual(agreed);
  expect(await at().json('adopt', 'status', 'shop')).toMatchObject([
    { sources: [{ isRemote: true, isStale: false, staged: null, followError: null }, {}, {}] },
  ]);
});

test('an assistant that no row there has any more is gone, and one is of whose row has it', async () => {
  await source.query(`update shop.bots set vapi_id = 'other' where bot_id = 1;
    update shop.bots set vapi_id = 'bot-' || 5 - bot_id where bot_id in (2, 3); delete from shop.bots where bot_id = 4`);
  await follow();
  expect(
    await desk.query(`select a.provider_assistant_id as id, u.external_id as of, a.state from quota.assistants a
      join quota.users u on u.id = a.user_id where a.provider_assistant_id ~ '^(bot-[1-4]|other)$' order by 1`),
  ).toEqual([
    { id: 'bot-1', of: 'm1', state: 'gone' },
    { id: 'bot-2', of: 'm3', state: 'active' },
    { id: 'bot-3', of: 'm2', state: 'active' },
    { id: 'bot-4', of: 'm4', state: 'gone' },
    { id: 'other', of: 'm1', state: 'active' },
  ]);
});

test('what another version has installed follows an update, and how it reads there the next attachment or backfill', async () => {
  const renewed = async () => (await desk.json('db', 'migrate')).renewed;
  const attach = async () => (await at().json('adopt', 'attach', desk.path('shop.yaml'), '--yes')).auditId;
  const calls = `from quota.adopt_sources where product = 'shop' and kind = 'calls'`;
  const makeOlder = () =>
    desk.query(`do $$ begin
      execute (select format('create or replace function quota_adopt.source_%s_take(p_keys text[]) returns text[]
        language plpgsql as ''begin return null; end''', s.id) from quota.adopt_sources s where s.id = (select id ${calls}));
      execute (select format('comment on function quota_adopt.source_%s_take(text[]) is %L', id, 'older') ${calls});
      end $$`);
  const readOlder = () =>
    desk.query(
      `update quota.adopt_sources set reading = jsonb_set(reading, '{columns,duration_seconds}', '"0"') where id = (select id ${calls})`,
    );
  expect(await attach()).toBeNull();
  expect(await renewed()).toBeUndefined();
  await makeOlder();
  expect(await renewed()).toEqual(['shop']);
  expect(await renewed()).toBeUndefined();
  await readOlder();
  expect(await renewed()).toBeUndefined();
  expect(await attach()).not.toBeNull();
  expect(await attach()).toBeNull();
  await makeOlder();
  await readOlder();
  await at().json('adopt', 'backfill', 'shop', '--yes');
  await source.query(newCall('renewed', '12'));
  await follow();
  expect(await counted('renewed')).toMatchObject({ seconds: 12 });
  expect(await attach()).toBeNull();
  expect(await verified()).toEqual(agreed);
});

test('a row whose transaction commits after later ones were read is found, and each is counted once', async () => {
  await source.session(async (late) => {
    await late.query('begin');
    await late.query(newCall('late'));
    await source.query(newCall('early'));
    await follow();
    expect([await counted('early'), await counted('late')]).toMatchObject([{ seconds: 6 }, undefined]);
    await late.query('commit');
  });
  await follow('--page-rows', '150');
  expect(await counted('late')).toMatchObject({ seconds: 6 });
  expect(await verified()).toEqual(agreed);
});

test('rows that cannot be read or understood wait, and are taken once they can be', async () => {
  await source.query(newCall('odder', 'long'));
  await source.query(newCall('whose', '5', 'nobody'));
  await source.query(newCall('plain'));
  await follow();
  expect(await counted('plain')).toMatchObject({ seconds: 6 });
  expect(await desk.query('select reason, is_unread as unread from quota.adopt_dead order by key')).toEqual([
    { reason: expect.stringContaining('"long"'), unread: true },
    { reason: expect.stringContaining('"nobody"'), unread: false },
  ]);
  // Changed behind the back of updated_at, and long after anybody looks there.
  await source.query(`alter table shop.phone_calls disable trigger touch;
    update shop.phone_calls set seconds = '8', updated_at = '2026-01-01' where vapi_call = 'odder'`);
  await source.query(`insert into shop.members values ('nobody', 'n@example.com', '2026-11-01')`);
  await desk.query('update quota.adopt_dead set next_attempt_at = now()');
  await follow();
  await desk.query('update quota.adopt_dead set next_attempt_at = now()');
  await at().json('jobs', 'adopt-retry');
  expect([await counted('odder'), await counted('whose')]).toMatchObject([{ seconds: 8 }, { seconds: 5 }]);
  expect(await verified()).toEqual(agreed);
});

test('what is deleted there is missed by verify, and taken back by a backfill that compares all', async () => {
  await source.query('delete from shop.phone_calls where id = 7');
  await follow();
  expect(await verified()).toMatchObject({ code: 3, differing: 1 });
  await at().json('adopt', 'backfill', 'shop', '--again', '--yes');
  expect(await verified()).toEqual(agreed);
});

test('a database that is away, or another one, is said, and no password is', async () => {
  const away = desk.with({ env: { QUOTA_SOURCE_URL: 'postgres://eve:Wv9-away@127.0.0.1:1/shop' } });
  const other = desk.with({ env: { QUOTA_SOURCE_URL: desk.url } });
  for (const [words, code, said] of [
    [['jobs', 'adopt-follow'], 69, '127.0.0.1'],
    [['adopt', 'verify', 'shop'], 69, '127.0.0.1'],
  ] as const) {
    const answer = await away.run(...words);
    expect(answer).toMatchObject({ code, stderr: expect.stringContaining(said) });
    expect(answer.stderr + answer.stdout).not.toContain('Wv9');
  }
  expect(await other.run('adopt', 'verify', 'shop')).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('was attached in the database'),
  });
  expect(await desk.run('adopt', 'backfill', 'shop', '--yes')).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('QUOTA_SOURCE_URL'),
  });
  expect(JSON.stringify(await desk.query('select follow_error from quota.adopt_sources'))).toContain(
    '127.0.0.1',
  );
  for (const table of ['adopt_products', 'adopt_sources', 'audit_log', 'job_runs']) {
    const kept = await desk.query(`select to_jsonb(t)::text as kept from quota.${table} t`);
    expect(JSON.stringify(kept)).not.toContain('Wv9');
  }
});

test('let go, nothing of it is left but what was counted', async () => {
  await at().json('adopt', 'detach', 'shop', '--yes');
  expect(
    await desk.query(
      `select count(*)::int as left from pg_class where relnamespace = 'quota_adopt'::regnamespace`,
    ),
  ).toEqual([{ left: 0 }]);
  expect(await follow()).toMatchObject({ due: 0, done: 0 });
});

test('what cannot be followed is refused, by line', async () => {
  const refused = async (mapping: string) =>
    (await at().json(65, 'adopt', 'check', mapped(mapping))).error.problems.map(
      ({ message }: { message: string }) => message,
    );
  expect(
    await refused(
      `${remoteMapping.replace('follow: updated_at', 'follow: state')}mirror:
  table: members
  meter: voice_seconds
  user: member_id
  columns: { mail: "q.used::text" }
`,
    ),
  ).toEqual([
    expect.stringContaining('only an instant or a number'),
    expect.stringContaining('cannot follow'),
  ]);
  expect(await refused(remoteMapping.replace('seconds: seconds', 'seconds: { sql: random() }'))).toEqual([
    expect.stringContaining('random has a side effect'),
  ]);
  expect(
    await refused(remoteMapping.replace('seconds: seconds', `seconds: { sql: "nextval('x')" }`)),
  ).toHaveLength(1);
});

test('rows that row security hides from the login are not left out in silence', async () => {
  const read = () => at().run('adopt', 'check', mapped());
  await source.query(`alter table shop.members enable row level security;
    create policy own on shop.members using (member_id = current_setting('shop.member', true))`);
  expect(await read()).toMatchObject({
    code: 65,
    stderr: expect.stringContaining('users.table: row security may hide rows of shop.members'),
  });
  await source.query('create policy whole on shop.members for select using (true)');
  expect(await read()).toMatchObject({ code: 0 });
  await source.query('create policy but on shop.members as restrictive using (member_id is not null)');
  expect(await read()).toMatchObject({ code: 65 });
  await source.query(
    'drop policy but on shop.members; drop policy whole on shop.members; drop policy own on shop.members',
  );
});
