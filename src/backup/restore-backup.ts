import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import copyStreams from 'pg-copy-streams';
import type { Context } from '../context.ts';
import { withMigrated } from '../db/migrations.ts';
import { listed, named } from '../db/row-sum.ts';
import { badInputError, refusedError } from '../errors.ts';
import { counted } from '../values/counted.ts';
import { type CopyBlock, readCopyBlocks } from './copy-script.ts';
import { readAuditState } from './make-backup.ts';
import type { BackupManifest, TableSum } from './manifest.ts';
import { type Backup, isOfOlderTables, withScript } from './read-backup.ts';
import {
  closeTables,
  insertRestored,
  openTables,
  selectFilled,
  selectForeignKeys,
  selectNumbersAhead,
  selectSum,
  selectTables,
  setSequence,
} from './table-store.ts';

export interface RestoreRequest {
  backup: Backup;
  /** What is there may be replaced. */
  replace: boolean;
  actor: string;
  reason: string;
}

export interface Restored {
  auditId: string;
}

/**
 * Makes the tables hold what the backup does, and nothing else: in one transaction, which ends well only where every row,
 * number and seal is what was saved.
 * @throws refusedError where rows are in the way; badInputError where what was loaded is not what was saved
 */
export async function restoreBackup(
  { talk, signal }: Pick<Context, 'talk' | 'signal'>,
  url: string,
  { backup, replace, actor, reason }: RestoreRequest,
): Promise<Restored> {
  const { manifest } = backup;
  const migrations = manifest.migrations.map(({ name }) => name);
  return withMigrated(url, { talk, signal }, { migrations, use: load }, async (client) => {
    await requireSavedHistory(client, manifest);
    const { takenAt, database, file } = manifest;
    const after = { takenAt, database, sha256: file.sha256 };
    return { auditId: await insertRestored(client, { actor, reason, after }) };
  });

  async function load(client: pg.Client): Promise<void> {
    const filled = replace ? [] : await selectFilled(client);
    if (filled.length > 0) {
      throw notEmpty(filled);
    }
    const tables = (await selectTables(client)).map(({ table }) => table);
    const keys = await selectForeignKeys(client);
    await openTables(client, tables, keys);
    await withScript(backup, signal, async (script) => {
      for await (const block of readCopyBlocks(script)) {
        signal.throwIfAborted();
        talk.verbose(`loading ${block.table}`);
        await loadBlock(client, block, manifest);
      }
    });
    for (const sequence of manifest.sequences) {
      await setSequence(client, sequence);
    }
    await requireSaved(client, manifest);
    await closeTables(client, tables, keys);
  }
}

export const notEmpty = (filled: readonly { table: string; rows: string }[]) =>
  refusedError('the database is not empty, and a restore would take away what is in it', {
    detail: filled.map(({ table, rows }) => `${table} ${rows}`).join(', '),
    suggestion: 'restore into a new database, or add --replace',
  });

/** What pg_dump has besides says what was done to the database: this one has its own. */
async function loadBlock(
  client: pg.Client,
  { table, columns, data }: CopyBlock,
  { tables }: BackupManifest,
): Promise<void> {
  const isKnown = tables.some((saved) => saved.table === table);
  if (!isKnown) {
    for await (const _ of data) {
      // Passed over.
    }
    return;
  }
  const query = client.query(copyStreams.from(`copy ${named(table)} (${listed(columns)}) from stdin`));
  await pipeline(Readable.from(data), query);
}

/** @throws badInputError with the first things that are not as they were saved */
async function requireSaved(client: pg.Client, manifest: BackupManifest): Promise<void> {
  const faults: string[] = [];
  for (const saved of manifest.tables) {
    const found = await selectSum(client, saved);
    if (found.rows !== saved.rows || found.digest !== saved.digest) {
      faults.push(faultOf(saved, found));
    }
  }
  for (const column of await selectNumbersAhead(client)) {
    faults.push(`${column} has numbers that its sequence would give again`);
  }
  refuseFaults(faults);
}

/** By functions of this version. @throws badInputError where the history does not say of itself what it did */
async function requireSavedHistory(client: pg.Client, manifest: BackupManifest): Promise<void> {
  const audit = await readAuditState(client);
  // The rows that were saved are there; what brings older tables to this version may have added some.
  const keys = isOfOlderTables(manifest)
    ? (['head', 'broken'] as const)
    : (['head', 'rows', 'broken'] as const);
  refuseFaults(
    keys
      .filter((key) => audit[key] !== manifest.audit[key])
      .map((key) => `the history has ${key} ${audit[key]}, not ${manifest.audit[key]}`),
  );
}

function refuseFaults(faults: readonly string[]): void {
  if (faults.length > 0) {
    throw badInputError('what was loaded is not what was saved; everything is as it was before', {
      detail: faults.join('; '),
      suggestion: 'take another backup, or another copy of this one',
    });
  }
}

const faultOf = (saved: TableSum, found: TableSum): string =>
  saved.rows === found.rows
    ? `${saved.table} has other values`
    : `${saved.table} has ${counted(found.rows, 'row')} of ${saved.rows}`;
