import type { AppliedStep } from '../db/schema-state.ts';

/** How the rows are kept: an archive of pg_dump, or COPY of every table in one compressed file. */
export type BackupMethod = 'pg_dump' | 'copy';

/** What a table held, in words that do not depend on the order of its rows. */
export interface TableSum {
  /** Without its schema. */
  table: string;
  /** In the order of their names; what is generated is left out. */
  columns: string[];
  rows: string;
  /** The sum of a hash of every row. */
  digest: string;
}

export interface SequenceState {
  /** Without its schema. */
  sequence: string;
  /** Null: never called. */
  lastValue: string | null;
}

/** What the history said of itself when it was saved. */
export interface AuditState {
  /** Of the last seal, in hexadecimal; null: nothing is sealed. */
  head: string | null;
  rows: string;
  /** Seals and reasons that did not hold: no restore can mend them. */
  broken: number;
}

/** What stands beside the rows of a backup: what they are, and what they must come to. */
export interface BackupManifest {
  format: 1;
  method: BackupMethod;
  /** ISO 8601 UTC: the moment that it shows. */
  takenAt: string;
  /** Of the tool. */
  version: string;
  database: string;
  server: string;
  /** With the sha256 of each: the tables are those of these migrations. */
  migrations: AppliedStep[];
  file: { name: string; bytes: string; sha256: string };
  tables: TableSum[];
  sequences: SequenceState[];
  audit: AuditState;
}

export const manifestName = 'manifest.json';
export const dataNames: Readonly<Record<BackupMethod, string>> = {
  pg_dump: 'quota.dump',
  copy: 'quota.sql.gz',
};

/** The rows of all tables. */
export const rowsOf = (tables: readonly { rows: string }[]): string =>
  String(tables.reduce((sum, { rows }) => sum + BigInt(rows), 0n));
