import type pg from 'pg';
import type { Settings } from '../context.ts';
import { configurationError, exitCodes, QuotaError, unavailableError } from '../errors.ts';
import { utc } from '../values/utc.ts';
import { withClient } from './client.ts';
import { identify, isSameDatabase } from './identity-store.ts';

/** Data that is older is told of. */
const ageSecondsMax = 10;
/** What was committed is there within so long, where nothing holds it up. */
const applySeconds = 0.2;

export interface ReplicaRequest {
  settings: Pick<Settings, 'databaseUrl'>;
  signal: AbortSignal;
  warn?(text: string): void;
}

/** Which transactions of the primary were over when it was asked: all before `oldest`, and the one before `next`. */
interface Commits {
  oldest: string;
  next: string;
}

/** How far a standby has come. */
interface Standing {
  isStandby: boolean;
  /** When the last transaction that it has was committed, by the clock of the primary; null: none since it was started. */
  lastAtMs: number | null;
  ageSeconds: number | null;
}

/**
 * Holds that a connection is to a standby of the primary, and tells how old its data is where it has fallen behind.
 * @throws configurationError for a server that is no standby, and for a standby of another database
 */
export async function requireReplica(client: pg.Client, request: ReplicaRequest): Promise<void> {
  const standing = await selectStanding(client);
  if (!standing.isStandby) {
    throw configurationError('the server of QUOTA_REPLICA_URL is no standby', {
      detail: `${client.host}:${client.port} takes changes itself`,
      suggestion: `name a streaming replica of the server of DATABASE_URL; ${withoutReplica}`,
    });
  }
  const primary = await askPrimary(request);
  if (primary !== undefined && !isSameDatabase(primary.identity, await identify(client))) {
    throw configurationError('the server of QUOTA_REPLICA_URL follows another database', {
      detail: `${client.host}:${client.port}/${client.database} is no copy of the database of DATABASE_URL`,
      suggestion: `name a streaming replica of that; ${withoutReplica}`,
    });
  }
  const isOld = standing.ageSeconds === null || standing.ageSeconds > ageSecondsMax;
  if (primary === undefined) {
    request.warn?.(
      `the primary does not answer: whether the replica follows it is not known${ageText(standing)}`,
    );
  } else if (isOld && !(await hasSoon(client, primary.commits))) {
    request.warn?.(`the replica is behind the primary${ageText(standing)}`);
  }
}

const withoutReplica = 'without QUOTA_REPLICA_URL the primary is asked';

/** The words for a server that is away, which speak of DATABASE_URL, for a replica that is. */
export const replicaAwayError = (error: unknown): unknown =>
  isAway(error)
    ? unavailableError(error.message, {
        detail: error.detail,
        suggestion: `it is the replica of QUOTA_REPLICA_URL: look whether it runs; ${withoutReplica}`,
        cause: error,
      })
    : error;

const isAway = (error: unknown): error is QuotaError =>
  error instanceof QuotaError && error.exitCode === exitCodes.unavailable;

/** What the primary says of itself; undefined: it is away, which keeps nobody from reading. */
async function askPrimary({ settings: { databaseUrl = '' }, signal }: ReplicaRequest) {
  try {
    return await withClient(
      databaseUrl,
      async (client) => ({ identity: await identify(client), commits: await selectCommits(client) }),
      signal,
    );
  } catch (error) {
    if (isAway(error)) {
      return undefined;
    }
    throw error;
  }
}

async function selectCommits(client: pg.ClientBase): Promise<Commits> {
  const { rows } = await client.query<Commits>(
    `select pg_catalog.pg_snapshot_xmin(s)::text as oldest, pg_catalog.pg_snapshot_xmax(s)::text as next
     from pg_catalog.pg_current_snapshot() s`,
  );
  return rows[0] ?? { oldest: '0', next: '0' };
}

async function selectStanding(client: pg.ClientBase): Promise<Standing> {
  const { rows } = await client.query<Standing>(
    `select pg_catalog.pg_is_in_recovery() as "isStandby", extract(epoch from last_at)::float8 * 1000 as "lastAtMs",
       extract(epoch from pg_catalog.clock_timestamp() - last_at)::float8 as "ageSeconds"
     from pg_catalog.pg_last_xact_replay_timestamp() last_at`,
  );
  return rows[0] ?? { isStandby: false, lastAtMs: null, ageSeconds: null };
}

/**
 * Whether a standby has what was committed, now or in a moment. Neither the age of its last transaction tells that - nothing
 * may have happened since -, nor how much of the log it has applied: what was read, and half of a record, are logged, too.
 */
async function hasSoon(client: pg.ClientBase, commits: Commits): Promise<boolean> {
  if (await hasCommits(client, commits)) {
    return true;
  }
  await client.query('select pg_catalog.pg_sleep($1)', [applySeconds]);
  return hasCommits(client, commits);
}

async function hasCommits(client: pg.ClientBase, { oldest, next }: Commits): Promise<boolean> {
  const { rows } = await client.query<{ isThere: boolean }>(
    `select pg_catalog.pg_snapshot_xmin(s) >= $1::xid8 and pg_catalog.pg_snapshot_xmax(s) >= $2::xid8 as "isThere"
     from pg_catalog.pg_current_snapshot() s`,
    [oldest, next],
  );
  return rows[0]?.isThere === true;
}

/** `; its last change is of 2026-11-03 14:05:07Z, 42 s ago` */
function ageText({ lastAtMs, ageSeconds }: Standing): string {
  if (lastAtMs === null || ageSeconds === null) {
    return '';
  }
  const lastAt = utc(lastAtMs);
  const age =
    ageSeconds < 120
      ? `${Math.floor(ageSeconds)} s ago`
      : lastAt.from(utc(lastAtMs + Math.floor(ageSeconds) * 1000));
  return `; its last change is of ${lastAt.format('YYYY-MM-DD HH:mm:ss[Z]')}, ${age}`;
}
