import pg from 'pg';
import { expect } from 'vitest';
import { query } from './database.ts';

/** A session that holds what a statement locks, until it ends. */
export async function openSession(url: string, sql: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows: own } = await client.query('select pg_backend_pid() as pid');
  await client.query('begin');
  await client.query(sql);
  return {
    /** Until somebody waits for it. */
    waitedFor: async () => {
      await expect
        .poll(
          () =>
            query(url, 'select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))', [own[0].pid]),
          { timeout: 20_000 },
        )
        .not.toEqual([]);
    },
    /** Ends the sessions that wait for it. */
    endWaiting: () =>
      query(
        url,
        'select pg_terminate_backend(pid, 5000) from pg_stat_activity where $1 = any (pg_blocking_pids(pid))',
        [own[0].pid],
      ),
    end: () => client.end(),
  };
}

/** Looks into a database so often, or until it is over: the moments at which something is killed lie that far apart. */
export async function looksAround(url: string, looks: number, isOver: () => boolean): Promise<void> {
  for (let look = 0; look < looks && !isOver(); look += 1) {
    await query(url, 'select count(*) from pg_stat_activity');
  }
}
