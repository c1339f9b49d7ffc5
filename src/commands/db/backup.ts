import { backupPlace, withNewFolder } from '../../backup/backup-folder.ts';
import { chooseMethod, makeBackup, requireWholeSight } from '../../backup/make-backup.ts';
import { type BackupManifest, type BackupMethod, rowsOf } from '../../backup/manifest.ts';
import type { Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, flag, value } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { quantityText } from '../../text/sum-text.ts';
import { counted } from '../../values/counted.ts';
import { parseChoice } from '../../values/option-values.ts';

interface BackupReport {
  dryRun: boolean;
  folder: string;
  method: BackupMethod;
  database: string;
  /** ISO 8601 UTC; null on a dry run. */
  takenAt: string | null;
  /** Of the file with the rows; null on a dry run. */
  bytes: string | null;
  sha256: string | null;
  rows: string | null;
  tables: { table: string; rows: string }[];
  /** The head of the history, to be kept elsewhere: `quota audit verify --expect`. */
  auditHead: string | null;
}

/** `quota db backup FOLDER`: a `BackupReport`. */
export const dbBackup = defineCommand(
  {
    arguments: {
      folder: argument(
        'the folder to be made; in one that is there, a new one is made by the name of the database',
      ),
    },
    options: {
      method: value<BackupMethod>(
        'method',
        'pg_dump or copy; default: pg_dump where it is here and not older than the server',
        parseChoice('pg_dump', 'copy'),
      ),
      dryRun: flag('say what would be saved, and how; write nothing', { short: 'n' }),
    },
    details: `Saves every table as of one moment, while apps go on: as an archive of pg_dump, or by COPY where there is no pg_dump
that is new enough. Beside the rows stands manifest.json: checksums, counts, where the numbers go on, the head of the
history. The folder appears once everything is in it. Reads every row, so it needs the owner of the schema.`,
    examples: [
      ['quota db backup before-update', 'into a new folder of that name'],
      ['quota db backup /var/backups/quota', 'every night: a folder of its own in that one'],
      ['quota db backup before-update --dry-run', 'what would be saved, and how'],
    ],
  },
  async (context, { folder, method: wanted, dryRun = false }) => {
    const data = await context.withDatabase(async (database): Promise<BackupReport> => {
      const { client } = database;
      await requireWholeSight(client);
      const { method, why } = await chooseMethod(client, wanted);
      if (why !== null) {
        context.talk.info(`By COPY: ${why}.`);
      }
      const place = await backupPlace(folder, client.database ?? '', context.now());
      const known = { dryRun, folder: place, method, database: client.database ?? '' };
      if (dryRun) {
        const unknown = { takenAt: null, bytes: null, sha256: null, rows: null, auditHead: null };
        return { ...known, ...unknown, tables: [] };
      }
      const manifest = await withNewFolder(place, (made) => makeBackup(context, database, made, method));
      return { ...known, ...savedFacts(manifest) };
    });
    if (!dryRun) {
      context.talk.verbose(counted(data.tables.length, 'table'));
    }
    await context.output.write({ data, rows: [{ ...data, tables: data.tables.length }], text: backupText });
    return exitCodes.ok;
  },
);

const savedFacts = ({ takenAt, file, tables, audit }: BackupManifest) => ({
  takenAt,
  bytes: file.bytes,
  sha256: file.sha256,
  rows: rowsOf(tables),
  tables: tables.map(({ table, rows }) => ({ table, rows })),
  auditHead: audit.head,
});

function backupText(
  { dryRun, folder, method, database, rows, bytes, tables }: BackupReport,
  style: Style,
): string {
  const way = method === 'pg_dump' ? 'by pg_dump' : 'by COPY of every table';
  if (dryRun) {
    return `${style.yellow('would save')} ${database} into ${folder}, ${way}`;
  }
  return `${style.green('saved')} ${database} into ${folder}, ${way}: ${counted(rows ?? 0, 'row')} of ${counted(tables.length, 'table')}, ${quantityText(String(bytes), 'byte')}
Try it: quota db restore ${folder} --dry-run`;
}
