import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createTestDatabase, query } from '../database.ts';
import { type CliOptions, runCli } from '../run-cli.ts';

export type Desk = Awaited<ReturnType<typeof openDesk>>;

export const callHeader =
  'provider_call_id,provider_assistant_id,user_external_id,started_at,ended_at,duration_seconds,cost,status';

/** A database and a folder of its own, with two users and an assistant of each. */
export async function openDesk() {
  const database = await createTestDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'quota-imports-'));
  const path = (name: string) => join(folder, name);
  const env = { DATABASE_URL: database.url };
  await query(
    database.url,
    `with added as (
      insert into quota.users (external_id, email, created_at, timezone)
      values ('ada', 'ada@example.com', '2026-01-31T12:00:00Z', 'UTC'), ('bob', 'bob@example.com', '2026-02-10T12:00:00Z', 'Europe/Berlin')
      returning id, external_id
    )
    insert into quota.assistants (user_id, provider_assistant_id, name)
    select id, 'assistant-of-' || external_id, 'Assistant' from added`,
  );
  const desk = {
    url: database.url,
    env,
    path,
    write(name: string, content: string | Uint8Array): string {
      writeFileSync(path(name), content);
      return path(name);
    },
    run: (args: readonly string[], options: CliOptions = {}) =>
      runCli(['import', ...args], { ...options, env: { ...env, ...options.env } }),
    /** The report of an import that succeeds in silence. */
    async report(...args: string[]) {
      const { code, stdout, stderr } = await desk.run([...args, '--json', '--quiet']);
      expect(`${code} ${stderr}`).toBe('0 ');
      return JSON.parse(stdout);
    },
    /** The error of an import that does not. */
    async failure(...args: string[]) {
      const { code, stdout, stderr } = await desk.run([...args, '--json', '--quiet']);
      expect(stdout).toBe('');
      return { exit: code, ...JSON.parse(stderr).error };
    },
    query: (sql: string, values: unknown[] = []) => query(database.url, sql, values),
    /** Everything that an import may change: two equal texts mean that nothing was. Rolling back leaves gaps in sequences. */
    async fingerprint({ sequences = true } = {}): Promise<string> {
      const [row] = await query<{ fingerprint: string }>(
        database.url,
        `select md5(concat_ws('|',
          (select string_agg(t::text, ',' order by t::text) from quota.users t),
          (select string_agg(t::text, ',' order by t::text) from quota.subscriptions t),
          (select string_agg(t::text, ',' order by t::text) from quota.assistants t),
          (select string_agg(t::text, ',' order by t::text) from quota.call_logs t),
          (select string_agg(t::text, ',' order by t::text) from quota.usage_quotas t),
          (select string_agg(t::text, ',' order by t::text) from quota.usage_alerts t),
          (select string_agg(t::text, ',' order by t::text) from quota.assistant_limits t),
          (select string_agg(t::text, ',' order by t::text) from quota.audit_log t),
          (select string_agg(concat(sequencename, last_value), ',' order by sequencename) from pg_sequences
            where schemaname = 'quota' and $1))) as fingerprint`,
        [sequences],
      );
      return row?.fingerprint ?? '';
    },
    /** Quotas that are not what their facts sum to: none, always. */
    drift: () =>
      query(
        database.url,
        `select * from quota.usage_from_facts()
        except select user_id, meter, period_start, used, adjusted, cost, calls from quota.usage_quotas`,
      ),
    async close(): Promise<void> {
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return desk;
}
