import { readFileSync, statSync, symlinkSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Desk, useDesk, useDeskPerTest } from '../desk/desk.ts';
import { Logins } from './logins.ts';

describe('a row of the history', () => {
  const desk = useDesk();
  const logins = new Logins(desk);
  let [operator, finance] = ['', ''];
  beforeAll(async () => {
    operator = await logins.add('operator', 'operator');
    finance = await logins.add('finance', 'finance');
    await desk.addUser({ externalId: 'ada' });
  });

  test('takes number, times, transaction and login from nobody who writes it', async () => {
    await desk.query(`insert into quota.audit_log (action) values ('first')`);
    for (const id of ['9223372036854775000', '4711', '-5', '0']) {
      await desk.query(
        `insert into quota.audit_log (id, action, recorded_at, xid, login) overriding system value
         values (${id}, 'forged', '2001-01-01', '3', 'the.cfo')`,
      );
    }
    const rows = await desk.query<{ id: string; login: string; fresh: boolean }>(
      `select id, login, recorded_at > now() - interval '1 hour' and xid::text <> '3' as fresh
       from quota.audit_log where action = 'forged' order by id`,
    );
    expect(rows.map(({ fresh }) => fresh)).toEqual([true, true, true, true]);
    expect(rows.every(({ login }) => login !== 'the.cfo')).toBe(true);
    expect(Math.max(...rows.map(({ id }) => Number(id)))).toBeLessThan(20);
    // Numbers that were to be taken in advance are still to be had.
    await desk.query(`insert into quota.audit_log (action) select 'more' from generate_series(1, 50)`);
  });

  test('by roles holds only what roles may say: no number, no login, their own time and actor', async () => {
    for (const [login, column, value] of [
      [operator, 'id', '17'],
      [finance, 'id', '17'],
      [operator, 'recorded_at', 'now()'],
      [finance, 'xid', `'3'`],
      [operator, 'login', `'the.cfo'`],
    ]) {
      await expect(
        logins.as(
          login ?? '',
          `insert into quota.audit_log (action, ${column}) overriding system value values ('x', ${value})`,
        ),
      ).rejects.toMatchObject({ code: '42501' });
    }
    await logins.as(
      operator,
      `insert into quota.audit_log (action, at, actor) values ('dated', '2001-01-01', 'the.cfo')`,
    );
    const [row] = await desk.query(
      `select actor, login, at > now() - interval '1 hour' as now from quota.audit_log where action = 'dated'`,
    );
    expect(row).toEqual({ actor: operator, login: operator, now: true });
  });

  test('names the login beside the actor, and the command shows it', async () => {
    const as = desk.with({ env: { DATABASE_URL: logins.url(operator), QUOTA_ACTOR: 'the.cfo' } });
    const grant = ['user', 'grant', 'ada', 'voice_seconds', '60', '--reason', 'promo', '--yes'];
    expect((await as.run(...grant)).code).toBe(0);
    const { entries } = await desk.json('audit', 'log', '--action', 'grant');
    expect(entries).toMatchObject([{ action: 'grant.added', actor: 'the.cfo', login: operator }]);
    expect((await desk.run('audit', 'log')).stdout).toContain(operator.slice(0, 12));
  });
});

const verifyOn = async (desk: Desk, ...words: string[]) => {
  const { code, data } = await desk.answer('audit', 'verify', ...words);
  return { code, ...data };
};
const write = (desk: Desk, count: number) =>
  desk.query(
    `insert into quota.audit_log (action, reason, before, after, at, period_end)
     select 'test.done', E'Grüße "\\\\ \\u0001\\u001f\\t\\u2028 \\u00e9 ' || g,
       jsonb_build_object('n', g || '.50', 'list', array[1.10, null, 2], 'ö', E'\\u0007'),
       case when g > 1 then '{"b": {}, "a": [true, 1e-7]}'::jsonb end,
       timestamptz '1969-12-31 23:59:59.5+00' + g * interval '1.000001 s',
       case g when 1 then 'infinity'::timestamptz when 2 then '-infinity' when 3 then '11026-01-01 00:00+00' end
     from generate_series(1, $1) g`,
    [count],
  );

describe('audit verify', () => {
  const desk = useDeskPerTest({}, async (model) => {
    await write(model, 5);
    expect(await verifyOn(model, '--seal')).toMatchObject({ code: 0, ok: true, sealed: 1, bent: [] });
    await write(model, 3);
    expect(await verifyOn(model, '--seal')).toMatchObject({ code: 0, ok: true, sealed: 1 });
  });
  const verify = (...words: string[]) => verifyOn(desk, ...words);
  /** As the owner of the database can, who may switch triggers off. */
  const tamper = (sql: string) =>
    desk.query(`do $$ begin set local session_replication_role = replica; ${sql}; end $$`);

  test('hashes every kind of value as the database seals it, rows without a login too', async () => {
    await tamper('update quota.audit_log set login = null where id < 3; delete from quota.audit_seals');
    expect(await verify('--seal')).toMatchObject({ code: 0, ok: true, rows: '8' });
    expect(await desk.query('select fault from quota.verify_audit()')).toEqual([{ fault: null }]);
    expect(await verify()).toMatchObject({ code: 0, ok: true });
  });

  test.each([
    ['reason', `reason = 'x'`],
    ['actor', `actor = 'x'`],
    ['login', `login = 'x'`],
    ['no login', 'login = null'],
    ['recorded_at', `recorded_at = recorded_at + interval '1 us'`],
    ['period_end', 'period_end = null'],
    ['before', `before = '{}'`],
    ['xid', `xid = '9'`],
  ])('finds a row whose %s was rewritten', async (_, set) => {
    await tamper(`update quota.audit_log set ${set} where id = 1`);
    expect(await verify()).toMatchObject({ code: 3, ok: false, broken: [{ seal: '1' }] });
  });

  test('is not talked out of it by functions that were put in its place', async () => {
    await tamper(`update quota.audit_log set reason = 'never' where id = 2`);
    const [{ text }] = (await desk.query<{ text: string }>(
      `select quota.audit_row_text(a) as text from quota.audit_log a where id = 2`,
    )) as [{ text: string }];
    await desk.query(`create or replace function quota.audit_row_text(a quota.audit_log) returns text
      language sql stable parallel safe as $f$ select case a.id when 2 then '${text.replace('never', 'Grüße')}' else '' end $f$`);
    await desk.query(`create or replace function quota.verify_audit() returns table (
      id bigint, first_id bigint, last_id bigint, sealed_at timestamptz, sealed_rows integer, found_rows integer,
      fault text) language sql stable as $f$ select 1, 1, 1, now(), 1, 1, null limit 0 $f$`);
    // The record of what was installed is theirs to rewrite as well.
    await desk.query('delete from quota.schema_objects');
    const result = await verify();
    expect(result).toMatchObject({ code: 3, ok: false, broken: [{ seal: '1' }] });
    expect(result.bent).toEqual([
      { object: 'function quota.audit_row_text(quota.audit_log)', state: 'changed' },
      { object: 'function quota.verify_audit()', state: 'changed' },
    ]);
    const { stdout } = await desk.run('audit', 'verify');
    expect(stdout).toMatch(/^NOT INTACT[\s\S]*function quota\.verify_audit\(\): not as this version/);
  });

  test.each([
    [
      'alter table quota.audit_log disable trigger audit_log_append_only',
      'trigger audit_log_append_only on quota.audit_log',
      'changed',
    ],
    [
      'drop trigger audit_log_stamped on quota.audit_log',
      'trigger audit_log_stamped on quota.audit_log',
      'missing',
    ],
    [
      'create rule hush as on insert to quota.audit_log do instead nothing',
      'rule hush on quota.audit_log',
      'added',
    ],
    ['drop function quota.audit_frontier()', 'function quota.audit_frontier()', 'missing'],
    [
      `create function public.hush() returns trigger language plpgsql as 'begin return null; end';
       create trigger a_hush before insert on quota.audit_log for each row execute function public.hush()`,
      'trigger a_hush on quota.audit_log',
      'added',
    ],
    ['alter function quota.mark_limited security invoker', 'function quota.mark_limited', 'changed'],
  ])('finds what was bent: %s', async (sql, object, state) => {
    await desk.query(sql);
    const result = await verify();
    expect(result).toMatchObject({ code: 3, ok: false, broken: [] });
    expect(result.bent).toContainEqual({ object: expect.stringContaining(object), state });
    expect(await verify('--seal')).toMatchObject({ code: 3, sealed: 0 });
  });

  test('finds a tail that was taken off with its seals, by what was published', async () => {
    const file = desk.path('seals.jsonl');
    await write(desk, 1);
    const { head } = await verify('--seal', '--to', file);
    await write(desk, 1);
    await verify('--seal', '--to', file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const lines = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([{ database: desk.name, ...head }, { seal: '4' }]);
    expect(await verify('--expect', file)).toMatchObject({ code: 0, ok: true });
    await tamper(`delete from quota.audit_log where id > 9; delete from quota.audit_reasons where audit_id > 9;
      delete from quota.audit_seals where id > 3`);
    expect(await verify()).toMatchObject({ code: 0, ok: true });
    expect(await verify('--expect', file)).toMatchObject({
      code: 3,
      ok: false,
      expected: { hash: lines[1].hash, seal: null },
    });
    expect(await verify('--expect', head.hash)).toMatchObject({ code: 0, ok: true });
  });

  test('finds a gap: a seal and its rows taken out', async () => {
    await tamper('delete from quota.audit_log where id <= 5; delete from quota.audit_seals where id = 1');
    expect(await verify()).toMatchObject({
      code: 3,
      broken: [{ seal: '2', fault: 'seal missing before it' }],
    });
  });

  test('publishes through a command, says when that fails, and follows no link', async () => {
    const file = desk.path('told.jsonl');
    const { head } = await verify('--seal', '--to', `| cat >> ${file}`);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ hash: head.hash });
    await write(desk, 1);
    const failed = await desk.run('audit', 'verify', '--seal', '--to', '| echo no room >&2; exit 7');
    expect(failed).toMatchObject({ code: 69, stderr: expect.stringContaining('ended with 7: no room') });
    expect(failed.stderr).toMatch(/its head is [0-9a-f]{64}/);
    symlinkSync(desk.write('victim', 'as it was'), desk.path('link'));
    expect((await desk.run('audit', 'verify', '--to', desk.path('link'))).code).toBe(69);
    expect(readFileSync(desk.path('victim'), 'utf8')).toBe('as it was');
    expect((await desk.run('audit', 'verify', '--expect', desk.path('victim'))).code).toBe(65);
  });

  test('whoever may seal cannot seal beyond what is complete', async () => {
    await desk.session(async (writer) => {
      await writer.query('begin');
      await writer.query(`insert into quota.audit_log (action) values ('late')`);
      await write(desk, 2);
      expect(await desk.query('select quota.seal_audit(9223372036854775807, 1) as sealed')).toEqual([
        { sealed: 0 },
      ]);
      await writer.query('commit');
    });
    expect(await verify('--seal')).toMatchObject({ code: 0, ok: true, rows: '11' });
  });
});
