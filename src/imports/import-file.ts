import { withKeptSession } from '../db/pooled-client.ts';
import { badLinesError } from './bad-lines-error.ts';
import type { ImportKind } from './import-kind.ts';
import type { ImportOptions, ImportReport, ImportSurroundings } from './import-report.ts';
import { loadStaged } from './load-staged.ts';
import { withRejects } from './rejects.ts';
import { type ImportFile, stageLines } from './stage-lines.ts';
import {
  analyzeStaging,
  countStaged,
  createStaging,
  dropStaging,
  markRepetitions,
  tuneSession,
} from './staging-store.ts';

/**
 * Imports one file: stages it while it is read, checks it as a whole, then adds what is not there yet in one
 * transaction. Until that commits nothing can be seen, and whatever happens before leaves nothing.
 * @throws badInputError naming the bad lines, unless they are to be skipped
 */
export function importFile(
  surroundings: ImportSurroundings,
  kind: ImportKind,
  file: ImportFile,
  options: ImportOptions,
): Promise<ImportReport> {
  return withKeptSession(surroundings.client, () => importStaged(surroundings, kind, file, options));
}

async function importStaged(
  surroundings: ImportSurroundings,
  kind: ImportKind,
  file: ImportFile,
  options: ImportOptions,
): Promise<ImportReport> {
  const { client } = surroundings;
  await kind.store.prepare?.(client);
  await tuneSession(client);
  await createStaging(client, kind.columns);
  try {
    const plan = await planImport(surroundings, kind, file, options);
    const changes = plan.new + (plan.subscriptions ?? 0) + (options.update ? plan.differing : 0);
    if ((changes > 0 && !(await surroundings.confirm(plan))) || options.dryRun) {
      return { ...plan, dryRun: true };
    }
    const load = async () => (changes > 0 ? loadStaged(surroundings, kind, plan, options) : plan);
    return plan.rejected > 0 ? await withRejects(client, options.rejectsPath, load) : await load();
  } finally {
    await dropStaging(client).catch(() => {}); // A broken connection has dropped it already.
  }
}

async function planImport(
  { client, signal, onProgress, onStep }: ImportSurroundings,
  kind: ImportKind,
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
