import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { manifest as manifestOfTool } from 'virtual:sql/manifest';
import { compareSchema } from '../db/schema-state.ts';
import { badInputError, configurationError, usageError } from '../errors.ts';
import { digestOf } from '../files/digest.ts';
import { readSmallFile } from '../small-file.ts';
import { systemError } from '../system-error.ts';
import { type BackupManifest, dataNames, manifestName } from './manifest.ts';
import { withTool } from './postgres-tools.ts';

export interface Backup {
  folder: string;
  manifest: BackupManifest;
}

/**
 * The backup in a folder, whose file is the one that was written.
 * @throws usageError where there is none; badInputError for one that is not whole; configurationError for one of other
 * tables than those of this version
 */
export async function openBackup(folder: string): Promise<Backup> {
  const manifest = readManifest(folder);
  requireKnownTables(manifest);
  const { name, bytes, sha256 } = manifest.file;
  const found = await digestOf({ path: join(folder, name) });
  if (found.sha256 !== sha256) {
    throw badInputError(`${join(folder, name)} is not the file that was saved`, {
      detail: `it has ${found.bytes} bytes of ${bytes}, with another checksum; nothing was restored`,
      suggestion: 'take the copy of the backup from where it is whole',
    });
  }
  return { folder, manifest };
}

function readManifest(folder: string): BackupManifest {
  const path = join(folder, manifestName);
  const text = readText(folder, path);
  const manifest = parsed(text) as Partial<BackupManifest> | null;
  if (manifest === null || manifest.format !== 1 || !isWhole(manifest)) {
    throw badInputError(`${path} is not that of a backup`, {
      suggestion: 'name the folder that quota db backup has made',
    });
  }
  return manifest;
}

function readText(folder: string, path: string): string {
  try {
    return readSmallFile(path);
  } catch (error) {
    const fault = systemError(error);
    if (fault !== undefined) {
      throw usageError(`there is no backup in ${folder}`, {
        detail: fault.message,
        suggestion: 'name the folder that quota db backup has made',
        cause: error,
      });
    }
    throw error instanceof RangeError ? badInputError(`${path}: ${error.message}`) : error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const isWhole = (manifest: Partial<BackupManifest>): manifest is BackupManifest =>
  (manifest.method === 'copy' || manifest.method === 'pg_dump') &&
  manifest.file?.name === dataNames[manifest.method] &&
  [manifest.tables, manifest.sequences, manifest.migrations].every(Array.isArray) &&
  manifest.audit !== undefined;

/**
 * The functions may be those of another version: rows are in tables alone. Older tables are brought to those of this version
 * once the rows are in them.
 */
function requireKnownTables({ migrations, version }: BackupManifest): void {
  const state = compareSchema({ migrations, core: null });
  if (state !== 'older') {
    const last = migrations.at(-1)?.name ?? 'none';
    throw configurationError('the backup is of other tables than those of this version of quota', {
      detail: `it was made by version ${version}, with the migrations up to ${last}; this one has them up to ${manifestOfTool.migrations.at(-1)?.name}`,
      suggestion: 'restore it with the version that made it',
    });
  }
}

/** Whether tables that this version has, or columns, are not in the backup. */
export const isOfOlderTables = ({ migrations }: BackupManifest): boolean =>
  migrations.length < manifestOfTool.migrations.length;

/** The script for psql with the rows, as long as `use` reads it. */
export async function withScript<T>(
  { folder, manifest }: Backup,
  signal: AbortSignal,
  use: (script: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  const path = join(folder, manifest.file.name);
  if (manifest.method === 'pg_dump') {
    const words = ['--data-only', '--schema=quota', '--file=-', path];
    return withTool({ tool: 'pg_restore', arguments: words, signal }, use);
  }
  const file = createReadStream(path, { signal });
  const script = file.pipe(createGunzip());
  file.on('error', (error) => script.destroy(error));
  try {
    return await use(Readable.from(script));
  } finally {
    file.destroy();
    script.destroy();
  }
}
