import { createHash } from 'node:crypto';
import type pg from 'pg';
import { version } from '../../../package.json';
import type { CatalogueKind, CatalogueObject } from './catalogue-store.ts';

/** Which core the database has, as it was recorded when it was installed. */
export interface CoreRecord {
  /** Null: a rollback took it away. */
  sha256: string | null;
  /** Of the quota that installed it. */
  version: string;
  /** ISO 8601 UTC. */
  installedAt: string;
  installedBy: string;
}

/** One thing of the schema as it was when the core was installed. */
export interface RecordedObject {
  kind: CatalogueKind;
  identity: string;
  /** sha256 of the statements that made it; null where a migration did. */
  source: string | null;
  /** sha256 of what the catalogue said of it then. */
  digest: string;
  /** The server prints views in the words of its version: they are compared by the version that recorded them. */
  isComparable: boolean;
}

export const digestOf = ({ definition }: Pick<CatalogueObject, 'definition'>): string =>
  createHash('sha256').update(definition).digest('hex');

/** Makes what the record needs, beside knex's own table of migrations. */
export async function makeCoreRecord(client: pg.ClientBase): Promise<void> {
  await client.query(`
    create table if not exists quota.schema_core (
      is_installed boolean primary key default true check (is_installed),
      sha256 text,
      version text not null,
      installed_at timestamptz not null default clock_timestamp(),
      installed_by text not null default session_user
    );
    comment on table quota.schema_core is 'Which functions, triggers, views, policies and rights were installed, and by whom.';
    create table if not exists quota.schema_objects (
      kind text not null,
      identity text not null,
      source text,
      digest text not null,
      server_version integer not null default current_setting('server_version_num')::integer / 10000,
      primary key (kind, identity)
    );
    comment on table quota.schema_objects is 'What each thing of the schema was when it was installed, so that a change by hand shows.';
    comment on column quota.schema_objects.source is 'sha256 of the statements of sql/; null: made by a migration.';
    comment on column quota.schema_objects.digest is 'sha256 of what the catalogue says.'`);
}

/** Null: the database was made before there was a record, or has no tables at all. */
export async function readCoreRecord(client: pg.ClientBase): Promise<CoreRecord | null> {
  if (!(await exists(client, 'quota.schema_core'))) {
    return null;
  }
  const { rows } = await client.query<CoreRecord & { installedAt: Date }>(
    `select sha256, version, installed_at as "installedAt", installed_by as "installedBy" from quota.schema_core`,
  );
  const row = rows[0];
  return row === undefined ? null : { ...row, installedAt: row.installedAt.toISOString() };
}

/** Null as with the record; empty after a rollback. */
export async function readRecordedObjects(client: pg.ClientBase): Promise<RecordedObject[] | null> {
  if ((await readCoreRecord(client)) === null) {
    return null;
  }
  const { rows } = await client.query<RecordedObject>(
    `select kind, identity, source, digest,
       kind <> 'view' or server_version = current_setting('server_version_num')::integer / 10000 as "isComparable"
     from quota.schema_objects order by kind, identity`,
  );
  return rows;
}

/** @param sha256 of the core; null: it was taken away. */
export async function recordCore(
  client: pg.ClientBase,
  sha256: string | null,
  objects: readonly Omit<RecordedObject, 'isComparable'>[],
): Promise<void> {
  await client.query('delete from quota.schema_objects');
  await client.query(
    `insert into quota.schema_objects (kind, identity, source, digest)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])`,
    [
      objects.map(({ kind }) => kind),
      objects.map(({ identity }) => identity),
      objects.map(({ source }) => source),
      objects.map(({ digest }) => digest),
    ],
  );
  await client.query(
    `insert into quota.schema_core as c (sha256, version) values ($1, $2)
     on conflict (is_installed) do update set sha256 = excluded.sha256, version = excluded.version,
       installed_at = excluded.installed_at, installed_by = excluded.installed_by`,
    [sha256, version],
  );
}

async function exists(client: pg.ClientBase, table: string): Promise<boolean> {
  const { rows } = await client.query<{ name: string | null }>('select to_regclass($1) as name', [table]);
  return rows[0]?.name != null;
}
