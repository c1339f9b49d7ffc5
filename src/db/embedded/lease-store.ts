import type pg from 'pg';
import { type PidFile, parsePidFile } from './pid-file.ts';

/**
 * The lease: an advisory lock that every process using the embedded server shares. The server itself lets go of it
 * when a process dies, however it dies. The two numbers are "quot" and "leas" in ASCII.
 */
const leaseKey = [0x71756f74, 0x6c656173];

/**
 * Takes the lease. `busy` while somebody is deciding whether to stop the server. The server's pid file is read
 * after the lock is held: a server that is going down says so there before it ends the session of whoever stops it,
 * so a lease taken on a `ready` server is good.
 */
export async function takeLease(client: pg.Client): Promise<'busy' | PidFile | undefined> {
  const { rows } = await client.query<{ pid_file: string | null }>(
    `select case when pg_try_advisory_lock_shared($1, $2)
                 then coalesce(pg_read_file('postmaster.pid', true), '') end as pid_file`,
    leaseKey,
  );
  const text = rows[0]?.pid_file ?? null;
  return text === null ? 'busy' : parsePidFile(text);
}

/** Takes the lease for oneself alone: true if nobody else holds it, and nobody can take it from then on. */
export async function takeSoleLease(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ sole: boolean }>(
    'select pg_try_advisory_lock($1, $2) as sole',
    leaseKey,
  );
  return rows[0]?.sole === true;
}

/** Gives the lease back and tries for the sole one. */
export async function giveUpLease(client: pg.Client): Promise<boolean> {
  await client.query('select pg_advisory_unlock_shared($1, $2)', leaseKey);
  return takeSoleLease(client);
}

/** How many other clients are connected: quota's, psql, an app. */
export async function countOtherClients(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ clients: number }>(
    `select count(*)::int as clients from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  return rows[0]?.clients ?? 0;
}

/** The version and how many processes hold the lease. */
export async function readServerState(
  client: pg.Client,
): Promise<{ serverVersion: string; sessions: number; pidFile: PidFile | undefined }> {
  const { rows } = await client.query<{ server_version: string; sessions: number; pid_file: string }>(
    `select current_setting('server_version') as server_version,
            coalesce(pg_read_file('postmaster.pid', true), '') as pid_file,
            (select count(*)::int from pg_locks
              where locktype = 'advisory' and granted and classid = $1 and objid = $2 and objsubid = 2) as sessions`,
    leaseKey,
  );
  const row = rows[0];
  return {
    serverVersion: row?.server_version ?? '',
    sessions: row?.sessions ?? 0,
    pidFile: parsePidFile(row?.pid_file ?? ''),
  };
}
