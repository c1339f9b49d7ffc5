import type pg from 'pg';
import { configurationError } from '../../errors.ts';

export interface DatabaseObject {
  /** As pg_identify_object says: function, trigger, policy, view, type, default value … */
  kind: string;
  identity: string;
}

/**
 * Drops one thing of the core with what of the core needs it, which is installed again afterwards.
 * @returns what went, in the order in which it did.
 * @throws configurationError when something that is not of the core needs it: that is never taken away.
 */
export async function dropWithDependents(
  client: pg.ClientBase,
  object: DatabaseObject,
  isOfCore: (object: DatabaseObject) => boolean,
): Promise<DatabaseObject[]> {
  const dropped: DatabaseObject[] = [];
  for (const dependent of await selectDependents(client, object)) {
    if (!isOfCore(dependent)) {
      throw configurationError(
        `${object.kind} ${object.identity} changes, and ${dependent.kind} ${dependent.identity} needs it`,
        {
          detail: 'it is not one of quota, so that it is left alone; nothing was done',
          suggestion: 'drop it, run the same command again, and make it anew',
        },
      );
    }
    dropped.push(...(await dropWithDependents(client, dependent, isOfCore)));
  }
  await client.query(`drop ${object.kind} if exists ${object.identity}`);
  return [...dropped, object];
}

/** What needs a thing directly: by its arguments, its result, its condition. A view stands for its rule. */
async function selectDependents(
  client: pg.ClientBase,
  { kind, identity }: DatabaseObject,
): Promise<DatabaseObject[]> {
  if (kind === 'trigger' || kind === 'policy') {
    return [];
  }
  const { rows } = await client.query<DatabaseObject>(
    `with recursive itself(classid, objid) as (
       select * from (values
         ('pg_proc'::regclass, case when $1 = 'function' then to_regprocedure($2)::oid end),
         ('pg_type'::regclass, case when $1 = 'type' then to_regtype($2)::oid end),
         ('pg_class'::regclass, case when $1 = 'view' then to_regclass($2)::oid end)) v(classid, objid)
       where objid is not null
       union
       select d.classid, d.objid from pg_depend d join itself i on d.refclassid = i.classid and d.refobjid = i.objid
       where d.deptype = 'i'
     ), dependents(classid, objid) as (
       select distinct case when r.oid is null then d.classid else 'pg_class'::regclass end, coalesce(r.ev_class, d.objid)
       from pg_depend d
       join itself i on d.refclassid = i.classid and d.refobjid = i.objid
       left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
       where d.deptype in ('n', 'a')
     )
     select o.type as kind,
       -- A function as everywhere else; pg_identify_object spells some of the types with their schema.
       case d.classid when 'pg_proc'::regclass then d.objid::regprocedure::text else o.identity end as identity
     from dependents d cross join lateral pg_identify_object(d.classid, d.objid, 0) o
     where (d.classid, d.objid) not in (select classid, objid from itself)
       -- Triggers of partitions come and go with that of their table.
       and not exists (
         select from pg_trigger t
         where d.classid = 'pg_trigger'::regclass and t.oid = d.objid and t.tgparentid <> 0)
     order by 1, 2`,
    [kind, identity],
  );
  return rows;
}
