import pg from 'pg';
import { withClient } from '../../src/db/client.ts';
import { say } from '../verdict.ts';

/** How the value of a column becomes that of the n-th copy of its row. */
const shifts = {
  uuid: (column: string) => `md5(t.${column}::text || n)::uuid`,
  text: (column: string) => `t.${column} || '-' || n`,
  number: (column: string, table: string) => `t.${column} + n * (select max(${column}) from quota.${table})`,
};

/** What tells rows of different users apart; tables in the order of their references. */
const tables: Readonly<Record<string, Readonly<Record<string, keyof typeof shifts>>>> = {
  users: { id: 'uuid', external_id: 'text', email: 'text' },
  subscriptions: { user_id: 'uuid' },
  assistants: { id: 'uuid', user_id: 'uuid', provider_assistant_id: 'text' },
  assistant_limits: { assistant_id: 'uuid', user_id: 'uuid' },
  grants: { id: 'number', user_id: 'uuid' },
  usage_quotas: { user_id: 'uuid' },
  usage_alerts: { id: 'uuid', user_id: 'uuid' },
  alert_deliveries: { id: 'uuid', user_id: 'uuid' },
  usage_analytics: { user_id: 'uuid' },
  call_logs: {
    id: 'number',
    user_id: 'uuid',
    provider_call_id: 'text',
    import_key: 'text',
    assistant_id: 'text',
  },
  audit_log: { id: 'number', user_id: 'uuid' },
};

/**
 * Makes a database with each user of another so many times, unless it is there: by sets, with triggers off, as what they
 * would do is copied, too. Bills are not.
 */
export async function multiplyDatabase(
  serverUrl: string,
  { from, to, times }: { from: string; to: string; times: number },
): Promise<void> {
  const isThere = await withClient(serverUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [to]);
    const [source, copy] = [from, to].map(pg.escapeIdentifier);
    await (rowCount === 1 || client.query(`create database ${copy} template ${source}`));
    return rowCount === 1;
  });
  if (!isThere) {
    await withClient(serverUrl.replace(/\/quota\?/, `/${to}?`), (client) => multiply(client, times));
  }
}

async function multiply(client: pg.Client, times: number): Promise<void> {
  await client.query(`set session_replication_role = replica; set synchronous_commit = off`);
  for (const [table, shifted] of Object.entries(tables)) {
    const begin = performance.now();
    const { rows } = await client.query<{ name: string }>(
      `select attname as name from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
      [`quota.${table}`],
    );
    const names = rows.map(({ name }) => pg.escapeIdentifier(name));
    const values = rows.map(({ name }) => {
      const shift = shifted[name];
      return shift === undefined ? `t.${pg.escapeIdentifier(name)}` : shifts[shift](name, table);
    });
    await client.query(
      `insert into quota.${table} (${names.join(', ')}) overriding system value
       select ${values.join(', ')} from quota.${table} t cross join generate_series(1, ${times - 1}) n`,
    );
    say(`${times} times ${table}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  }
  await client.query('delete from quota.analytics_totals');
  await client.query('select quota.add_up_missing()');
  await client.query('vacuum analyze');
}
