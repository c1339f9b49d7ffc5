import type { Knex } from 'knex';

interface Steps {
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
}

/** One step of the schema. Names are recorded in quota.schema_migrations: never rename a released one. */
export interface Migration extends Steps {
  name: string;
}

/** Every command compares the names; the SQL is loaded by those that apply it. */
const migration = (name: string, load: () => Promise<Steps>): Migration => ({
  name,
  up: async (knex) => (await load()).up(knex),
  down: async (knex) => (await load()).down(knex),
});

/** Every migration, oldest first. */
export const migrations: readonly Migration[] = [
  migration('0001_core', () => import('./0001_core.ts')),
  migration('0002_limits', () => import('./0002_limits.ts')),
  migration('0004_reconcile', () => import('./0004_reconcile.ts')),
  migration('0005_apps', () => import('./0005_apps.ts')),
  migration('0006_plans', () => import('./0006_plans.ts')),
  migration('0007_audit', () => import('./0007_audit.ts')),
  migration('0008_analytics', () => import('./0008_analytics.ts')),
  migration('0009_cache', () => import('./0009_cache.ts')),
  migration('0010_privacy', () => import('./0010_privacy.ts')),
  migration('0011_fetches', () => import('./0011_fetches.ts')),
  migration('0012_readings', () => import('./0012_readings.ts')),
  migration('0013_controls', () => import('./0013_controls.ts')),
];
