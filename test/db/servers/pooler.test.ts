import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query } from '../../database.ts';
import { useFolder } from '../../desk/folder.ts';
import { needs } from '../../desk/needs.ts';
import { runCli } from '../../run-cli.ts';
import { type Pooler, startPooler } from './pooler.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

const isThere = spawnSync('pgbouncer', ['--version']).status === 0;
const folder = useFolder();

/** What a session of the server has that is not as the server gave it. */
const leftovers = `
  select current_setting('quota.as_of', true) as as_of, current_setting('quota.actor', true) as actor,
    current_setting('search_path') as search_path, current_setting('DateStyle') as date_style,
    current_setting('work_mem') as work_mem, current_setting('statement_timeout') as statement_timeout,
    (select count(*)::int from pg_locks where locktype = 'advisory') as locks,
    (select count(*)::int from pg_class where relnamespace = pg_my_temp_schema()) as temporary`;

describe.runIf(needs(isThere, 'pgbouncer'))('behind a pgbouncer', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({
      settings: { datestyle: 'SQL, DMY', work_mem: '5MB', statement_timeout: '300s' },
    });
    await server.run('create database app');
    await server.run(`alter database app set quota.as_of = ''`);
    await server.run(`alter database app set quota.actor = ''`);
  });
  afterAll(() => server.stop());

  const pool = (mode: 'session' | 'transaction' | 'statement') =>
    startPooler(mode, { host: '127.0.0.1', port: server.port, user: 'postgres', database: 'app' });

  describe('in transaction mode', () => {
    let pooler: Pooler;
    beforeAll(async () => {
      pooler = await pool('transaction');
    });
    afterAll(() => pooler.stop());

    const run = (...words: string[]) => runCli(words, { env: { DATABASE_URL: pooler.url } });
    const left = async () => (await query(pooler.url, leftovers))[0];

    test('every command leaves the session as it was, and answers as without one', async () => {
      const untouched = await left();
      expect(untouched).toMatchObject({ date_style: 'SQL, DMY', work_mem: '5MB', locks: 0, temporary: 0 });
      const calls = folder.write('calls.csv', [
        'provider_call_id,user_external_id,started_at,ended_at,duration_seconds,status',
        'pooled-1,demo-exceeded,2020-03-04T10:00:00Z,2020-03-04T10:01:00Z,60,completed',
      ]);
      const asOf = ['--as-of', '2026-11-15T12:00:00Z'];
      const lines = [
        ['db', 'migrate'],
        ['fixtures', 'seed', '--users', '20', '--yes', ...asOf],
        ['user', 'list', '--json', ...asOf],
        ['user', 'show', 'demo-exceeded', '--json', '--as-of', '2020-02-02T00:00:00Z'],
        ['user', 'reset', 'demo-exceeded', '--reason', 'test', '--yes', '--no-sync', ...asOf],
        ['import', 'call-logs', calls, '--dry-run'],
        ['import', 'call-logs', calls, '--yes'],
        ['jobs', 'reset-anniversaries', '--no-sync', ...asOf],
        ['jobs', 'roll-up-analytics', ...asOf],
        ['audit', 'log', '--json'],
        ['doctor', ...asOf],
        ['db', 'status'],
      ];
      for (const line of lines) {
        const { code, stderr } = await run(...line);
        expect([line.join(' '), [0, 75, 3].includes(code ?? -1) ? 0 : code, stderr]).toEqual([
          line.join(' '),
          0,
          expect.not.stringContaining('error'),
        ]);
        expect([line.join(' '), await left()]).toEqual([line.join(' '), untouched]);
      }
      const direct = await runCli(['user', 'list', '--json', ...asOf], {
        env: { DATABASE_URL: server.url('app') },
      });
      expect(JSON.parse((await run('user', 'list', '--json', ...asOf)).stdout)).toEqual(
        JSON.parse(direct.stdout),
      );
      const [actor] = await query(
        pooler.url,
        `select distinct actor from quota.audit_log where action = 'usage.reset'`,
      );
      expect(actor).toEqual({ actor: 'tester' });
      const [logs] = await query(
        pooler.url,
        `select count(*)::int as n from quota.call_logs where provider_call_id = 'pooled-1'`,
      );
      expect(logs).toEqual({ n: 1 });
    });

    test('a call that an app records after --as-of counts today', async () => {
      await run('user', 'list', '--as-of', '2020-05-05T00:00:00Z');
      const [{ same } = {}] = await query<{ same: boolean }>(
        pooler.url,
        `select quota.now() > now() - interval '1 minute' as same`,
      );
      expect(same).toBe(true);
    });

    test('an import that fails half way leaves nothing', async () => {
      const untouched = await left();
      const bad = folder.write('bad.csv', [
        'provider_call_id,user_external_id,started_at,ended_at,duration_seconds,status',
        'pooled-2,nobody-at-all,2026-03-04T10:00:00Z,2026-03-04T10:01:00Z,60,completed',
      ]);
      expect((await run('import', 'call-logs', bad, '--yes')).code).toBe(65);
      expect(await left()).toEqual(untouched);
    });
  });

  test('in session mode all is as without one', async () => {
    const pooler = await pool('session');
    const env = { DATABASE_URL: pooler.url };
    for (const line of [
      ['db', 'migrate'],
      ['user', 'list'],
    ]) {
      expect(await runCli(line, { env })).toMatchObject({ code: 0, stderr: '' });
    }
    await pooler.stop();
  });

  test('statement mode is refused, naming the modes that serve', async () => {
    const pooler = await pool('statement');
    for (const line of [
      ['db', 'migrate'],
      ['user', 'list'],
    ]) {
      const { code, stderr } = await runCli(line, { env: { DATABASE_URL: pooler.url } });
      expect([line, code, stderr]).toEqual([
        line,
        78,
        expect.stringContaining('session or transaction mode'),
      ]);
    }
    await pooler.stop();
  });
});
