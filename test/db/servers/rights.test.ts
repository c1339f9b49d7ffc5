import { afterAll, beforeAll, expect, test } from 'vitest';
import { query } from '../../database.ts';
import { useFolder } from '../../desk/folder.ts';
import { runCli } from '../../run-cli.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

const folder = useFolder();
const roles = ['quota_app', 'quota_operator', 'quota_finance', 'quota_readonly'];

/** A server as it is managed by others: `tenant` owns nothing, and may make neither databases, roles nor schemas. */
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ doors: ['host all tenant,clerk 127.0.0.1/32 trust'] });
  await server.run('create role tenant login');
  await server.run('create role clerk login');
});
afterAll(() => server.stop());

async function makeDatabase(name: string, isSchemaMade: boolean): Promise<Record<string, string>> {
  await server.run(`create database ${name}`);
  await server.run(`revoke create, temporary on database ${name} from public`);
  if (isSchemaMade) {
    await query(server.url(name), 'create schema quota authorization tenant');
  }
  return { DATABASE_URL: server.url(name).replace('postgres@', 'tenant@') };
}

const json = async (env: Record<string, string>, ...words: string[]) => {
  const { code, stdout, stderr } = await runCli([...words, '--json'], { env });
  return { code, stderr, data: stdout === '' ? undefined : JSON.parse(stdout) };
};

test('a role without rights on the database is told what an administrator runs, and then it works', async () => {
  const env = await makeDatabase('managed', false);
  const refused = await runCli(['db', 'migrate'], { env });
  expect([refused.code, refused.stderr]).toEqual([
    78,
    expect.stringContaining('create schema quota authorization tenant'),
  ]);
  await query(server.url('managed'), 'create schema quota authorization tenant');
  const made = await json(env, 'db', 'migrate');
  expect([made.code, made.data.core.state, made.data.roles]).toEqual([
    0,
    'installed',
    { granted: [], missing: roles },
  ]);
  expect(made.stderr).toContain(`roles are missing`);
  expect(made.stderr).toContain('create role quota_finance nologin;');
});

test('roles that are missing are told, and get their rights as soon as they are there', async () => {
  const env = await makeDatabase('later', true);
  await runCli(['db', 'migrate'], { env });
  expect((await json(env, 'db', 'status')).data.lostRoles).toEqual(
    roles.map((role) => ({ role, state: 'missing' })),
  );
  expect((await runCli(['db', 'status'], { env })).stdout).toContain(
    'no role quota_operator: quota db migrate',
  );
  const ill = (await json(env, 'doctor')).data.checks.find(
    ({ check }: { check: string }) => check === 'roles',
  );
  expect(ill).toMatchObject({
    level: 'attention',
    count: 4,
    suggestion: expect.stringContaining('create role'),
  });

  for (const role of roles) {
    await server.run(`create role ${role} nologin`);
  }
  expect((await json(env, 'db', 'status')).data.lostRoles).toEqual(
    roles.map((role) => ({ role, state: 'powerless' })),
  );
  const granted = await runCli(['db', 'migrate'], { env });
  expect([granted.code, granted.stdout]).toEqual([0, `granted rights to ${roles.join(', ')}\n`]);
  expect((await json(env, 'db', 'migrate')).data.roles).toEqual({ granted: [], missing: [] });
  await server.run('grant quota_readonly to clerk');
  const clerk = { DATABASE_URL: (env.DATABASE_URL ?? '').replace('tenant@', 'clerk@') };
  expect((await json(clerk, 'user', 'list')).code).toBe(0);

  const rights = 'drop owned by quota_finance; drop role quota_finance; create role quota_finance nologin';
  await query(server.url('managed'), 'drop owned by quota_finance');
  await query(server.url('later'), rights);
  expect((await json(env, 'db', 'status')).data.lostRoles).toEqual([
    { role: 'quota_finance', state: 'powerless' },
  ]);
  expect((await json(env, 'db', 'migrate')).data.roles).toEqual({ granted: ['quota_finance'], missing: [] });
  const [{ can } = {}] = await query<{ can: boolean }>(
    server.url('later'),
    `select has_table_privilege('quota_finance', 'quota.reconciliations', 'select') as can`,
  );
  expect(can).toBe(true);
  expect((await json(env, 'doctor')).data.checks).toContainEqual(
    expect.objectContaining({ check: 'roles', count: 0 }),
  );
});

test('whoever may make no temporary tables is told who lets him', async () => {
  const env = await makeDatabase('bare', true);
  await runCli(['db', 'migrate'], { env });
  const users = folder.write('users.csv', ['external_id,email', 'ann,ann@example.com']);
  const { code, stderr } = await runCli(['import', 'users', users, '--yes'], { env });
  expect([code, stderr]).toEqual([78, expect.stringContaining('grant temporary on database')]);
});

test.each(['LATIN1', 'SQL_ASCII', 'WIN1252'])(
  'a database in %s is refused, and stays empty',
  async (encoding) => {
    const name = `in_${encoding.toLowerCase()}`;
    await server.run(
      `create database ${name} encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'`,
    );
    const { code, stderr } = await runCli(['db', 'migrate'], { env: { DATABASE_URL: server.url(name) } });
    expect([code, stderr]).toEqual([78, expect.stringContaining(`encoded in ${encoding}, not in UTF8`)]);
    expect(stderr).toContain(`encoding 'UTF8' template template0`);
    const [{ there } = {}] = await query<{ there: boolean }>(
      server.url(name),
      `select to_regnamespace('quota') is not null as there`,
    );
    expect(there).toBe(false);
  },
);
