import type { Knex } from 'knex';
import * as core from './0001_core.ts';
import * as reconcile from './0004_reconcile.ts';
import * as apps from './0005_apps.ts';

/** One step of the schema. Names are recorded in quota.schema_migrations: never rename a released one. */
export interface Migration {
  name: string;
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
}

/** Every migration, oldest first. */
export const migrations: readonly Migration[] = [
  { name: '0001_core', up: core.up, down: core.down },
  { name: '0004_reconcile', up: reconcile.up, down: reconcile.down },
  { name: '0005_apps', up: apps.up, down: apps.down },
];
