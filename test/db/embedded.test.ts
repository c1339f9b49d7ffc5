import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded-session.ts';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'quota-test-embedded-'));
  chmodSync(dataDir, 0o711);
});

afterEach(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));

test('the first session makes the cluster, the second shares it, the last to leave stops it', async () => {
  const first = await openEmbedded({ dataDir });
  const second = await openEmbedded({ dataDir, clientConfig: { application_name: 'second' } });
  await first.client.query('create table kept as select 7 as answer');
  expect((await second.client.query('table kept')).rows).toEqual([{ answer: 7 }]);
  expect((await second.client.query('show application_name')).rows[0].application_name).toBe('second');
  await first.close();
  expect((await second.client.query('select 1 as alive')).rows).toEqual([{ alive: 1 }]);
  await second.close();
  await expect.poll(() => existsSync(join(dataDir, 'postgres-18', 'postmaster.pid'))).toBe(false);

  const again = await openEmbedded({ dataDir });
  expect((await again.client.query('table kept')).rows).toEqual([{ answer: 7 }]);
  await again.close();
});

test('the server of the test run is there', async () => {
  const client = new pg.Client(inject('serverUrl'));
  await client.connect();
  expect((await client.query('show fsync')).rows).toEqual([{ fsync: 'off' }]);
  await client.end();
});
