import type pg from 'pg';
import { shardNumberOf } from '../../db/shard-number.ts';
import { financeSchema } from './finance-sql.ts';

/** What a database has that is to be one of finance. */
export interface FinanceState {
  /** Users of its own. */
  hasUsers: boolean;
  /** Tables of shards cannot be parts of a table that has months for parts. */
  isPartitioned: boolean;
  /** Whether the server can be given the extension. */
  hasWrapper: boolean;
}

export async function selectFinanceState(client: pg.ClientBase): Promise<FinanceState> {
  const { rows } = await client.query<FinanceState>(
    `select exists (select from only quota.users) as "hasUsers",
       exists (select from pg_class where oid = 'quota.call_logs'::regclass and relkind = 'p') as "isPartitioned",
       exists (select from pg_available_extensions where name = 'postgres_fdw') as "hasWrapper"`,
  );
  return rows[0] ?? { hasUsers: false, isPartitioned: false, hasWrapper: false };
}

/** Whether this is a database of finance: it reads the tables of shards. */
export async function selectIsFinance(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ is: boolean }>('select to_regnamespace($1) is not null as is', [
    financeSchema,
  ]);
  return rows[0]?.is ?? false;
}

/** Tables whose rows are named by their id among all shards: bills and corrections find them so. */
const namedById = ['users', 'assistants', 'call_logs', 'adjustments', 'grants'];

/** What two shards both have, though it is one thing: `{kind, name, shards}`, numbers of shards; an id as `call_logs 17`. */
export interface Twin {
  kind: 'user' | 'assistant' | 'call' | 'id';
  name: string;
  shards: number[];
}

export async function selectTwins(client: pg.ClientBase): Promise<Twin[]> {
  const shards = (table: string) => `array_agg(${shardNumberOf(table)} order by ${shardNumberOf(table)})`;
  const { rows } = await client.query<Twin>(
    `select 'user' as kind, u.external_id as name, ${shards('u')} as shards
     from quota.users u where u.erased_at is null group by u.external_id having count(*) > 1
     union all
     select 'assistant', a.provider_assistant_id, ${shards('a')}
     from quota.assistants a group by a.provider_assistant_id having count(*) > 1
     union all
     select 'call', g.provider || ' ' || g.provider_call_id, ${shards('g')}
     from quota.call_logs g where g.provider_call_id is not null
     group by g.provider, g.provider_call_id having count(*) > 1
     ${namedById
       .map(
         (table) =>
           `union all select 'id', '${table} ' || t.id, ${shards('t')}
            from quota.${table} t group by t.id having count(*) > 1`,
       )
       .join('\n')}
     order by 1, 2`,
  );
  return rows;
}
