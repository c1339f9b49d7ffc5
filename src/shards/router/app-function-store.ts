import type pg from 'pg';
import { bucketInSql } from '../shard.ts';

/** A function that apps call, as another database can declare it. */
export interface AppFunction {
  name: string;
  /** With names, types and defaults: `p_user text, p_limit integer DEFAULT 50`. */
  arguments: string;
  /** Those alone that come in, by name. */
  argumentNames: string[];
  result: string;
}

/** What a function of an app answers with, where that has a name: `name` with its columns as they are declared. */
export interface AppType {
  name: string;
  columns: string;
}

/** The functions that the role of apps may call here. */
export async function selectAppFunctions(client: pg.ClientBase): Promise<AppFunction[]> {
  const { rows } = await client.query<AppFunction>(
    `select p.proname as name, pg_get_function_arguments(p.oid) as arguments,
       (coalesce(p.proargnames, '{}'))[1:p.pronargs] as "argumentNames", pg_get_function_result(p.oid) as result
     from pg_proc p
     where p.pronamespace = 'quota'::regnamespace and has_function_privilege('quota_app', p.oid, 'execute')
     order by 1, 2`,
  );
  return rows;
}

/** The types in which those answer. */
export async function selectAppTypes(client: pg.ClientBase): Promise<AppType[]> {
  const { rows } = await client.query<AppType>(
    `select t.typname as name,
       (select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
        from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) as columns
     from pg_type t
     where t.typtype = 'c' and t.typnamespace = 'quota'::regnamespace and t.oid in (
       select p.prorettype from pg_proc p
       where p.pronamespace = 'quota'::regnamespace and has_function_privilege('quota_app', p.oid, 'execute'))
     order by 1`,
  );
  return rows;
}

/** Who is here though the bucket of his external id is not from `from` to `to`: external ids. */
export async function selectUsersElsewhere(
  client: pg.ClientBase,
  { from, to }: { from: number; to: number },
): Promise<string[]> {
  const { rows } = await client.query<{ externalId: string }>(
    `select u.external_id as "externalId"
     from quota.users u, sha256(convert_to(u.external_id, 'UTF8')) digest
     where u.erased_at is null
       and ${bucketInSql('digest')} not between $1 and $2
     order by 1`,
    [from, to],
  );
  return rows.map(({ externalId }) => externalId);
}
