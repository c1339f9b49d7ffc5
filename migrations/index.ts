import { manifest } from 'virtual:sql/manifest';
import type { Knex } from 'knex';

/** One step of the tables. Its name and hash are recorded in quota.schema_migrations: it is frozen once released. */
export interface Migration {
  name: string;
  /** Of the file that is applied. */
  sha256: string;
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
}

type Direction = 'up' | 'down';

/** Every command compares names and hashes; the SQL is loaded by those that apply it. */
const run = (name: string, direction: Direction) => async (knex: Knex) => {
  const { migrations: texts } = await import('virtual:sql/migrations');
  await knex.raw((texts[name]?.[direction] ?? '').replaceAll('?', '\\?'));
};

/** Every migration, oldest first: the files NNNN_name.sql of this folder, with NNNN_name.down.sql as the way back. */
export const migrations: readonly Migration[] = manifest.migrations.map(({ name, sha256 }) => ({
  name,
  sha256,
  up: run(name, 'up'),
  down: run(name, 'down'),
}));
