import type pg from 'pg';
import { configurationError } from '../errors.ts';
import { hasSqlstate } from './database-error.ts';
import { compareSchema, requireCurrentSchema } from './schema-state.ts';
import { sqlstates } from './sqlstate.ts';

/** A row that somebody else keeps locked for longer is reported as "try again". */
const lockTimeout = '30s';
const serverVersionMin = 150_000;

export interface SessionSettings {
  /** ISO 8601 UTC, or null for the real clock. */
  asOf: string | null;
  actor: string;
}

const setSession = `
  set_config('quota.as_of', $1, false), set_config('quota.actor', $2, false), set_config('TimeZone', 'UTC', false),
  set_config('lock_timeout', '${lockTimeout}', false), current_setting('server_version_num')::int as version`;

/** Puts the settings of the session in place. One round trip. */
export async function prepareSession(client: pg.Client, settings: SessionSettings): Promise<void> {
  const { rows } = await client.query<{ version: number }>(`select ${setSession}`, parameters(settings));
  requireServerVersion(rows[0]?.version);
}

/**
 * The same, and refuses a schema that this version does not fit. Still one round trip.
 * @throws configurationError
 */
export async function prepareSessionWithSchema(client: pg.Client, settings: SessionSettings): Promise<void> {
  try {
    const { rows } = await client.query<{ version: number; applied: string[] }>(
      `select ${setSession}, array(select name from quota.schema_migrations order by id) as applied`,
      parameters(settings),
    );
    requireServerVersion(rows[0]?.version);
    requireCurrentSchema(compareSchema(rows[0]?.applied ?? []));
  } catch (error) {
    if (!hasSqlstate(error, sqlstates.undefined_table)) {
      throw error;
    }
    await prepareSession(client, settings);
    requireCurrentSchema('missing');
  }
}

const parameters = ({ asOf, actor }: SessionSettings) => [asOf ?? '', actor];

function requireServerVersion(version: number | undefined): void {
  if (version !== undefined && version < serverVersionMin) {
    throw configurationError(`the server is PostgreSQL ${Math.floor(version / 10_000)}, which is too old`, {
      suggestion: 'use PostgreSQL 15 to 18',
    });
  }
}
