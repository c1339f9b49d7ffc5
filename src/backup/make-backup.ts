import { createHash } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type pg from 'pg';
import { version } from '../../package.json';
import { findBrokenSeals } from '../audit/hold-seals.ts';
import { selectBentReasons, selectSealSums } from '../audit/seal-store.ts';
import type { Context, Database } from '../context.ts';
import { copyText } from '../db/copy.ts';
import { readApplied } from '../db/migration-record-store.ts';
import { listed, named } from '../db/row-sum.ts';
import { selectServerVersion } from '../db/server-store.ts';
import { libpqEnvironment } from '../db/target/libpq-environment.ts';
import { withSnapshot } from '../db/transaction.ts';
import { configurationError } from '../errors.ts';
import { digestOf } from '../files/digest.ts';
import { createFile, privateMode } from '../files/write-file.ts';
import {
  type AuditState,
  type BackupManifest,
  type BackupMethod,
  dataNames,
  manifestName,
  type TableSum,
} from './manifest.ts';
import { toolVersion, withTool } from './postgres-tools.ts';
import {
  exportSnapshot,
  rowsQuery,
  selectSequences,
  selectSum,
  selectTables,
  selectUnreadable,
  type TableShape,
} from './table-store.ts';

type Work = Pick<Context, 'talk' | 'signal'>;

/**
 * How a backup of this server is made: by pg_dump, where it is here and not older than the server.
 * @param wanted what was asked for
 * @throws configurationError where pg_dump was asked for and cannot be used
 */
export async function chooseMethod(
  client: pg.ClientBase,
  wanted?: BackupMethod,
): Promise<{ method: BackupMethod; why: string | null }> {
  if (wanted === 'copy') {
    return { method: 'copy', why: null };
  }
  const server = Number.parseInt(await selectServerVersion(client), 10);
  const found = await toolVersion('pg_dump');
  if (found !== null && found >= server) {
    return { method: 'pg_dump', why: null };
  }
  const why =
    found === null
      ? 'there is no pg_dump on this machine'
      : `pg_dump here is ${found}, older than the server, ${server}`;
  if (wanted === 'pg_dump') {
    throw configurationError(why, {
      suggestion: `install postgresql-client-${server}, or leave --method out`,
    });
  }
  return { method: 'copy', why };
}

/** @throws configurationError for a login from which rows are kept back. */
export async function requireWholeSight(client: pg.ClientBase): Promise<void> {
  const unreadable = await selectUnreadable(client);
  if (unreadable.length > 0) {
    throw configurationError('permission denied to read every row, and half a backup is none', {
      detail: `kept from this login: ${unreadable.join(', ')}`,
      suggestion:
        'use the owner of the schema, or a login with BYPASSRLS and pg_read_all_data: docs/backup.md, docs/roles.md',
    });
  }
}

/** Saves every table into a folder that is there and empty, as of one moment, and reads nothing else into memory. */
export async function makeBackup(
  work: Work,
  { client, url }: Database,
  folder: string,
  method: BackupMethod,
): Promise<BackupManifest> {
  const name = dataNames[method];
  return withSnapshot(client, async () => {
    const { snapshot, takenAt } = await exportSnapshot(client);
    const migrations = (await readApplied(client)).map((step) => ({ name: step.name, sha256: step.sha256 }));
    const shapes = await selectTables(client);
    const dumped =
      method === 'copy'
        ? await saveByCopy(work, client, shapes, join(folder, name))
        : await dump(work, { client, url }, snapshot, join(folder, name));
    const tables: TableSum[] = [];
    for (const shape of shapes) {
      work.talk.verbose(`adding up ${shape.table}`);
      tables.push(await selectSum(client, shape));
    }
    const manifest: BackupManifest = {
      format: 1,
      method,
      takenAt,
      version,
      database: client.database ?? '',
      server: await selectServerVersion(client),
      migrations,
      file: { name, ...dumped },
      tables,
      sequences: await selectSequences(client),
      audit: await readAuditState(client),
    };
    await createFile(join(folder, manifestName), (write) => write(`${JSON.stringify(manifest, null, 2)}\n`));
    return manifest;
  });
}

/** What the history says of itself; in a transaction that sees one moment. */
export async function readAuditState(client: pg.ClientBase): Promise<AuditState> {
  const broken = await findBrokenSeals(client);
  const bent = await selectBentReasons(client);
  const { head, rows } = await selectSealSums(client);
  return { head: head?.hash ?? null, rows, broken: broken.length + bent.length };
}

type Dumped = Pick<BackupManifest['file'], 'bytes' | 'sha256'>;

async function saveByCopy(
  { talk }: Work,
  client: pg.Client,
  shapes: readonly TableShape[],
  path: string,
): Promise<Dumped> {
  const hash = createHash('sha256');
  let bytes = 0n;
  await createFile(path, async (write) => {
    const script = copyScript(client, shapes, (table) => talk.verbose(`saving ${table}`));
    const gzip = createGzip();
    const compressed = pipeline(Readable.from(script), gzip);
    compressed.catch(() => {}); // Whoever reads it gets the error, unless it is theirs.
    for await (const piece of gzip) {
      hash.update(piece);
      bytes += BigInt(piece.length);
      await write(piece);
    }
    await compressed;
  });
  return { bytes: String(bytes), sha256: hash.digest('hex') };
}

/** A script for psql: a COPY for every table. */
async function* copyScript(
  client: pg.Client,
  shapes: readonly TableShape[],
  onTable: (table: string) => void,
): AsyncGenerator<Buffer | string> {
  yield '-- The rows of quota: quota db restore loads them, checks them and goes on counting behind them.\n';
  for (const { table, columns } of shapes) {
    onTable(table);
    yield `\ncopy ${named(table)} (${listed(columns)}) from stdin;\n`;
    yield* copyText(client, rowsQuery({ table, columns }));
    yield '\\.\n';
  }
}

async function dump(
  { talk, signal }: Work,
  { client, url }: Pick<Database, 'client' | 'url'>,
  snapshot: string,
  path: string,
): Promise<Dumped> {
  talk.verbose('pg_dump writes the archive');
  await withTool(
    {
      tool: 'pg_dump',
      arguments: [
        ...[
          '--format=custom',
          '--schema=quota',
          '--load-via-partition-root',
          `--snapshot=${snapshot}`,
          `--file=${path}`,
        ],
        ...['--no-password', '--lock-wait-timeout=30s'],
      ],
      environment: libpqEnvironment(client, url, 'quota db backup', ['-c statement_timeout=0']),
      signal,
    },
    async (stdout) => {
      for await (const _ of stdout) {
        // It writes into the file.
      }
    },
  );
  await chmod(path, privateMode);
  const { bytes, sha256 } = await digestOf({ path });
  return { bytes: String(bytes), sha256 };
}
