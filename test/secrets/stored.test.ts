import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-10-05T00:00:00Z' });
let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer((_request, response) => response.writeHead(500).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  const userId = await desk.addUser({ externalId: 'ada' });
  await desk.addCalls({ userId, at: '2026-10-04T00:00:00Z', seconds: '590' });
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** Everything that the database holds as text. */
async function everything(): Promise<string> {
  const tables = await desk.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'quota'::regnamespace and relkind in ('r', 'p')`,
  );
  return JSON.stringify(
    await Promise.all(tables.map(({ name }) => desk.query(`select t::text from quota.${name} t`))),
  );
}

test.each([
  [
    'credentials of a webhook',
    () => ({
      QUOTA_ALERT_URL: `http://bot:Wv9-hook-word@127.0.0.1:${port}/Wv9-token-in-the-path`,
      QUOTA_ALERT_SECRET: 'Wv9-hmac-secret',
    }),
  ],
  [
    'a webhook out of reach',
    () => ({
      QUOTA_ALERT_URL: 'http://127.0.0.1:1/Wv9-token-in-the-path?key=Wv9-query',
      QUOTA_ALERT_SECRET: 'Wv9-hmac-secret',
    }),
  ],
  ['what a command says', () => ({ QUOTA_ALERT_COMMAND: 'echo key Wv9-pager-key-of-ada >&2; exit 3' })],
  ['a command that is not there', () => ({ QUOTA_ALERT_COMMAND: 'Wv9-pager-key-of-ada' })],
])('%s: nothing of it is kept or told', async (_what, env) => {
  await desk.query(
    `update quota.alert_deliveries set next_attempt_at = '2026-10-05', attempts = 0, status = 'pending'`,
  );
  const { code, stdout, stderr } = await desk.with({ env: env() }).run('jobs', 'raise-alerts');
  expect(code).toBe(75);
  expect(`${stdout}${stderr}`).not.toContain('Wv9');
  expect(await everything()).not.toContain('Wv9');
  expect((await desk.run('jobs', 'raise-alerts', '--dry-run', '--json')).stdout).not.toContain('Wv9');
});

test('the error of a run is kept without the key', async () => {
  await desk.query(
    `update quota.alert_deliveries set next_attempt_at = '2026-10-05', attempts = 0, status = 'pending'`,
  );
  await desk.query(`create or replace function public.fail_with_key() returns trigger language plpgsql as $$
    begin raise exception 'upstream refused the key Wv9-vapi-key-of-ours'; end $$`);
  await desk.query(
    `create trigger fails before update on quota.alert_deliveries for each row execute function public.fail_with_key()`,
  );
  const { code, stderr } = await desk
    .with({ env: { QUOTA_ALERT_COMMAND: 'true', VAPI_API_KEY: 'Wv9-vapi-key-of-ours' } })
    .run('jobs', 'raise-alerts');
  expect(code).not.toBe(0);
  expect(stderr).not.toContain('Wv9');
  const [run] = await desk.query(`select status, error from quota.job_runs order by started_at desc limit 1`);
  expect(run).toMatchObject({ status: 'failed', error: expect.stringContaining('refused the key ***') });
});
