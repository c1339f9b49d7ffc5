import type pg from 'pg';

export interface AppliedMigration {
  name: string;
  /** Migrations applied by one `quota db migrate` share a batch. */
  batch: number;
  /** ISO 8601 UTC. */
  appliedAt: string;
  /** Of what was applied; null: applied before hashes were recorded. */
  sha256: string | null;
}

/** In the order they were applied; none where there is no table of migrations. */
export async function readApplied(client: pg.ClientBase): Promise<AppliedMigration[]> {
  const { rows: tables } = await client.query(`select to_regclass('quota.schema_migrations') as name`);
  if (tables[0].name === null) {
    return [];
  }
  const { rows } = await client.query<AppliedMigration & { appliedAt: Date }>(
    `select m.name, m.batch, m.migration_time as "appliedAt", to_jsonb(m)->>'sha256' as sha256
     from quota.schema_migrations m order by m.id`,
  );
  return rows.map((row) => ({ ...row, appliedAt: row.appliedAt.toISOString() }));
}

/** Records the hash of what was applied just now, or by a version that recorded none. */
export async function recordHashes(
  client: pg.ClientBase,
  migrations: readonly { name: string; sha256: string }[],
): Promise<void> {
  await client.query(`
    do $$
    begin
      -- Asked first: even where there is nothing to add, "alter table" would wait for whoever reads.
      if not exists (
        select from pg_attribute
        where attrelid = 'quota.schema_migrations'::regclass and attname = 'sha256' and not attisdropped)
      then
        alter table quota.schema_migrations add column sha256 text;
        comment on column quota.schema_migrations.sha256 is 'Of the file that was applied: it is frozen.';
      end if;
    end $$`);
  await client.query(
    `update quota.schema_migrations m set sha256 = k.sha256
     from unnest($1::text[], $2::text[]) k(name, sha256)
     where k.name = m.name and m.sha256 is null`,
    [migrations.map(({ name }) => name), migrations.map(({ sha256 }) => sha256)],
  );
}
