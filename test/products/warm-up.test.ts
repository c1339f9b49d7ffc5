import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
let login: string;

beforeAll(async () => {
  login = `${desk.name}_pool`;
  await desk.query(`create role ${login} login in role quota_app`);
});
afterAll(async () => {
  await desk.query(`drop owned by ${login}; drop role ${login}`);
});

/** What a new connection of its own is used for. */
async function connected<T>(user: string | undefined, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(
    user === undefined ? desk.url : desk.url.replace(/\/\/(?:[^/@]*@)?/, `//${user}@`),
  );
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Rows of every table, by name. */
async function counts() {
  const tables = await desk.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
     where c.relnamespace = 'quota'::regnamespace and c.relkind = 'r' order by 1`,
  );
  return desk.query(
    tables.map(({ name }) => `select '${name}' as name, count(*) from ${name}`).join(' union all '),
  );
}

/** How many statements the server plans for an app's first session in a connection, of users that are there. */
const plansOfFirst = (isWarm: boolean, user: string) =>
  connected(undefined, async (client) => {
    if (isWarm) {
      await client.query('select quota.warm_up()');
    }
    let plans = 0;
    client.on('notice', ({ message }) => {
      plans += message === 'PLANNER STATISTICS' ? 1 : 0;
    });
    await client.query('set client_min_messages = log');
    await client.query('set log_planner_stats = on');
    for (const call of [
      `check('${user}', 'voice')`,
      `record('${user}', 'voice', '${user} 1', 1)`,
      `start_session('${user}', 'voice', '${user} 2', p_estimate => 1)`,
      `touch_session('${user}', '${user} 2')`,
      `end_session('${user}', '${user} 2', 1)`,
    ]) {
      await client.query(`select * from quota.${call}`);
    }
    return plans;
  });

test('the first calls of a warm connection plan a tenth of what those of a cold one do, and nothing is left', async () => {
  for (const user of ['cold', 'warm']) {
    await desk.query(`select quota.record($1, 'voice', $1 || ' 0', 1)`, [user]);
  }
  const before = await counts();
  await connected(undefined, (client) => client.query('select quota.warm_up()'));
  expect(await counts()).toEqual(before);

  const cold = await plansOfFirst(false, 'cold');
  const warm = await plansOfFirst(true, 'warm');
  expect(cold).toBeGreaterThan(50);
  expect(warm).toBeLessThan(cold / 10);
  expect(await desk.differences()).toEqual([]);
});

test('it makes nobody where apps may not, and does no harm where nothing can be written', async () => {
  await desk.query(`update quota.settings set value = 'off' where name = 'auto_create_users'`);
  const before = await counts();
  await connected(undefined, async (client) => {
    await client.query('select quota.warm_up()');
    await client.query('begin read only');
    await client.query('select quota.warm_up()');
    await client.query('commit');
  });
  expect(await counts()).toEqual(before);
});

test('a login that is not registered is refused, one of the app and one of a user are not', async () => {
  const warmUp = () => connected(login, (client) => client.query('select quota.warm_up()'));
  await expect(warmUp()).rejects.toMatchObject({ code: 'QT006' });
  await desk.json('login', 'allow', login, '--reason', 'test', '--yes');
  await warmUp();
  await desk.json('login', 'bind', login, '--user', 'warm', '--reason', 'test', '--yes');
  await warmUp();
});
