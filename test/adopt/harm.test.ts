import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { voiceMapping } from './voice-mapping.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDeskPerTest({ asOf: now }, async (model) => {
  await model.queryAt(now, readFileSync('fixtures/adopt/voice-app.sql', 'utf8'));
  await model.query('delete from shop.phone_calls where id > 40');
  await model.json('adopt', 'attach', model.write('shop.yaml', voiceMapping), '--yes');
  await model.json('adopt', 'backfill', 'shop', '--yes');
});

/** What the app does in the meantime: none of it may fail. */
async function appWrites(): Promise<void> {
  const write = (sql: string) => desk.queryAt(now, sql);
  await write(
    `insert into shop.phone_calls (member_id, began, ended) values ('m5', '2026-11-20 09:00', '2026-11-20 09:01')`,
  );
  await write(`insert into shop.phone_calls (member_id, began, ended)
    select 'm' || n, '2026-11-20 09:10', '2026-11-20 09:10:07' from generate_series(1, 5) n`);
  await write(`update shop.phone_calls set seconds = '3' where id = 11`);
  await write('delete from shop.phone_calls where id = 12');
  await write(`insert into shop.members values ('late', 'late@example.com', '2026-11-20 09:00')`);
}
const agreed = async () => {
  const { code, data } = await desk.answer('adopt', 'verify', 'shop');
  expect(await desk.differences()).toEqual([]);
  return { code, differing: data.differing, waiting: data.waiting, differences: data.differences };
};
const nothing = { code: 0, differing: 0, waiting: 0, differences: [] };

const harms: Record<string, { harm: string; mend: string; again?: true }> = {
  'a table of ours is gone': {
    harm: 'alter table quota.adopt_links rename to lost',
    mend: 'alter table quota.lost rename to adopt_links',
  },
  'the table of what could not be counted is gone, too': {
    harm: 'alter table quota.adopt_links rename to lost; alter table quota.adopt_dead rename to dead',
    mend: 'alter table quota.lost rename to adopt_links; alter table quota.dead rename to adopt_dead',
    again: true,
  },
  'a table of usage is gone': {
    harm: 'alter table quota.usage_quotas rename to lost',
    mend: 'alter table quota.lost rename to usage_quotas',
  },
  'a function is gone': {
    harm: 'alter function quota.take_calls rename to lost; alter function quota.take_users rename to lost_users',
    mend: 'alter function quota.lost rename to take_calls; alter function quota.lost_users rename to take_users',
  },
  'the types are gone': {
    harm: 'alter type quota.adopted_call rename to lost',
    mend: 'alter type quota.lost rename to adopted_call',
  },
  'the whole schema is gone': {
    harm: 'alter schema quota rename to lost',
    mend: 'alter schema lost rename to quota',
    again: true,
  },
  'a trigger of ours fails': {
    harm: `create function public.fail() returns trigger language plpgsql as $$ begin assert false, 'broken'; end $$;
      create trigger broken before insert or update on quota.call_logs for each row execute function public.fail()`,
    mend: 'drop trigger broken on quota.call_logs',
  },
  'a constraint refuses everything': {
    harm: 'alter table quota.call_logs add constraint narrow check (duration_seconds < 2) not valid',
    mend: 'alter table quota.call_logs drop constraint narrow',
  },
  'the functions of the source are broken': {
    harm: 'alter table shop.phone_calls rename column seconds to spoken; alter table shop.phone_calls add seconds text',
    mend: 'update shop.phone_calls set spoken = seconds where seconds is not null; alter table shop.phone_calls drop seconds; alter table shop.phone_calls rename column spoken to seconds',
  },
};

test.each(Object.entries(harms))('the app goes on while %s, and is counted later', async (_name, harm) => {
  await desk.query(harm.harm);
  await appWrites();
  await desk.query(harm.mend);
  if (harm.again) {
    await desk.json('adopt', 'backfill', 'shop', '--again', '--yes');
  }
  await desk.queryAt('2026-11-20T14:00:00Z', 'select * from quota.retry_dead(100)');
  expect(await agreed()).toEqual(nothing);
  expect(await desk.query(`select from quota.users where external_id = 'late'`)).toHaveLength(1);
});

test('a session of the app may be set as it likes, and may nothing of ours', async () => {
  await desk.query(`do $$ begin create role shopkeeper; exception when duplicate_object then null; end $$`);
  await desk.query('grant usage on schema shop to shopkeeper');
  await desk.query('grant all on all tables in schema shop to shopkeeper');
  await desk.session(async (client) => {
    await client.query(`create schema trap; create function trap.now() returns timestamptz language plpgsql as
      $$ begin raise exception 'trapped'; end $$; grant usage on schema trap to shopkeeper`);
    await client.query(`set search_path = trap, shop, pg_catalog`);
    await client.query(
      `set datestyle = 'German'; set timezone = 'Asia/Tokyo'; set intervalstyle = 'sql_standard'`,
    );
    await client.query('set role shopkeeper');
    await client.query(`insert into shop.phone_calls (member_id, began, ended, vapi_call)
      values ('m6', '20.11.2026 09:00', '20.11.2026 09:00:42', 'set-apart')`);
    await expect(client.query('select * from quota.call_logs')).rejects.toThrow('permission denied');
  });
  expect(
    await desk.query(
      `select started_at, duration_seconds from quota.call_logs where provider_call_id = 'set-apart'`,
    ),
  ).toEqual([{ started_at: new Date('2026-11-20T08:00:00Z'), duration_seconds: '42.000' }]);
});

test('a lock of ours holds the app up for a moment only', async () => {
  await desk.session(async (client) => {
    await client.query('begin');
    await client.query('select from quota.subscriptions for no key update');
    await desk.queryAt(
      now,
      `insert into shop.phone_calls (member_id, began, ended) values ('m5', '2026-11-20 09:00', '2026-11-20 09:01')`,
    );
    expect(await desk.query('select reason from quota.adopt_dead')).toEqual([
      { reason: 'canceling statement due to lock timeout' },
    ]);
    await client.query('rollback');
  });
  await desk.json('jobs', 'adopt-retry');
  expect(await agreed()).toEqual(nothing);
});

test.each([
  ['a few rows that has waited for ours goes on', 'id = 11', null],
  ['many rows is heard', 'true', '57014'],
])('a cancel of a statement of %s', async (_, which, code) => {
  await desk.queryAt(
    now,
    `insert into shop.phone_calls (member_id, began, ended)
     select 'm1', '2026-11-20 09:10', '2026-11-20 09:10:07' from generate_series(1, 100)`,
  );
  await desk.query(`alter function quota_adopt.source_3_live() set lock_timeout = '1min'`);
  await desk.session(async (holder) => {
    await holder.query('begin');
    await holder.query('select from quota.adopt_links for update');
    const written = desk.session(async (client) => {
      await client.query(`set quota.as_of = '${now}'`);
      return client.query(`update shop.phone_calls set seconds = '17' where ${which}`).then(
        () => null,
        (error) => error.code,
      );
    });
    await desk.untilLocked();
    const [waiting] = (await desk.sessions()).filter(({ waitsForLock }) => waitsForLock);
    await desk.query('select pg_sleep(0.3), pg_cancel_backend($1)', [waiting?.pid]);
    expect(await written).toBe(code);
    await holder.query('rollback');
  });
  await desk.json('jobs', 'adopt-retry');
  expect(await agreed()).toEqual(nothing);
});

test('a row whose key changes while its call cannot be held is counted once, under its new key', async () => {
  await desk.query('alter table shop.phone_calls alter id set generated by default');
  const waiting = () => desk.query('select key, operation from quota.adopt_dead order by 1');
  await desk.session(async (client) => {
    await client.query('begin');
    await client.query('select from quota.subscriptions for no key update');
    await desk.queryAt(now, 'update shop.phone_calls set id = id + 1000 where id = 11');
    expect(await waiting()).toEqual([
      { key: '1011', operation: 'take' },
      { key: '11', operation: 'remove' },
    ]);
    await client.query('rollback');
  });
  // Of several, one cannot be understood: the others are let go of under their former keys, too.
  await desk.queryAt(
    now,
    `update shop.phone_calls set id = id + 2000, seconds = case when id = 14 then 'sixty' else seconds end where id in (13, 14, 15)`,
  );
  expect(await waiting()).toMatchObject([{ key: '1011' }, { key: '11' }, { key: '2014', operation: 'take' }]);
  await desk.queryAt(now, `update shop.phone_calls set seconds = '60' where id = 2014`);
  await desk.queryAt('2026-11-20T14:00:00Z', 'select * from quota.retry_dead(100)');
  expect(await agreed()).toEqual(nothing);
  expect(
    await desk.query(`select key from quota.adopt_links l join quota.adopt_sources s on s.id = l.source and s.kind = 'calls'
      where l.call_log_id is not null and (l.key::bigint > 1000 or l.key in ('11', '13', '14', '15')) order by key::bigint`),
  ).toEqual([{ key: '1011' }, { key: '2013' }, { key: '2014' }, { key: '2015' }]);
});
