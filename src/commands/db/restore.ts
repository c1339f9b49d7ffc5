import { refuseWhileAttached } from '../../adopt/refuse-attached.ts';
import { type BackupManifest, rowsOf } from '../../backup/manifest.ts';
import { type Backup, isOfOlderTables, openBackup } from '../../backup/read-backup.ts';
import { notEmpty, restoreBackup } from '../../backup/restore-backup.ts';
import { selectFilled, selectPointing } from '../../backup/table-store.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Context, Style } from '../../context.ts';
import { requireNoTables } from '../../db/migrations.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, flag } from '../../declarations/option.ts';
import { refusedError } from '../../errors.ts';
import { selectLogins } from '../../logins/login-store.ts';
import { shellWord } from '../../shell-word.ts';
import { counted } from '../../values/counted.ts';

interface RestorePlan {
  backup: Backup;
  database: string;
  /** What would be taken away. */
  replaced: { table: string; rows: string }[];
}

/**
 * `quota db restore FOLDER`: `{dryRun, database, folder, takenAt, version, from, method, rows, tables: [{table, rows}],
 * replaced: [{table, rows}], auditId}`.
 */
export const dbRestore = defineCommand(
  {
    arguments: { folder: argument('the folder that quota db backup has made') },
    options: {
      replace: flag('take away what the database holds, and put the backup in its place'),
      ...changeOptions,
    },
    details: `Makes the tables where there are none, loads every row, and holds the whole against the manifest: checksums, counts,
numbers, foreign keys, the seals of the history. All of it in one transaction: what does not hold leaves everything as it
was. Refuses a database that is not empty, unless --replace. Needs the owner of the schema quota.`,
    examples: [
      ['quota db restore before-update --dry-run', 'check the files, and see what would be loaded'],
      ['quota db restore before-update --reason "moved to another server" --yes', 'into a new database'],
      [
        'quota db restore before-update --replace --reason "the update went wrong"',
        'in place of what is there',
      ],
    ],
  },
  (context, options) =>
    runChange(context, options, {
      reason: requiredReason('a restore', 'moved to another server'),
      plan: async ({ client }): Promise<RestorePlan> => {
        const backup = await openBackup(options.folder);
        if (isOfOlderTables(backup.manifest)) {
          await requireNoTables(client);
        }
        await refuseWhileAttached(client);
        await refuseWhilePointed(client);
        const replaced = await selectFilled(client);
        if (replaced.length > 0 && options.replace !== true) {
          throw notEmpty(replaced);
        }
        return { backup, database: client.database ?? '', replaced };
      },
      describe: ({ backup, database, replaced }) => ({
        action: `Restore ${database} from the backup of ${backup.manifest.takenAt}`,
        name: database,
        isDangerous: replaced.length > 0,
        lines: replacedLines(database, replaced),
        subject: 'the database',
      }),
      apply: async ({ client, url }, { backup, replaced }, { reason }) => {
        const request = { backup, replace: replaced.length > 0, actor: context.actor, reason };
        const restored = await restoreBackup(context, url, request);
        warnOfLogins(
          context,
          (await selectLogins(client)).filter(({ state }) => state !== 'registered'),
        );
        return restored;
      },
      report: ({ plan, applied, dryRun }) => ({
        data: {
          dryRun,
          database: plan.database,
          ...told(plan.backup),
          replaced: plan.replaced,
          auditId: applied?.auditId ?? null,
        },
        text: (_data, style) => restoreText(plan, dryRun, style),
      }),
      database: { schema: 'any', onAbort: 'finish' },
      outdatesCache: false,
    }),
);

const told = ({ folder, manifest: { takenAt, version, database, method, tables } }: Backup) => ({
  ...{ folder, takenAt, version, from: database, method, rows: rowsOf(tables) },
  tables: tables.map(({ table, rows }) => ({ table, rows })),
});

async function refuseWhilePointed(client: Parameters<typeof selectPointing>[0]): Promise<void> {
  const pointing = await selectPointing(client);
  if (pointing.length > 0) {
    throw refusedError('tables of others point at rows of quota, which are all written anew', {
      detail: pointing.join(', '),
      suggestion: 'drop these foreign keys, restore, and add them again',
    });
  }
}

function replacedLines(database: string, replaced: RestorePlan['replaced']): string[] {
  const filled = replaced.map(({ table, rows }) => `${table} (${counted(rows, 'row')})`);
  return filled.length === 0 ? [] : [`To be taken away in ${database}: ${filled.join(', ')}`];
}

/** A role keeps its number inside its server only, and by the number it is known. */
function warnOfLogins({ talk }: Context, logins: readonly { role: string }[]): void {
  if (logins.length > 0) {
    talk.warn(
      `logins are to be registered anew on this server, and refused until then: ${logins.map(({ role }) => role).join(', ')}; ` +
        'see quota login list, quota login allow',
    );
  }
}

function restoreText({ backup, database, replaced }: RestorePlan, dryRun: boolean, style: Style): string {
  const { takenAt, database: from, tables }: BackupManifest = backup.manifest;
  const place = replaced.length > 0 ? ', in place of what is there' : '';
  if (dryRun) {
    return `${style.yellow('would restore')} ${counted(rowsOf(tables), 'row')} of ${counted(tables.length, 'table')} into ${database}${place}: ${from} as of ${takenAt}
The file is whole. Load it: quota db restore ${shellWord(backup.folder)}${replaced.length > 0 ? ' --replace' : ''} --reason "…"`;
  }
  return `${style.green('restored')} ${counted(rowsOf(tables), 'row')} of ${counted(tables.length, 'table')} into ${database}: ${from} as of ${takenAt}; every checksum, number and seal holds
Then: quota doctor, quota limits status --check, and quota jobs run sync-cache where a cache is kept`;
}
