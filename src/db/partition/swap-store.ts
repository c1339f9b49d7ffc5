import type pg from 'pg';
import { selectCallKeys } from './call-keys-store.ts';
import { borderConstraint, functionsOfRows, keyIndex, startOf } from './call-table-store.ts';

/**
 * Puts a partitioned table in the place of `call_logs`, with that as its first partition. In a transaction, which holds the
 * table alone from here on; what the core has on it is to be installed anew.
 * @param keys the table of keys that was filled
 * @returns false: what was prepared is no longer there; nothing is changed
 */
export async function swapCallTable(client: pg.ClientBase, border: string, keys: string): Promise<boolean> {
  const before = `call_logs_before_${border.replace('-', '_')}`;
  await client.query('lock table quota.call_logs in access exclusive mode');
  // Behind a pooler no lock keeps others from taking it back.
  if ((await selectCallKeys(client)) !== keys) {
    return false;
  }
  await dropWhatNamesRows(client);
  const shape = await selectShape(client);
  const run = async (...statements: string[]) => {
    for (const statement of statements) {
      await client.query(statement);
    }
  };
  await run(
    ...shape.triggers.map((name) => `drop trigger ${name} on quota.call_logs`),
    ...shape.policies.map((name) => `drop policy ${name} on quota.call_logs`),
    `alter table quota.call_logs drop constraint call_logs_pkey`,
    `alter table quota.call_logs add constraint ${before}_pkey primary key using index ${keyIndex}`,
    `alter table quota.call_logs rename to ${before}`,
    ...shape.indexes.map(
      ({ name }) => `alter index quota.${name} rename to ${name.replace('call_logs', before)}`,
    ),
    `create table quota.call_logs (like quota.${before} including comments including compression including constraints
       including defaults including generated including storage) partition by range (started_at)`,
    ...[borderConstraint, ...shape.notValid.map(({ name }) => name)].map(
      (name) => `alter table quota.call_logs drop constraint ${name}`,
    ),
    `alter table quota.call_logs owner to ${shape.owner}`,
    `comment on table quota.call_logs is ${shape.comment}`,
    `alter table quota.call_logs add constraint call_logs_pkey primary key (id, started_at)`,
    ...shape.indexes.filter(({ isUnique }) => !isUnique).map(({ definition }) => definition),
    ...shape.grants.map(({ given }) => given),
    ...shape.grants.map(({ grantee }) => `revoke all on quota.${before} from ${grantee}`),
    `alter table quota.${before} alter id drop identity`,
    `alter table quota.call_logs alter id add generated always as identity (sequence name quota.call_logs_id_seq
       start with ${shape.start} increment by ${shape.increment})`,
    `select setval('quota.call_logs_id_seq', ${shape.lastValue}, ${shape.isCalled})`,
    `alter table quota.call_logs attach partition quota.${before} for values from (minvalue) to (${startOf(border)})`,
    `alter table quota.${before} drop constraint ${borderConstraint}`,
    ...shape.notValid.map(({ definition }) => definition),
    `create table quota.call_logs_rest partition of quota.call_logs default`,
    `select quota.fit_call_partition('call_logs_rest')`,
    `alter table quota.${before} enable row level security`,
  );
  await touchFunctions(client);
  return true;
}

/** Their arguments are rows of the table that is to be put aside; the core brings them back. */
async function dropWhatNamesRows(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select p.oid::regprocedure::text as name from ${functionsOfRows} order by 1`,
  );
  for (const { name } of rows) {
    await client.query(`drop function ${name}`);
  }
}

interface CallTableShape {
  owner: string;
  comment: string;
  triggers: string[];
  policies: string[];
  indexes: { name: string; isUnique: boolean; definition: string }[];
  notValid: { name: string; definition: string }[];
  grants: { grantee: string; given: string }[];
  start: string;
  increment: string;
  lastValue: string;
  isCalled: boolean;
}

async function selectShape(client: pg.ClientBase): Promise<CallTableShape> {
  const { rows } = await client.query<CallTableShape>(
    `select pg_get_userbyid(c.relowner)::regrole::text as owner, quote_literal(obj_description(c.oid, 'pg_class')) as comment,
       array(select quote_ident(t.tgname) from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) as triggers,
       array(select quote_ident(p.polname) from pg_policy p where p.polrelid = c.oid) as policies,
       (select jsonb_agg(jsonb_build_object('name', x.relname, 'isUnique', i.indisunique,
            'definition', pg_get_indexdef(x.oid)))
          from pg_index i join pg_class x on x.oid = i.indexrelid
          where i.indrelid = c.oid and not i.indisprimary and x.relname <> '${keyIndex}') as indexes,
       (select coalesce(jsonb_agg(jsonb_build_object('name', o.conname, 'definition',
            format('alter table quota.call_logs add constraint %I %s', o.conname, pg_get_constraintdef(o.oid)))), '[]')
          from pg_constraint o where o.conrelid = c.oid and not o.convalidated) as "notValid",
       (select coalesce(jsonb_agg(jsonb_build_object('grantee', g.grantee, 'given', g.given)), '[]') from (
          select case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee,
            format('grant %s%s on quota.call_logs to %s%s', a.privilege_type, a.columns,
              case a.grantee when 0 then 'public' else a.grantee::regrole::text end,
              case when a.is_grantable then ' with grant option' else '' end) as given
          from (
            select (aclexplode(c.relacl)).*, '' as columns
            union all
            select (aclexplode(k.attacl)).*, format(' (%I)', k.attname) from pg_attribute k
            where k.attrelid = c.oid and k.attacl is not null
          ) a
          where a.grantee <> c.relowner) g) as grants,
       s.seqstart as start, s.seqincrement as increment, v.last_value as "lastValue", v.is_called as "isCalled"
     from pg_class c
     join pg_sequence s on s.seqrelid = 'quota.call_logs_id_seq'::regclass
     cross join quota.call_logs_id_seq v
     where c.oid = 'quota.call_logs'::regclass`,
  );
  const [shape] = rows;
  if (shape === undefined) {
    throw new Error('quota.call_logs has no numbers of its own');
  }
  return shape;
}

/** Sessions that are open have read them with the former table: from now on each reads them anew. */
async function touchFunctions(client: pg.ClientBase): Promise<void> {
  await client.query('set local check_function_bodies = off');
  await client.query(`do $$
    declare
      definition text;
    begin
      for definition in
        select pg_get_functiondef(p.oid) from pg_proc p
        where p.pronamespace = 'quota'::regnamespace and p.prokind = 'f' and p.prosrc ~ 'call_logs'
      loop
        execute definition;
      end loop;
    end $$`);
}
