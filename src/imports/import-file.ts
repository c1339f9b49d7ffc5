import { withKeptSession } from '../db/pooled-client.ts';
import { badLinesError } from './bad-lines-error.ts';
import type { PlannedKind } from './import-kind.ts';
import type { ImportOptions, ImportReport, ImportSurroundings } from './import-report.ts';
import { withRejects } from './rejects.ts';
import { foreseeRefusals } from './replay-staged.ts';
import { type ImportFile, stageLines } from './stage-lines.ts';
import {
  analyzeStaging,
  countStaged,
  createStaging,
  dropStaging,
  markRepetitions,
  tuneSession,
} from './staging-store.ts';

/** Takes the good lines of the staging table, and returns what the plan has become. */
export type Loader<Kind extends PlannedKind> = (
  surroundings: ImportSurroundings,
  kind: Kind,
  plan: ImportReport,
  options: Pick<ImportOptions, 'update' | 'reason'>,
) => Promise<ImportReport>;

/**
 * Imports one file: stages it while it is read, checks it as a whole, then has what is not there yet loaded. Until then
 * nothing can be seen, and whatever happens before leaves nothing.
 * @throws badInputError naming the bad lines, unless they are to be skipped
 */
export function importFile<Kind extends PlannedKind>(
  surroundings: ImportSurroundings,
  kind: Kind,
  file: ImportFile,
  options: ImportOptions,
  load: Loader<Kind>,
): Promise<ImportReport> {
  return withKeptSession(surroundings.client, () => importStaged(surroundings, kind, file, options, load));
}

async function importStaged<Kind extends PlannedKind>(
  surroundings: ImportSurroundings,
  kind: Kind,
  file: ImportFile,
  options: ImportOptions,
  loadLines: Loader<Kind>,
): Promise<ImportReport> {
  const { client } = surroundings;
  await kind.store.prepare?.(client);
  await tuneSession(client);
  await createStaging(client, kind.columns);
  try {
    const plan = await planImport(surroundings, kind, file, options);
    const changes = plan.new + (plan.subscriptions ?? 0) + (options.update ? plan.differing : 0);
    if ((changes > 0 && !(await surroundings.confirm(plan))) || options.dryRun) {
      if (options.dryRun && changes > 0) {
        await foreseeRefusals(client, kind, plan);
      }
      return { ...plan, dryRun: true };
    }
    const load = async () => (changes > 0 ? loadLines(surroundings, kind, plan, options) : plan);
    return plan.rejected > 0 ? await withRejects(client, options.rejectsPath, load) : await load();
  } finally {
    await dropStaging(client).catch(() => {}); // A broken connection has dropped it already.
  }
}

async function planImport(
  { client, signal, onProgress, onStep }: ImportSurroundings,
  kind: PlannedKind,
  file: ImportFile,
  { format, skipInvalid }: ImportOptions,
): Promise<ImportReport> {
  const stageOptions = { format, keepOriginal: skipInvalid, signal, onProgress };
  const { lines, suggestions } = await stageLines(client, kind, file, stageOptions);
  onStep(`checking ${lines} lines against the database`);
  await analyzeStaging(client);
  await kind.store.markProblems(client);
  await markRepetitions(
    client,
    kind.key,
    kind.columns.map(({ name }) => name),
  );
  const { bad, repeated } = await countStaged(client);
  if (bad > 0 && !skipInvalid) {
    throw await badLinesError(client, file, { bad, lines, suggestions });
  }
  const compared = await kind.store.compare(client);
  return {
    kind: kind.name,
    file: file.input.name,
    sha256: file.input.digest().sha256,
    dryRun: false,
    lines,
    new: lines - bad - repeated - compared.existing,
    existing: compared.existing,
    differing: compared.differing,
    unchangeable: compared.unchangeable,
    updated: 0,
    skipped: repeated,
    rejected: bad,
    rejectsFile: null,
    subscriptions: compared.subscriptions ?? null,
    auditId: null,
  };
}
