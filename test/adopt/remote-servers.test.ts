import { expect, test } from 'vitest';
import { query } from '../database.ts';
import { otherVersions } from '../db/servers/binaries.ts';
import { startPostgres } from '../db/servers/postgres-server.ts';
import { useDeskPerTest } from '../desk/desk.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDeskPerTest({ asOf: now });
const agreed = { code: 0, differing: 0, waiting: 0, behind: 0, unfinished: [], differences: [] };

const tables = `
  create schema depot;
  create table depot.agents (tenant int, handle text, mail text, joined timestamptz not null, minutes_allowed int, primary key (tenant, handle));
  create sequence depot.revisions;
  create table depot.talks (tenant int, no int, handle text not null, began timestamptz not null, seconds numeric, void boolean not null default false,
    rev bigint not null default nextval('depot.revisions'), primary key (tenant, no));
  create index on depot.talks (rev);
  create function depot.touch() returns trigger language plpgsql as $$ begin new.rev := nextval('depot.revisions'); return new; end $$;
  create trigger touch before update on depot.talks for each row execute function depot.touch();
  create table depot.notes (tenant int, no int, handle text not null, sent timestamptz not null, llm text, primary key (tenant, no));
  create table depot.counters (tenant int, handle text, month text, used_seconds numeric not null, primary key (tenant, handle, month));
  insert into depot.agents select n % 3, 'a' || n, 'a' || n || '@depot.example', timestamptz '2026-01-04 10:00Z' + n * interval '1 day',
    case when n = 2 then 3 end from generate_series(1, 12) n;
  insert into depot.talks select n % 12 % 3, n, 'a' || case n % 12 when 0 then 12 else n % 12 end, timestamptz '2026-11-19 10:00Z' - n * interval '7 hours', n % 50
  from generate_series(1, 300) n;
  insert into depot.notes select n % 3, n, 'a' || n, timestamptz '2026-11-19 10:00Z', 'gpt-4o' from generate_series(1, 12) n;
  insert into depot.counters select t.tenant, t.handle, '2026-11', sum(t.seconds) + 40 from depot.talks t
  where t.began >= '2026-11-01' and t.handle in ('a1', 'a2') group by 1, 2`;

/** Keys of several columns, a number that grows with each change, tables that are read as a whole, counters. */
const mapping = `product: depot
schema: depot
users:
  table: agents
  key: [tenant, handle]
  follow: all
  columns: { user: { sql: "r.tenant || ':' || r.handle" }, email: mail, signup_at: joined, plan: { value: avatar-monthly } }
calls:
  - table: talks
    key: [tenant, "no"]
    follow: rev
    where: not r.void
    on_delete: remove
    columns:
      service: { value: avatar }
      user: { sql: "r.tenant || ':' || r.handle" }
      started_at: began
      duration_seconds: seconds
  - table: notes
    key: [tenant, "no"]
    follow: all
    on_delete: remove
    columns: { service: { value: chat }, user: { sql: "r.tenant || ':' || r.handle" }, model: llm, started_at: sent, messages: { value: "1" } }
figures:
  table: counters
  meter: avatar_seconds
  user: { sql: "r.tenant || ':' || r.handle" }
  used: used_seconds
  at: { sql: "(r.month || '-15')::date" }
  opening: true
limits:
  table: agents
  meter: avatar_seconds
  where: r.minutes_allowed is not null
  columns: { user: { sql: "r.tenant || ':' || r.handle" }, limit: { sql: "r.minutes_allowed * 60" } }
`;

test.each([15, 16, 17, undefined] as const)(
  'tables on a server of another version, %s, are taken over and followed',
  async (major) => {
    expect(Object.keys(otherVersions)).toEqual(['15', '16', '17']);
    const server = await startPostgres(major === undefined ? {} : { major });
    try {
      await server.run('create database depot');
      const url = server.url('depot');
      const app = (sql: string) => query(url, sql);
      await app(tables);
      await app(
        `create role reader login; grant usage on schema depot to reader; grant select on all tables in schema depot to reader`,
      );
      const at = desk.with({ env: { QUOTA_SOURCE_URL: url } });
      const verified = async () => {
        const { code, data } = await at.answer('adopt', 'verify', 'depot');
        expect(await desk.differences()).toEqual([]);
        return { code, ...data };
      };
      // A table is looked at once in an instant.
      let minutes = 0;
      const follow = () => {
        minutes += 1;
        return at.at(new Date(Date.parse(now) + minutes * 60_000).toISOString()).json('jobs', 'adopt-follow');
      };
      await at.json('adopt', 'attach', desk.write('depot.yaml', mapping), '--yes');
      await app(`insert into depot.talks values (1, 1000, 'a1', '2026-11-20 09:00Z', 11);
        update depot.counters set used_seconds = used_seconds + 11 where handle = 'a1'`);
      await at.json('adopt', 'backfill', 'depot', '--yes', '--batch-size', '50');
      expect(await verified()).toMatchObject(agreed);
      expect(
        await desk.query(`select u.external_id as user, a.quantity::int as seconds from quota.adjustments a join quota.users u on u.id = a.user_id
          where a.kind = 'opening' order by 1`),
      ).toEqual([
        { user: '1:a1', seconds: 40 },
        { user: '2:a2', seconds: 40 },
      ]);

      // New rows, changed ones, others' ones; of a table that is read as a whole, deleted ones.
      await app(`insert into depot.agents values (7, 'late', 'late@depot.example', '2026-11-19 10:00Z', null);
        insert into depot.talks select 7, 2000 + n, 'late', timestamptz '2026-11-20 10:00Z', n from generate_series(1, 40) n;
        update depot.talks set seconds = seconds + 0.5 where no between 50 and 60;
        update depot.talks set void = true where no between 61 and 65;
        update depot.talks set tenant = 0, handle = 'a3' where no = 70;
        delete from depot.notes where no = 3;
        insert into depot.notes values (7, 77, 'late', '2026-11-20 10:00Z', 'claude-sonnet');
        delete from depot.counters`);
      await follow();
      await desk.query('update quota.adopt_dead set next_attempt_at = quota.now()');
      await at.json('jobs', 'adopt-retry');
      await follow();
      // Row 70 has another key now, and its former one is gone: a key that grows cannot tell.
      await at.json('adopt', 'backfill', 'depot', '--again', '--yes');
      expect(await verified()).toMatchObject(agreed);
      await at.json('adopt', 'authority', 'depot', 'quota', '--yes');
      expect(
        await desk.query(`select q.limit_quantity::int as limit from quota.usage_quotas q join quota.users u on u.id = q.user_id
          where u.external_id = '2:a2' and q.meter = 'avatar_seconds' and quota.contains(q, '${now}')`),
      ).toEqual([{ limit: 180 }]);
      await app(`insert into depot.talks values (1, 3000, 'a1', '2026-11-20 11:00Z', 7)`);
      await follow();
      expect(await verified()).toMatchObject(agreed);
      await at.json('adopt', 'detach', 'depot', '--yes');
    } finally {
      await server.stop();
    }
  },
);
