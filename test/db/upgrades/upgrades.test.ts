import { afterEach, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, query, type TestDatabase } from '../../database.ts';
import { runCli } from '../../run-cli.ts';
import { catalogueOf, dumpedAt, factsOf, landedVersions, restoreVersion } from './landed-version.ts';

let fresh: Record<string, string>;
beforeAll(async () => {
  const database = await createTestDatabase();
  fresh = await catalogueOf(database);
  await database.drop();
});

let database: TestDatabase | undefined;
afterEach(() => database?.drop());

const restored = async (version: string) => {
  database = await restoreVersion(version);
  const { url } = database;
  const run = (args: string, asOf = dumpedAt) =>
    runCli([...args.split(' '), '--as-of', asOf], { env: { DATABASE_URL: url, VAPI_API_KEY: 'none' } });
  return { url, run };
};

/** In the order in which they came. */
const planVersions = (url: string) =>
  query(
    url,
    'select plan, reason, definition::text from quota.plan_versions order by applied_at, plan, version',
  );

test('there are dumps', () => {
  expect(landedVersions).toEqual(expect.arrayContaining(['9dc017b', 'd8967f4']));
});

test.each(landedVersions)(
  '%s, migrated, is equal to a new database, and keeps every fact',
  async (version) => {
    const { url, run } = await restored(version);
    expect(await run('user list')).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('quota db migrate'),
    });
    expect((await run('db status')).stdout).toContain('older than this version');
    const before = await factsOf({ url });
    const versions = await planVersions(url);
    expect(await run('db migrate')).toMatchObject({ code: 0 });
    expect(await catalogueOf({ url })).toEqual(fresh);
    const after = await factsOf({ url });
    const shared = Object.keys(before).filter((column) => column in after);
    expect(shared.length).toBeGreaterThan(250);
    const changed = shared.filter((column) => before[column] !== after[column]);
    // Days whose calls told of tokens or bytes are rolled up anew. A built-in plan warns at more levels, which is a
    // version of it more.
    expect(changed.filter((column) => !column.startsWith('plan_versions.')).sort()).toEqual([
      'analytics_days.rolled_at',
      'plan_limits.warn_at',
      'plans.version',
    ]);
    expect(await planVersions(url)).toEqual([
      ...versions,
      { plan: 'avatar-monthly', reason: 'warns at 80, 90 and 100 %', definition: expect.any(String) },
    ]);
    expect(await run('db migrate')).toMatchObject({ code: 0, stdout: expect.stringContaining('up to date') });
    expect(await query(url, 'select name from quota.schema_migrations where sha256 is null')).toEqual([]);
  },
);

test.each(landedVersions)('%s, migrated: the main commands go on where it stopped', async (version) => {
  const { run } = await restored(version);
  await run('db migrate');
  const json = async (args: string, asOf?: string) => {
    const { code, stdout, stderr } = await run(`${args} --json`, asOf);
    return { code, data: stdout === '' ? stderr : JSON.parse(stdout) };
  };
  expect(await json('doctor')).toMatchObject({ code: 0, data: { differences: 0 } });
  const shown = await json('user show demo-exceeded');
  expect(shown).toMatchObject({ code: 0, data: { subscriptions: [{ quotas: [{ state: 'exceeded' }] }] } });
  const reset = await json('user reset demo-exceeded --no-sync --reason upgrade --yes');
  expect(reset).toMatchObject({ code: 0, data: { meters: [{ after: { used: '0.000' } }] } });
  expect((await json('reconcile run --month 2026-10')).code).toBe(3);
  expect((await run('reconcile list')).stdout).toMatch(/2026-09[\s\S]*2026-10|2026-10[\s\S]*2026-09/);
  const resets = await json('jobs reset-anniversaries --no-sync', '2026-12-20T12:00:00Z');
  expect(resets.code).toBe(0);
  expect(resets.data.reset).toBeGreaterThan(5);
  expect(await json('jobs reset-months --no-sync', '2026-12-20T12:00:00Z')).toMatchObject({ code: 0 });
  expect(await json('doctor', '2026-12-20T12:00:00Z')).toMatchObject({ code: 0, data: { differences: 0 } });
  expect(await json('audit verify')).toMatchObject({ code: 0 });
});
