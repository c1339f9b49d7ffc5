import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDesk({ asOf: now });
const agreed = { differing: 0, waiting: 0 };

// Built unlike the five that are documented: a mapping is all that they need.
test.each([
  { product: 'podcast', retried: 0 },
  { product: 'tutor', retried: 1 },
  { product: 'dialer', retried: 0 },
])('$product is counted to the row, decided about, and let go as it was', async ({ product, retried }) => {
  const file = (ending: string) => `fixtures/adopt/kinds/${product}.${ending}`;
  const triggers = () =>
    desk.query(`select tgrelid::regclass::text as on, tgname from pg_trigger t
      join pg_class c on c.oid = t.tgrelid where not tgisinternal and c.relnamespace <> 'quota'::regnamespace`);
  await desk.queryAt(now, readFileSync(file('sql'), 'utf8'));
  const before = await triggers();
  expect(await desk.answer('adopt', 'check', file('yaml'))).toMatchObject({ code: 0 });
  await desk.json('adopt', 'attach', file('yaml'), '--yes');
  await desk.json('adopt', 'backfill', product, '--yes');
  expect(await desk.json('adopt', 'verify', product)).toMatchObject(agreed);
  await desk.queryAt(now, readFileSync(file('writes.sql'), 'utf8'));
  expect(await desk.json('jobs', 'adopt-retry')).toMatchObject({ due: retried, left: 0 });
  expect(await desk.json('adopt', 'verify', product)).toMatchObject(agreed);
  await desk.json('adopt', 'authority', product, 'quota', '--yes');
  expect(await desk.json('adopt', 'backfill', product, '--again', '--yes')).toMatchObject({ retried: 0 });
  expect(await desk.json('adopt', 'verify', product)).toMatchObject(agreed);
  expect(await desk.differences()).toEqual([]);
  await desk.json('adopt', 'detach', product, '--yes');
  expect(await triggers()).toEqual(before);
});

test('who was erased is not made anew by what the app still has of them, nor by a backfill', async () => {
  const file = 'fixtures/adopt/kinds/tutor.yaml';
  await desk.json('adopt', 'attach', file, '--yes');
  await desk.json('adopt', 'backfill', 'tutor', '--yes');
  await desk.json('user', 'erase', '5', '--yes', '--reason', 'asked for it');
  await desk.queryAt(
    now,
    `update tutor.learners set contact = 'again@x.example' where id = 5;
     insert into tutor.turns (learner, at_ms, usage)
     select 5, extract(epoch from timestamptz '2026-11-20 11:59Z') * 1000, '{"messages": 2}' from generate_series(1, 3);
     insert into tutor.turns (learner, at_ms, usage)
     values (5, extract(epoch from timestamptz '2026-11-20 11:59Z') * 1000, '{"messages": 2}')`,
  );
  await desk.json('adopt', 'backfill', 'tutor', '--again', '--yes');
  expect(
    await desk.query(`select from quota.users where external_id = '5' or email = 'again@x.example'`),
  ).toEqual([]);
  expect(await desk.query('select * from quota.adopt_dead')).toEqual([]);
  expect(await desk.json('adopt', 'verify', 'tutor')).toMatchObject(agreed);
  // By hand they may come back.
  await desk.json('user', 'add', '5', '--yes');
  await desk.json('adopt', 'backfill', 'tutor', '--again', '--yes');
  expect(await desk.query(`select email from quota.users where external_id = '5'`)).toEqual([
    { email: 'again@x.example' },
  ]);
});

test('what another version has installed is renewed, and nothing is backfilled anew', async () => {
  const file = 'fixtures/adopt/kinds/podcast.yaml';
  await desk.json('adopt', 'attach', file, '--yes');
  await desk.json('adopt', 'backfill', 'podcast', '--yes');
  const attach = async () => (await desk.json('adopt', 'attach', file, '--yes')).auditId;
  expect(await attach()).toBeNull();
  await desk.query(`do $$ begin
    execute (select format('comment on function %s is %L', p.oid::regprocedure, 'older')
      from pg_proc p where p.proname like 'source%live' order by p.oid desc limit 1);
    end $$`);
  await desk.query(`create table "Media Lab".later partition of "Media Lab"."RenderJobs"
    for values from ('2027-01-01') to ('2027-02-01')`);
  expect(await attach()).not.toBeNull();
  expect(await attach()).toBeNull();
  expect(
    await desk.query(
      `select count(*)::integer as n from pg_trigger where tgrelid = '"Media Lab".later'::regclass and tgname ~ '^quota'`,
    ),
  ).toEqual([{ n: 3 }]);
  expect(
    await desk.query(
      `select from quota.adopt_sources where product = 'podcast' and is_attached and backfilled_at is null`,
    ),
  ).toEqual([]);
});

test('what another version has installed follows an update, and a backfill that is under way goes on', async () => {
  const file = 'fixtures/adopt/kinds/dialer.yaml';
  await desk.json('adopt', 'attach', file, '--yes');
  await desk.json('adopt', 'backfill', 'dialer', '--yes');
  const renewed = async () => (await desk.json('db', 'migrate')).renewed;
  const makeOlder = () =>
    desk.query(`do $$ begin
      execute (select format('comment on function quota_adopt.source_%s_live() is %L', s.id, 'older')
        from quota.adopt_sources s where s.product = 'dialer' and s.kind = 'calls');
      end $$`);
  expect(await renewed()).toBeUndefined();
  await makeOlder();
  expect(await renewed()).toEqual(['dialer']);
  expect(await renewed()).toBeUndefined();
  // Half way through, as a version before had laid it out.
  await desk.query(`update quota.adopt_sources set backfilled_to = null, backfilled_at = null
    where product = 'dialer' and kind = 'calls'`);
  const [{ id }] = (await desk.query(
    `select id from quota.adopt_sources where product = 'dialer' and kind = 'calls'`,
  )) as [{ id: number }];
  await desk.query(`select quota.lay_out_source(${id}); select quota.backfill_source(${id}, 1);
    alter table quota_adopt.work_${id} drop column log_id`);
  await makeOlder();
  await desk.json('adopt', 'backfill', 'dialer', '--yes');
  expect(await renewed()).toBeUndefined();
  expect(await desk.json('adopt', 'verify', 'dialer')).toMatchObject(agreed);
  expect(await desk.differences()).toEqual([]);
  await desk.json('adopt', 'detach', 'dialer', '--yes');
});
