import { withOutdatedCache } from '../../changes/outdated-cache.ts';
import { withWaitingWork } from '../../changes/waiting-work.ts';
import type { Context, Database } from '../../context.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';
import type { Input } from '../../files/input.ts';
import { withInput } from '../../files/open-input.ts';
import { importFile, type Loader } from '../../imports/import-file.ts';
import type { LineKind, PlannedKind } from '../../imports/import-kind.ts';
import type { ImportOptions, ImportReport } from '../../imports/import-report.ts';
import { type ImportFile, openImportFile } from '../../imports/stage-lines.ts';
import { counted } from '../../values/counted.ts';
import type { FileOptions } from './file-options.ts';
import { describeLines, importText } from './import-text.ts';

interface ImportWays<Kind extends PlannedKind> {
  /** Takes the lines that are good. */
  load: Loader<Kind>;
  /** Recognises the columns of an opened file. */
  open?: (kind: LineKind, input: Input, map: readonly string[]) => ImportFile;
}

/** Lines between two reports of progress. */
const progressLines = 50_000;

/** Opens the file before the database: a file that cannot be read needs none. Writes an `ImportReport`. */
export async function runImport<Kind extends PlannedKind>(
  context: Context,
  kind: Kind,
  options: FileOptions,
  { load: loadLines, open = openImportFile }: ImportWays<Kind>,
): Promise<ExitCode> {
  const importOptions = parseOptions(options);
  const report = await withInput(
    { path: options.file, stdin: options.file === '-' ? context.stdin : undefined },
    (input) => {
      const file = open(kind, input, options.map ?? []);
      return context.withDatabase((database) =>
        load(context, database, { kind, file, loadLines }, importOptions, options),
      );
    },
  );
  if (report.rejected > 0) {
    const where = report.rejectsFile === null ? '' : `: see ${report.rejectsFile}`;
    context.talk.warn(`${report.rejected} of ${counted(report.lines, 'line')} cannot be used${where}`);
  }
  await context.output.write({ data: report, text: importText });
  return exitCodes.ok;
}

function parseOptions({ file, ...options }: FileOptions): ImportOptions {
  const { skipInvalid = false, rejects, dryRun = false, update = false, reason = null } = options;
  if (rejects !== undefined && !skipInvalid) {
    throw usageError('--rejects needs --skip-invalid', { suggestion: 'add --skip-invalid' });
  }
  if (skipInvalid && file === '-' && rejects === undefined && !dryRun) {
    throw usageError('--skip-invalid needs a place for the bad lines of stdin', {
      suggestion: 'name a file: --rejects FILE',
    });
  }
  return {
    format: { assumeUtc: options.assumeUtc, dateOrder: options.dateOrder, decimal: options.decimal },
    dryRun,
    skipInvalid,
    rejectsPath: rejects ?? `${file}.rejects.csv`,
    update,
    reason,
  };
}

function load<Kind extends PlannedKind>(
  context: Context,
  database: Database,
  { kind, file, loadLines }: { kind: Kind; file: ImportFile; loadLines: Loader<Kind> },
  importOptions: ImportOptions,
  options: FileOptions,
): Promise<ImportReport> {
  const { talk, signal } = context;
  const { client, connect } = database;
  return talk.withProgress(`${file.input.name}: lines`, null, (progress) => {
    let next = progressLines;
    const surroundings = {
      client,
      connect,
      signal,
      onStep: talk.verbose,
      onUnfinished: (loaded: number, total: number) =>
        talk.warn(
          `${loaded} of ${total} lines are loaded: the same command again loads the others, each once`,
        ),
      onProgress: (lines: number) => {
        if (lines >= next) {
          next += progressLines;
          progress.update(lines);
        }
      },
      confirm: (plan: ImportReport) => {
        const action = `Import ${kind.noun}s from ${plan.file}: ${describeLines(plan)}`;
        talk.verbose(action);
        // An import adds rows and takes none away: outside production the command itself is the yes.
        return context.confirm({ action, name: client.database ?? '' }, { ...options, yes: true }, database);
      },
    };
    const loadFile = () => importFile(surroundings, kind, file, importOptions, loadLines);
    return importOptions.dryRun
      ? loadFile()
      : withOutdatedCache(context, client, true, () => withWaitingWork(context, client, loadFile));
  });
}
