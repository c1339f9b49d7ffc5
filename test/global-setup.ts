import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openEmbedded } from '../src/db/embedded-session.ts';
import { createTemplateDatabase } from './template-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The database `quota` of a server that lives as long as the test run. */
    serverUrl: string;
  }
}

/** One embedded server for the whole run; it may forget everything in a crash. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'quota-test-server-'));
  chmodSync(dataDir, 0o711); // as root, the server's account must be able to pass
  const session = await openEmbedded({ dataDir });
  await session.client.query('alter system set fsync = off');
  await session.client.query('alter system set synchronous_commit = off');
  await session.client.query('alter system set full_page_writes = off');
  await session.client.query('select pg_reload_conf()');
  await createTemplateDatabase(session.client, session.url);
  project.provide('serverUrl', session.url);
  return async () => {
    await session.close();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  };
}
