import type pg from 'pg';
import { isServerError } from '../db/database-error.ts';
import { badInputError } from '../errors.ts';
import { type EventAnswer, listEvents, markRefused, recordEvent } from './events-store.ts';
import type { PlannedKind } from './import-kind.ts';
import type { ImportOptions, ImportReport, ImportSurroundings } from './import-report.ts';
import { countStaged, listFaults, writeImportAudit } from './staging-store.ts';

const listedMax = 1000;

/**
 * Tells the good lines of the staging table one by one, each in a transaction of its own: no app waits longer for it
 * than for another app, and whatever ends it, what was told stays and is told once when it runs again.
 * @throws badInputError at its end, naming the events that the database refused; the others are recorded
 */
export async function replayStaged(
  { client, signal, onProgress }: ImportSurroundings,
  _kind: PlannedKind,
  plan: ImportReport,
  { reason }: Pick<ImportOptions, 'reason'>,
): Promise<ImportReport> {
  const report = { ...plan, new: 0, existing: 0, differing: 0 };
  let refused = 0;
  for (const number of await listEvents(client)) {
    signal.throwIfAborted();
    const answer = await tell(number);
    report.new += answer?.recorded === true ? 1 : 0;
    report.existing += answer?.recorded === false ? 1 : 0;
    report.differing += answer?.differs === true ? 1 : 0;
    refused += answer === undefined ? 1 : 0;
    onProgress(report.new + report.existing + refused);
  }
  const { kind: _, dryRun: _dryRun, auditId: _auditId, ...counts } = report;
  const after = { ...counts, refused };
  const audit = { action: 'quota-events.import', file: plan.file, reason, after };
  const auditId = report.new === 0 ? null : await writeImportAudit(client, audit);
  if (refused > 0) {
    throw await refusedError(client, plan, refused);
  }
  return { ...report, auditId };

  async function tell(number: number): Promise<EventAnswer | undefined> {
    try {
      return await recordEvent(client, number);
    } catch (error) {
      if (!isServerError(error) || !error.code.startsWith('QT')) {
        throw error;
      }
      await markRefused(client, number, error.message);
      return undefined;
    }
  }
}

/** @throws badInputError naming the events that a replay would not record, as far as that can be said beforehand */
export async function foreseeRefusals(
  client: pg.ClientBase,
  { store }: PlannedKind,
  plan: ImportReport,
): Promise<void> {
  await store.foreseeRefusals?.(client);
  const { bad } = await countStaged(client);
  if (bad > plan.rejected) {
    throw await refusedError(client, { ...plan, dryRun: true }, bad - plan.rejected);
  }
}

async function refusedError(client: pg.ClientBase, { file, lines, dryRun }: ImportReport, refused: number) {
  const faults = await listFaults(client, listedMax);
  const words = dryRun ? ['would be', 'would be'] : ['were', 'are'];
  return badInputError(
    `${refused} of ${lines} events of ${file} ${words[0]} refused; the others ${words[1]} recorded`,
    {
      detail: faults.map(({ line, reason: why }) => `line ${line}: ${why}`).join('\n'),
      suggestion: 'mend or take out these lines and run it again: what is recorded is not recorded twice',
      problems: faults,
    },
  );
}
