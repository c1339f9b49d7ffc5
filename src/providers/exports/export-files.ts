import { access, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { badInputError } from '../../errors.ts';
import { digestOf, digestOfAll } from '../../files/digest.ts';
import type { InputDigest, InputSource } from '../../files/input.ts';
import { withDigest } from '../../files/with-digest.ts';

/** A list of more files than this is no export. */
const filesMax = 10_000;
/** With the folders they are in, and marks and checksums beside them. */
const entriesMax = 4 * filesMax;
/** Manifests name files and columns; what is larger is the export itself. */
const manifestBytesMax = 16 * 1024 * 1024;
/** How far above a manifest the files may lie that it names: clouds keep both in folders side by side. */
const foldersUpMax = 4;

/**
 * The files of an export: those that a manifest names, as clouds write it beside them, the parts in a folder, or the
 * one file.
 * @throws badInputError for a folder that is no export, and for a file of the manifest that is not there
 */
export async function exportFiles(path: string): Promise<string[]> {
  if (path === '-') {
    return [path];
  }
  const status = await stat(path).catch(() => null); // Whoever opens it says why.
  if (status?.isDirectory()) {
    return folderFiles(path);
  }
  const isSmall = status !== null && status.size <= manifestBytesMax;
  const named = isSmall && /\.json$/i.test(path) ? await manifestFiles(path) : null;
  return named === null ? [path] : named;
}

/**
 * Hashes an export before anything of it is read, and gives `use` a source of it that can be read from its beginning.
 * @throws badInputError as `exportFiles`, or if a file may not be read
 */
export async function withExportDigest<T>(
  source: InputSource,
  use: (again: InputSource, digest: InputDigest) => Promise<T>,
): Promise<T> {
  const files = await exportFiles(source.path);
  if (files.length === 1 && files[0] === source.path) {
    return withDigest(source, use);
  }
  const digests: InputDigest[] = [];
  for (const path of files) {
    digests.push(await digestOf({ path }));
  }
  return use(source, digestOfAll(digests));
}

/** Of a folder: what its manifest names, or else its parts. */
async function folderFiles(folder: string): Promise<string[]> {
  const files = (await filesBelow(folder))
    .filter((file) => !/^[._]|\.(crc|md5|sha256)$/.test(basename(file)))
    .sort();
  const manifests = files.filter((file) => /manifest[^/]*\.json$/i.test(file));
  const [manifest, ...others] = manifests;
  if (manifest !== undefined && others.length === 0) {
    return (await manifestFiles(manifest)) ?? [];
  }
  if (others.length > 0) {
    throw badInputError(`${folder} has several manifests`, {
      detail: manifests.join('\n'),
      suggestion: 'name the manifest of the bill',
    });
  }
  const isInParts = files.length > 0 && files.every((file) => /\.parquet$|part|\d{3,}/i.test(basename(file)));
  if (!isInParts || files.length > filesMax) {
    throw noExportError(folder);
  }
  return files;
}

/** A folder that holds more than any export, like that of a whole system, is left where that shows: not read to its end. */
async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [folder];
  for (const next of folders) {
    for (const entry of await readdir(next, { withFileTypes: true })) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) {
        folders.push(path);
      } else if (entry.isFile()) {
        files.push(path);
      }
    }
    if (files.length + folders.length > entriesMax) {
      throw noExportError(folder);
    }
  }
  return files;
}

const noExportError = (folder: string) =>
  badInputError(`${folder}: is a folder, not a file`, {
    suggestion: 'name the file in it, or the manifest of an export of many files',
  });

/** What a manifest names; null for a JSON file that is none. */
async function manifestFiles(path: string): Promise<string[] | null> {
  const names = namesIn(await readFile(path, 'utf8'));
  if (names === null) {
    return null;
  }
  const found = await Promise.all(names.map((name) => findBeside(dirname(path), name)));
  const missing = names.filter((_, at) => found[at] === null);
  if (missing.length > 0) {
    throw badInputError(`${path} names ${names.length} files, and ${missing.length} of them are not there`, {
      detail: missing.slice(0, 20).join('\n'),
      suggestion: 'download the whole export, in the folders in which it lies',
    });
  }
  return found.flatMap((file) => file ?? []);
}

/** Where each of the clouds lists the files of an export: AWS Data Exports, its older reports, Azure, Redshift's unload. */
const lists = ['dataFiles', 'reportKeys', 'blobs', 'files', 'entries'] as const;
const nameMembers = ['blobName', 'url', 'path', 'name', 'file'] as const;

function namesIn(text: string): string[] | null {
  if (!/^\s*\{/.test(text) || !lists.some((name) => text.includes(`"${name}"`))) {
    return null;
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return null; // An export in JSON lines, or a broken file: its reader says.
  }
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest)) {
    return null;
  }
  const list = lists.map((name) => (manifest as Record<string, unknown>)[name]).find(Array.isArray);
  const names = (list ?? []).map(nameOf).filter((name) => name !== null);
  return names.length > 0 && names.length === list?.length ? names : null;
}

function nameOf(entry: unknown): string | null {
  if (typeof entry === 'string') {
    return entry;
  }
  const members = typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>) : {};
  const name = nameMembers.map((member) => members[member]).find((value) => typeof value === 'string');
  return name ?? null;
}

/** A file that a manifest names by its place in the cloud, as far of the path as was kept here. */
async function findBeside(folder: string, name: string): Promise<string | null> {
  const parts = name
    .replace(/^\w+:\/\/[^/]+\//, '')
    .split('/')
    .filter((part) => part !== '' && part !== '..');
  for (let up = 0, base = folder; up <= foldersUpMax; up++, base = join(base, '..')) {
    for (let from = 0; from < parts.length; from++) {
      const candidate = join(base, ...parts.slice(from));
      if (await access(candidate).then(...isThere)) {
        return candidate;
      }
    }
  }
  return null;
}

const isThere = [() => true, () => false] as const;
