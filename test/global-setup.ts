import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { withClient } from '../src/db/client.ts';
import { stopEmbedded } from '../src/db/embedded/control.ts';
import { isAlive } from '../src/db/embedded/pid-file.ts';
import { openEmbedded } from '../src/db/embedded/session.ts';
import { createTemplateDatabase, templateDatabase } from './template-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The database `quota` of a server that lives as long as the test run. */
    serverUrl: string;
  }
}

const prefix = 'quota-test-run-';

/** It may forget everything in a crash; one test has 200 clients, and two others run beside it. */
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: 500 };

/** The server has hundreds of clients at times, of a test that runs beside another. */
const patience = 'connect_timeout=60';

/**
 * One embedded server for the whole run. With QUOTA_TEST_SERVER_URL, the URL of the database `postgres` of a server of
 * any version, by a superuser, databases are made there instead.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Tests that run the bin never run an old build.
  execFileSync(process.execPath, ['scripts/build.mjs', '--if-changed'], { stdio: 'inherit' });
  const given = process.env.QUOTA_TEST_SERVER_URL;
  if (given) {
    return await useServer(given, project);
  }
  await removeAbandoned();
  const dataDir = mkdtempSync(join(placeOfServer(), `${prefix}${process.pid}-`));
  chmodSync(dataDir, 0o711); // as root, the server's account must be able to pass
  try {
    const first = await openEmbedded({ dataDir });
    for (const [name, value] of Object.entries(settings)) {
      await first.client.query(`alter system set ${name} = ${value}`);
    }
    await first.close(); // The last to leave stops it, and the next start has the settings.
    const session = await openEmbedded({ dataDir });
    await createTemplateDatabase(session.client, session.url);
    project.provide('serverUrl', `${session.url}&${patience}`);
    return async () => {
      await session.close();
      await remove(dataDir);
    };
  } catch (error) {
    await remove(dataDir);
    throw error;
  }
}

async function useServer(url: string, project: TestProject): Promise<() => Promise<void>> {
  await withClient(url, async (client) => {
    await client.query(`drop database if exists ${templateDatabase}`);
    await createTemplateDatabase(client, url);
  });
  project.provide('serverUrl', url);
  return () =>
    withClient(url, async (client) => {
      await client.query(`drop database ${templateDatabase}`);
    });
}

/** Stops and removes the servers of test runs that were killed; those of other users are theirs to remove. */
async function removeAbandoned(): Promise<void> {
  for (const place of new Set([tmpdir(), placeOfServer()])) {
    for (const name of readdirSync(place)) {
      const isRun = name.startsWith(prefix) && !isAlive(Number.parseInt(name.slice(prefix.length), 10));
      if (isRun && statSync(join(place, name), { throwIfNoEntry: false })?.uid === process.getuid?.()) {
        await remove(join(place, name));
      }
    }
  }
}

const memory = '/dev/shm';
const enough = 4 * 2 ** 30;

/** In memory where there is room: a third of the server's time for a test was files made, written and removed. */
function placeOfServer(): string {
  try {
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize > enough ? memory : tmpdir();
  } catch {
    return tmpdir(); // not a Linux
  }
}

async function remove(dataDir: string): Promise<void> {
  await stopEmbedded(dataDir, { force: true });
  rmSync(dataDir, { recursive: true, force: true });
}
