import type pg from 'pg';
import type { Environment } from '../context.ts';
import { configurationError } from '../errors.ts';
import { hasSqlstate } from './database-error.ts';
import { keepToTransactions } from './pooled-client.ts';
import { type AppliedStep, requireCurrentSchema } from './schema-state.ts';
import { isPooled, noticingSettings, settingsOf } from './session-settings.ts';
import { sqlstates } from './sqlstate.ts';

const serverVersionMin = 150_000;

export interface SessionSettings {
  /** ISO 8601 UTC, or null for the real clock. */
  asOf: string | null;
  actor: string;
}

/** What is known of a session once it is open. */
export interface OpenedSession {
  /** What the database says that it is; null: nobody has said. */
  mark: Environment | null;
  /** The instant of `--as-of` lies ahead of the server's clock. */
  isAheadOfTime: boolean;
  /** What the clock of the server said. */
  serverNow: Date;
}

/** Of a database from before hashes were recorded, the column is not there. */
const selectApplied = `
  (select json_agg(json_build_object('name', m.name, 'sha256', to_jsonb(m)->>'sha256') order by m.id)
    from quota.schema_migrations m) as applied`;

/** A little beyond the clock is a clock that differs. */
const selectAhead = `clock_timestamp() as clock,
  coalesce(nullif($1, '')::timestamptz > clock_timestamp() + interval '1 minute', false) as ahead`;

const selectMark = '(select environment from quota.database_mark) as mark';

interface SessionRow {
  version: number;
  pooled: boolean;
  ahead: boolean;
  clock: Date;
  applied?: AppliedStep[] | null;
  core?: string | null;
  mark?: Environment | null;
}

/**
 * Puts the settings of the session in place. One round trip.
 * @throws configurationError for a server that is too old
 */
export async function prepareSession(client: pg.Client, settings: SessionSettings): Promise<OpenedSession> {
  return openedSession(
    (await openSessionIfThere(client, settings, [selectMark])) ?? (await openSession(client, settings, [])),
  );
}

/**
 * The same, and refuses a schema that this version does not fit. Still one round trip; with `--as-of` two.
 * @throws configurationError, also where the login may not set the clock
 */
export async function prepareSessionWithSchema(
  client: pg.Client,
  settings: SessionSettings,
): Promise<OpenedSession> {
  const core = '(select sha256 from quota.schema_core) as core';
  const row =
    (await openSessionIfThere(client, settings, [selectApplied, core, selectMark])) ??
    // Only now is it worth a second look: the record of migrations alone is that of an older version.
    (await openSessionIfThere(client, settings, [selectApplied])) ??
    (await openSession(client, settings, []));
  requireCurrentSchema({ migrations: row.applied ?? [], core: row.core ?? null });
  if (settings.asOf !== null) {
    await requireClock(client);
  }
  return openedSession(row);
}

const openedSession = ({ ahead, clock, mark = null }: SessionRow): OpenedSession => ({
  isAheadOfTime: ahead,
  serverNow: clock,
  mark,
});

/** The database ignores the clock of a login that may not set it: whoever asked for it would get answers for now. */
async function requireClock(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ login: string; isHeeded: boolean }>(
    `select session_user as login,
       quota.now() = current_setting('quota.as_of')::timestamptz as "isHeeded"`,
  );
  if (rows[0]?.isHeeded !== true) {
    throw configurationError(`--as-of is not for the login ${rows[0]?.login}: its clock is the real one`, {
      detail: 'the clock is set by the owner of the schema quota and by members of quota_operator only',
      suggestion: 'leave --as-of out, or use such a login',
    });
  }
}

async function openSessionIfThere(
  client: pg.Client,
  settings: SessionSettings,
  columns: readonly string[],
): Promise<SessionRow | undefined> {
  try {
    return await openSession(client, settings, columns);
  } catch (error) {
    if (hasSqlstate(error, sqlstates.undefined_table)) {
      return undefined;
    }
    throw error;
  }
}

/** A host may refuse what only helps it to notice a break: then the session goes without. */
const isRefusedSetting = (error: unknown) =>
  ['42501', '42704', '22023', '0A000', '55P02'].some((code) => hasSqlstate(error, code));

async function openSession(
  client: pg.Client,
  { asOf, actor }: SessionSettings,
  columns: readonly string[],
): Promise<SessionRow> {
  const open = (besides: readonly string[]) =>
    client.query<SessionRow>(
      `select ${[
        settingsOf('$1', '$2', isPooled),
        `current_setting('server_version_num')::int as version, ${isPooled} as pooled`,
        selectAhead,
        ...besides,
        ...columns,
      ].join(', ')}`,
      [asOf ?? '', actor, processId(client)],
    );
  const { rows } = await open(noticingSettings).catch((error: unknown) => {
    if (isRefusedSetting(error)) {
      return open([]);
    }
    throw error;
  });
  const [row] = rows;
  if (row === undefined) {
    throw new Error('the server did not answer what it is');
  }
  requireServerVersion(row.version);
  if (row.pooled) {
    keepToTransactions(
      client,
      settingsOf(client.escapeLiteral(asOf ?? ''), client.escapeLiteral(actor), 'true'),
    );
  }
  return row;
}

/** What the server told the client on connecting; the types of pg leave it out. */
const processId = (client: pg.Client): number => (client as unknown as { processID: number }).processID;

function requireServerVersion(version: number): void {
  if (version < serverVersionMin) {
    throw configurationError(`the server is PostgreSQL ${Math.floor(version / 10_000)}, which is too old`, {
      suggestion: 'use PostgreSQL 15 to 18',
    });
  }
}
