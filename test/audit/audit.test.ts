import { beforeEach, describe, expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';

const desk = useDeskPerTest();

const run = (args: string[]) => desk.run('audit', ...args);
const verify = async (...args: string[]) => {
  const { code, data } = await desk.answer('audit', 'verify', ...args);
  return { code, ...data };
};
const write = (count: number) =>
  desk.query(
    `insert into quota.audit_log (action, reason, before, after)
     select 'test.done', 'Grüße ' || g, jsonb_build_object('n', g || '.50'), jsonb_build_object('n', null)
     from generate_series(1, $1) g`,
    [count],
  );
const late = `insert into quota.audit_log (action) values ('test.late')`;
/** As somebody who may switch triggers off, which is whom seals are for. */
const tamper = async (sql: string) => {
  await desk.query(`do $$ begin set local session_replication_role = replica; ${sql}; end $$`);
};

describe('seals', () => {
  test('hold, chain, and tell how far they reach', async () => {
    expect(await verify()).toMatchObject({
      code: 0,
      ok: true,
      seals: 0,
      rows: '0',
      unsealedRows: '0',
      head: null,
    });
    await write(3);
    expect(await verify()).toMatchObject({ code: 0, ok: true, seals: 0, unsealedRows: '3', sealed: 0 });
    const first = await verify('--seal');
    expect(first).toMatchObject({ code: 0, ok: true, seals: 1, rows: '3', unsealedRows: '0', sealed: 1 });
    expect(first.head).toMatchObject({
      seal: '1',
      lastId: '3',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    await write(2);
    const second = await verify('--seal');
    expect(second).toMatchObject({ seals: 2, rows: '5', sealed: 1 });
    expect(await verify('--seal')).toMatchObject({ seals: 2, sealed: 0, head: second.head });
    expect(await verify('--expect', first.head.hash.toUpperCase())).toMatchObject({
      code: 0,
      expected: { hash: first.head.hash, seal: '1' },
    });
  });

  test('cover many rows a piece', async () => {
    await write(20_001);
    expect(await verify('--seal')).toMatchObject({ seals: 3, rows: '20001', head: { lastId: '20001' } });
    expect(await verify()).toMatchObject({ code: 0, ok: true });
  });

  test('are the same in every session', async () => {
    await write(2);
    await verify('--seal');
    const [row] = await desk.query(`with set as materialized (
         select set_config('TimeZone', 'Asia/Kolkata', false), set_config('DateStyle', 'German', false),
           set_config('IntervalStyle', 'iso_8601', false), set_config('extra_float_digits', '0', false),
           set_config('bytea_output', 'escape', false))
       select v.fault from set, quota.verify_audit() v`);
    expect(row).toEqual({ fault: null });
  });

  test('do not reach over what is not committed yet', async () => {
    await desk.session(async (writer) => {
      await writer.query('begin');
      await writer.query(late);
      await write(1);
      const sealing = verify('--seal');
      await desk.untilLocked();
      await writer.query('commit');
      expect(await sealing).toMatchObject({ ok: true, rows: '2', unsealedRows: '0' });
    });
    expect(await verify()).toMatchObject({ code: 0, ok: true, rows: '2' });
  });

  test('reach as far as the log was complete, not over what came since', async () => {
    await write(2);
    const [{ frontier } = { frontier: '' }] = await desk.query<{ frontier: string }>(
      'select quota.audit_frontier() as frontier',
    );
    await write(1);
    await desk.query('select quota.seal_audit($1)', [frontier]);
    expect(await desk.query('select last_id, row_count from quota.audit_seals')).toEqual([
      { last_id: frontier, row_count: 2 },
    ]);
    expect(await verify()).toMatchObject({ code: 0, seals: 1, unsealedRows: '1' });
  });

  test('give up on writers that do not end, and hold nobody for long', async () => {
    await desk.session(async (writer) => {
      await writer.query('begin');
      await writer.query(late);
      expect(await run(['verify', '--seal'])).toMatchObject({ code: 75, stdout: '' });
      await writer.query('commit');
    });
    await write(1);
    expect(await verify('--seal')).toMatchObject({ code: 0, rows: '2' });
  });
});

describe('tampering shows', () => {
  beforeEach(async () => {
    for (let seal = 0; seal < 3; seal += 1) {
      await write(4);
      await verify('--seal');
    }
  });

  test.each([
    ['a row changed', `update quota.audit_log set reason = 'x' where id = 6`, '2', 'rows changed, or a seal'],
    [
      'a row re-dated',
      `update quota.audit_log set at = at + interval '1 us' where id = 1`,
      '1',
      'rows changed, or a seal',
    ],
    ['a row removed', 'delete from quota.audit_log where id = 6', '2', 'rows removed'],
    [
      'a row put in place of another',
      `update quota.audit_log set id = default where id = 6; insert into quota.audit_log (id, action) overriding system value values (6, 'a')`,
      '2',
      'rows changed, or a seal',
    ],
    ['a seal removed', 'delete from quota.audit_seals where id = 2', '3', 'seal missing before it'],
    ['the first seal removed', 'delete from quota.audit_seals where id = 1', '2', 'seal missing before it'],
    [
      'a seal rewritten',
      `update quota.audit_seals set digest = sha256('x') where id = 2`,
      '2',
      'rows changed, or a seal',
    ],
  ])('%s', async (_, sql, seal, fault) => {
    await tamper(sql);
    const result = await verify();
    expect(result).toMatchObject({ code: 3, ok: false });
    expect(result.broken[0]).toMatchObject({ seal, fault });
    const before = await desk.snapshot();
    expect(await verify('--seal')).toMatchObject({ code: 3, sealed: 0 });
    expect(await desk.snapshot()).toEqual(before);
    const { stdout } = await run(['verify']);
    expect(stdout).toMatch(/^NOT INTACT/);
    expect(stdout).not.toContain('head');
  });

  test('a chain made anew is found out by a head that was kept', async () => {
    const { head } = await verify();
    await tamper(`update quota.audit_log set action = 'x' where id = 2; delete from quota.audit_seals`);
    expect(await verify('--seal')).toMatchObject({ code: 0, ok: true });
    const result = await verify('--expect', head.hash);
    expect(result).toMatchObject({ code: 3, ok: false, expected: { hash: head.hash, seal: null } });
  });

  test('neither rows nor seals can be changed by way of the application', async () => {
    for (const sql of [
      'delete from quota.audit_log',
      'truncate quota.audit_seals',
      'update quota.audit_seals set actor = actor',
    ]) {
      await expect(desk.query(sql)).rejects.toMatchObject({ code: 'QT005' });
    }
  });
});

test('a hash that is none is a usage error', async () => {
  expect(await run(['verify', '--expect', 'abc'])).toMatchObject({ code: 2, stdout: '' });
});

test('verify says it to people', async () => {
  await write(1);
  const { stdout } = await run(['verify', '--seal']);
  expect(stdout).toMatch(/^intact {2}1 row under 1 seal\n {2}1 new seal\n {2}head {4}[0-9a-f]{64}\n/);
});

describe('log', () => {
  test('the newest first, filtered', async () => {
    const userId = await desk.addUser({ externalId: 'ada' });
    const runId = '0e7afc8e-5ad3-4554-92a0-ca0926244694';
    await desk.query(
      `insert into quota.audit_log (action, at, actor, user_id, service, reason, run_id, before) values
       ('subscription.reset', '2026-11-01', 'cron', $1, 'voice', 'period ended', $2, null),
       ('usage.reset', '2026-11-03', E'\\x1b[31meve', $1, null, '=1+1', null, '{"used": "600.000"}'),
       ('grant.added', '2026-11-02', 'bob', null, null, E'two\\nlines', null, null)`,
      [userId, runId],
    );
    const actions = async (...args: string[]) => {
      const { code, stdout } = await run(['log', '--json', ...args]);
      expect(code).toBe(0);
      return JSON.parse(stdout).entries.map(({ action }: { action: string }) => action);
    };
    expect(await actions()).toEqual(['grant.added', 'usage.reset', 'subscription.reset']);
    expect(await actions('--user', 'ada')).toEqual(['usage.reset', 'subscription.reset']);
    expect(await actions('--action', 'usage', '--action', 'grant.added')).toEqual([
      'grant.added',
      'usage.reset',
    ]);
    expect(await run(['log', '--action', 'grants'])).toMatchObject({
      code: 0,
      stderr: 'warning: the history has no grants; it has grant.added, subscription.reset, usage.reset\n',
    });
    expect(await actions('--since', '2026-11-02', '--until', '2026-11-03')).toEqual(['grant.added']);
    expect(await actions('--run', runId)).toEqual(['subscription.reset']);
    expect(await actions('--limit', '1', '--after', '3')).toEqual(['usage.reset']);

    const page = await run(['log', '--json', '--limit', '2']);
    expect(JSON.parse(page.stdout)).toMatchObject({
      entries: [
        { user: null },
        { id: '2', user: 'ada', userId, at: '2026-11-03T00:00:00.000Z', before: { used: '600.000' } },
      ],
      next: '2',
    });
    const table = await run(['log']);
    expect(table.stdout).toMatch(
      / 2 +\d+ days ago \(2026-11-03 00:00Z\) +eve +\w+ +usage\.reset +ada +=1\+1\n/,
    );
    expect(table.stdout).toContain('two lines');
    expect(table.stdout).not.toContain('\u001b');
    const csv = await run(['log', '--output', 'csv', '--user', 'ada']);
    expect(csv.stdout).toContain(",'=1+1,");
    expect((await run(['log', '--output', 'ndjson'])).stdout.trimEnd().split('\n')).toHaveLength(3);
  });

  test.each([
    [['--user', 'nobody'], 4, 'no user "nobody"'],
    [['--since', 'yesterweek'], 2, '--since: "yesterweek" is not an instant'],
    [['--run', '17'], 2, '--run: "17" is not the id of a run'],
    [['--after', 'x'], 2, '--after: "x" is not a whole number'],
  ])('%j is refused', async (args, code, message) => {
    expect(await run(['log', ...args])).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });
});
