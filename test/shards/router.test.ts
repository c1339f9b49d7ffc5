import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query } from '../database.ts';
import { type PostgresServer, startPostgres } from '../db/servers/postgres-server.ts';
import { needs } from '../desk/needs.ts';
import { placeOf, shardNames, ThreeShards } from './three-shards.ts';

/** Of a PostgreSQL of Debian that has PL/Proxy. */
function systemWithProxy(): { initdb: string; postgres: string } | undefined {
  const root = '/usr/lib/postgresql';
  const folder = (existsSync(root) ? readdirSync(root) : [])
    .map((major) => `${root}/${major}`)
    .find((path) => existsSync(`${path}/lib/plproxy.so`) && existsSync(`${path}/bin/initdb`));
  return folder === undefined
    ? undefined
    : { initdb: `${folder}/bin/initdb`, postgres: `${folder}/bin/postgres` };
}

const binaries = systemWithProxy();
const asOf = '2026-11-15T12:00:00Z';
const users = Array.from({ length: 30 }, (_, n) => `user_${n}`);
const password = `it's a "word"\\`;

describe.runIf(needs(binaries !== undefined, 'PL/Proxy'))('the router for apps', () => {
  let shardServer: PostgresServer;
  let routerServer: PostgresServer;
  const shards = new ThreeShards(asOf);
  const { commands } = shards;
  const through = async (sql: string, ...values: unknown[]) =>
    (await query(routerUrl(), sql, values))[0] ?? {};
  const routerUrl = (database = 'router') => routerServer.url(database);
  const init = (...words: string[]) =>
    commands
      .with({ env: { DATABASE_URL: routerUrl() } })
      .run(
        ...['shards', 'router', '--init', '--login', 'app', '--yes', '--json'],
        ...['--password-file', shards.folder.write('password', [password]), ...words],
      );

  beforeAll(async () => {
    shardServer = await startPostgres({ doors: ['host all app 127.0.0.1/32 scram-sha-256'] });
    routerServer = await startPostgres({
      ...(binaries && { binaries }),
      doors: ['host all backend 127.0.0.1/32 trust'],
    });
    await routerServer.run('create database router');
    for (const name of shardNames) {
      await shardServer.run(`create database "${name}"`);
    }
    shards.write(shardNames.map((name) => shardServer.url(name)));
    await commands.json('db', 'migrate', '--all-shards');
    await shardServer.run(`create role app login password '${password.replaceAll("'", "''")}'`);
    await shardServer.run('grant quota_app to app');
    await commands.json('login', 'allow', 'app', '--reason', 'the router', '--yes', '--all-shards');
    await commands.json('user', 'add', 'elsewhere', '--yes', '--shard', away);
    expect((await init('--dry-run')).stdout).toContain('"dryRun": true');
    expect(await query(routerUrl(), `select to_regnamespace('quota') as there`)).toEqual([{ there: null }]);
    expect((await init()).code).toBe(0);
    await routerServer.run('create role backend login in role quota_app');
  });
  afterAll(async () => {
    await shards.close();
    await routerServer?.stop();
    await shardServer?.stop();
  });
  /** Not the shard of the external id. */
  const away = shardNames.find((name) => name !== placeOf('elsewhere')) ?? 'eu-1';
  const on = (name: string, sql: string) => query(shardServer.url(name), sql);

  test('each call is made in the shard of its user, and answered as there', async () => {
    for (const user of users) {
      const answer = await through(
        `select recorded, used::float, stored_quantity::float from quota.record($1, 'voice', $2, 30, p_cost => 0.25)`,
        user,
        `call ${user}`,
      );
      expect(answer).toEqual({ recorded: true, used: 30, stored_quantity: 30 });
    }
    for (const name of shardNames) {
      const rows = await on(name, `select external_id from quota.users where external_id like 'user%'`);
      expect(rows.map(({ external_id }) => external_id).sort()).toEqual(
        users.filter((user) => placeOf(user) === name).sort(),
      );
    }
    const [user = ''] = users;
    const direct = await on(
      placeOf(user) ?? '',
      `select to_jsonb(c) - 'runs_out_at' as answer from quota.check('${user}', 'voice') c`,
    );
    const routed = await through(
      `select to_jsonb(c) - 'runs_out_at' as answer from quota.check($1, 'voice') c`,
      user,
    );
    expect(routed).toEqual(direct[0]);
    expect(await through(`select count(*)::int as calls from quota.usage_history($1)`, user)).toEqual({
      calls: 1,
    });
  });

  test('a session is ended by its key and by its number', async () => {
    for (const user of users.slice(0, 6)) {
      const started = await through(
        `select * from quota.start_session($1, 'avatar', $1 || ' session')`,
        user,
      );
      expect(started.allowed).toBe(true);
      const ended = await through(
        'select recorded from quota.end_session($1::bigint, 12)',
        started.session_id,
      );
      expect(ended).toEqual({ recorded: true });
    }
  });

  test('who is elsewhere is found there; nobody signed in is answered', async () => {
    await through(`select * from quota.record('elsewhere', 'voice', 'call elsewhere', 5)`);
    expect(
      await on(
        away,
        `select count(*)::int as calls from quota.call_logs where provider_call_id = 'call elsewhere'`,
      ),
    ).toEqual([{ calls: 1 }]);
    expect((await through(`select reason from quota.check(null, 'voice')`)).reason).toBe('sign_in_required');
  });

  test('what is refused arrives with its code, message and hint', async () => {
    const [user = ''] = users;
    const refused = query(routerUrl(), `select * from quota.record($1, 'voise', 'x', 1)`, [user]);
    await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/voise/) });
  });

  test('a webhook goes to the shard that has the assistant', async () => {
    for (const user of users.slice(0, 5)) {
      await through(`select * from quota.add_assistant($1, $2, p_gated => true)`, user, `assistant ${user}`);
      const body = {
        message: {
          type: 'assistant-request',
          call: { id: `told ${user}`, assistantId: `assistant ${user}` },
        },
      };
      const { answer } = await through(`select quota.gate('vapi', $1) as answer`, JSON.stringify(body));
      expect(answer).toMatchObject({ assistantId: `assistant ${user}` });
    }
    const { answer } = await through(
      `select quota.gate('vapi', '{"message": {"type": "assistant-request", "call": {"id": "c", "assistantId": "no"}}}') as answer`,
    );
    expect(answer).toHaveProperty('error');
  });

  test('a backend may call functions, and reads neither the password nor the map of others', async () => {
    const backend = routerUrl().replace('postgres@', 'backend@');
    expect(await query(backend, `select allowed from quota.check('user_20', 'voice')`)).toEqual([
      { allowed: true },
    ]);
    expect(await query(backend, `select umoptions from pg_user_mappings where srvname = 'quota'`)).toEqual([
      { umoptions: null },
    ]);
  });

  test('the SQL that is printed holds no password, and every function of docs/apps.md for an app', async () => {
    const { statements } = await commands.json('shards', 'router');
    const text = statements.join('\n');
    expect(text).not.toContain('password');
    for (const name of [
      'check',
      'record',
      'start_session',
      'touch_session',
      'end_session',
      'ensure_user',
      'gate',
      'usage_history',
    ]) {
      expect(text).toContain(`create function quota.${name}(`);
    }
  });

  test('made anew it is the same; a database with data, and a shard that is away, are refused', async () => {
    const again = await init();
    expect(JSON.parse(again.stdout)).toMatchObject({
      dryRun: false,
      shards: [...shardNames],
      placedUsers: 1,
    });
    const taken = await init('--database-url', shardServer.url('eu-1'));
    expect(taken.code).toBe(5);
    expect(taken.stderr).toContain('a schema quota that is no router');
    shards.write([shardServer.url('eu-1'), 'postgres://nobody@127.0.0.1:1/away', shardServer.url('us-1')]);
    expect((await init()).code).toBe(69);
    shards.write(shardNames.map((name) => shardServer.url(name)));
  });
});
