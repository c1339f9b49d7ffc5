import type pg from 'pg';
import type { Mapping } from './mapping.ts';
import type { FollowMarks } from './remote/follow-marks.ts';
import { installTold } from './remote/told-store.ts';
import type { PlacedSource } from './row-expression.ts';
import { installSource } from './source-installation-store.ts';

export type Authority = 'app' | 'quota';

/** A source of an adopted product, as it stands. */
export interface AdoptedSource {
  id: number;
  name: string;
  kind: string;
  relation: string;
  isAttached: boolean;
  /** Rows that a backfill has been through. */
  backfilledRows: number;
  /** ISO 8601; null: no backfill was through. */
  backfilledAt: string | null;
  /** Its table is in another database. */
  isRemote: boolean;
  /** A backfill has copied its rows, or is at it; null: none is under way. */
  staged: 'copying' | 'copied' | null;
  /** ISO 8601; null: no look at the other database was through. */
  followedAt: string | null;
  /** Nobody has looked there for so long that somebody should. */
  isStale: boolean;
  /** Why the last look failed. */
  followError: string | null;
}

/** A source with where following it begins, if its table is in another database. */
export type AttachedSource = PlacedSource & { followed?: FollowMarks };

export interface AdoptedProduct {
  product: string;
  mapping: Mapping;
  services: string[];
  authority: Authority;
  /** ISO 8601 */
  attachedAt: string;
  /** Null: it is attached. */
  detachedAt: string | null;
  sources: AdoptedSource[];
}

/** Null: nobody has ever attached it. */
export async function selectProduct(client: pg.ClientBase, product: string): Promise<AdoptedProduct | null> {
  return (await selectProducts(client, product))[0] ?? null;
}

/** All that were ever attached, or one. */
export async function selectProducts(client: pg.ClientBase, product?: string): Promise<AdoptedProduct[]> {
  const iso = (column: string) => `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const { rows } = await client.query<AdoptedProduct>(
    `select p.product, p.mapping, p.services, p.authority, ${iso('p.attached_at')} as "attachedAt",
       ${iso('p.detached_at')} as "detachedAt",
       coalesce((select json_agg(json_build_object('id', s.id, 'name', s.name, 'kind', s.kind, 'relation', s.relation,
           'isAttached', s.is_attached, 'backfilledRows', s.backfilled_rows,
           'backfilledAt', ${iso('s.backfilled_at')}, 'isRemote', s.reading is not null, 'staged', s.staged,
           'followedAt', ${iso('s.followed_at')}, 'followError', s.follow_error,
           'isStale', s.reading is not null and coalesce(s.followed_at < quota.now() - interval '10 minutes', true)) order by case s.kind when 'users' then 0 when 'assistants' then 1 when 'calls' then 2 else 3 end, s.id)
         from quota.adopt_sources s where s.product = p.product and s.is_attached), '[]') as sources
     from quota.adopt_products p where $1::text is null or p.product = $1 order by p.product`,
    [product ?? null],
  );
  // Products that were attached before there was more to map.
  return rows.map((row) => ({ ...row, mapping: { ...row.mapping, carried: row.mapping.carried ?? [] } }));
}

/** Keeps other changes of adopted products out until the transaction ends. */
export async function lockProducts(client: pg.ClientBase): Promise<void> {
  await client.query('lock table quota.adopt_products in share row exclusive mode');
}

/**
 * Notes a product and its sources, makes their functions and puts the triggers on the app's tables. A source that was
 * attached before keeps its links; one whose mapping is another one is backfilled anew.
 */
export async function attachSources(
  client: pg.ClientBase,
  mapping: Mapping,
  placed: readonly AttachedSource[],
): Promise<void> {
  await client.query('create schema if not exists quota_adopt');
  await client.query('revoke all on schema quota_adopt from public');
  await client.query(
    `insert into quota.adopt_products (product, mapping, services) values ($1, $2, $3)
     on conflict (product) do update
     set mapping = excluded.mapping, services = excluded.services, detached_at = null,
       attached_at = case when quota.adopt_products.detached_at is null then quota.adopt_products.attached_at
         else quota.now() end`,
    [mapping.product, JSON.stringify(mapping), mapping.services],
  );
  await removeTriggers(client, mapping.product);
  await client.query('update quota.adopt_sources set is_attached = false where product = $1', [
    mapping.product,
  ]);
  for (const one of placed) {
    const { source, table } = one;
    const { rows } = await client.query<{ id: number }>(
      `insert into quota.adopt_sources (product, name, kind, relation, makes_users, on_delete, reading, followed)
       values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (product, name) do update
       set kind = excluded.kind, relation = excluded.relation, makes_users = excluded.makes_users,
         on_delete = excluded.on_delete, is_attached = true, backfilled_to = null, backfilled_rows = 0,
         backfilled_at = null, reading = excluded.reading, followed = excluded.followed, followed_at = null,
         followed_rows = 0, follow_error = null, follow_failed_at = null, staged = null, staged_to = null
       returning id`,
      [
        mapping.product,
        source.name,
        source.kind,
        table.relation,
        source.makesUsers,
        source.onDelete,
        one.reading === undefined ? null : JSON.stringify(one.reading),
        one.followed === undefined ? null : JSON.stringify(one.followed),
      ],
    );
    const id = rows[0]?.id ?? 0;
    // What waits was not told as rows are told now.
    await client.query('update quota.adopt_dead set is_unread = $2 where source = $1 and key is not null', [
      id,
      one.reading !== undefined,
    ]);
    await (one.reading === undefined
      ? installSource(client, id, one, mapping.timezone)
      : installTold(client, id, one));
  }
}

/** Takes the triggers and functions of a product away; the app's tables are as they were before. */
async function removeTriggers(client: pg.ClientBase, product: string): Promise<string[]> {
  const { rows } = await client.query<{ dropTrigger: string; relation: string; trigger: string }>(
    `select format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass) as "dropTrigger",
       t.tgrelid::regclass::text as relation, t.tgname as trigger
     from pg_trigger t
     join quota.adopt_sources s on t.tgname ~ ('^quota_adopt_' || s.id || '_')
     where s.product = $1 and not t.tgisinternal and t.tgparentid = 0
     order by t.tgrelid, t.tgname`,
    [product],
  );
  for (const { dropTrigger } of rows) {
    await client.query(dropTrigger);
  }
  const { rows: functions } = await client.query<{ dropFunction: string }>(
    `select format('drop function %s', p.oid::regprocedure) as "dropFunction"
     from pg_proc p
     join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'quota_adopt'
     join quota.adopt_sources s on p.proname ~ ('^source_' || s.id || '_')
     where s.product = $1`,
    [product],
  );
  for (const { dropFunction } of functions) {
    await client.query(dropFunction);
  }
  const { rows: left } = await client.query<{ id: number }>(
    'select id from quota.adopt_sources where product = $1',
    [product],
  );
  for (const { id } of left) {
    await client.query(`drop table if exists quota_adopt.work_${id}, quota_adopt.told_${id}`);
  }
  return rows.map(({ relation, trigger }) => `${trigger} on ${relation}`);
}

/** Lets a product go; what was counted stays, and so do the links. */
export async function detachProduct(client: pg.ClientBase, product: string): Promise<string[]> {
  const removed = await removeTriggers(client, product);
  await client.query('update quota.adopt_sources set is_attached = false where product = $1', [product]);
  await client.query(
    `update quota.adopt_products set detached_at = quota.now(), authority = 'app', authority_since = quota.now()
     where product = $1`,
    [product],
  );
  return removed;
}

export async function updateAuthority(
  client: pg.ClientBase,
  product: string,
  authority: Authority,
): Promise<void> {
  await client.query(
    'update quota.adopt_products set authority = $2, authority_since = quota.now() where product = $1',
    [product, authority],
  );
}

/** The products that are attached, whatever the version of the schema; none where there is no schema. */
export async function selectAttachedNames(client: pg.ClientBase): Promise<string[]> {
  const { rows: tables } = await client.query<{ there: boolean }>(
    `select to_regclass('quota.adopt_products') is not null as there`,
  );
  if (tables[0]?.there !== true) {
    return [];
  }
  const { rows } = await client.query<{ product: string }>(
    'select product from quota.adopt_products where detached_at is null order by product',
  );
  return rows.map(({ product }) => product);
}

/** A table that is in use is waited for no longer than this: whoever waits keeps others out. */
export async function waitBriefly(client: pg.ClientBase): Promise<void> {
  await client.query(`set local lock_timeout = '250ms'`);
}
