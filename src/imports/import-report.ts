import type pg from 'pg';
import type { Database } from '../context.ts';
import type { CellFormat } from '../files/cells.ts';
import type { LineKind } from './import-kind.ts';

/** What was done with the lines of a file: `lines = new + existing + skipped + rejected`. */
export interface ImportReport {
  kind: LineKind['name'];
  /** As given; `stdin`. */
  file: string;
  /** Of the file as it is, compressed or not. */
  sha256: string;
  dryRun: boolean;
  lines: number;
  /** Rows that were added, or would be. */
  new: number;
  existing: number;
  /** Of `existing`: rows whose content was not that of the line. */
  differing: number;
  /** Of `differing`: in something that an import never changes. */
  unchangeable: number;
  /** Of `differing`: brought in line with the file. */
  updated: number;
  /** Lines that repeat an earlier line of the file. */
  skipped: number;
  /** Bad lines that were left out. */
  rejected: number;
  /** Where the rejected lines are. */
  rejectsFile: string | null;
  /** Made, or to be made, for the plans in a file of users; null for other files. */
  subscriptions: number | null;
  /** Null where nothing was changed. */
  auditId: string | null;
}

export interface ImportOptions {
  format: CellFormat;
  dryRun: boolean;
  skipInvalid: boolean;
  /** Where rejected lines are written; must not exist. */
  rejectsPath: string;
  update: boolean;
  reason: string | null;
}

/** What an import needs of its surroundings. */
export interface ImportSurroundings {
  client: pg.Client;
  /** One more session like that of the client, for the time of `use`. */
  connect: Database['connect'];
  signal: AbortSignal;
  /** Whether to go on, now that it is known what would be done. Asked only where something would be. */
  confirm: (plan: ImportReport) => Promise<boolean>;
  /** Called with the number of lines read so far. */
  onProgress: (lines: number) => void;
  onStep: (step: string) => void;
  /** Told before the error that ends an import of which a part is loaded: so many of so many lines. */
  onUnfinished: (loaded: number, total: number) => void;
}
