import { readPlanDocument } from '../../allowances/files/plan-document.ts';
import { applyMeters, type MeterChange, planMeters } from '../../allowances/meters/apply-meters.ts';
import { type CountChange, selectMeters, selectPlansOf } from '../../allowances/meters/meter-store.ts';
import { readMeters } from '../../allowances/meters/read-meters.ts';
import {
  drainPlans,
  openProviderWork,
  type WorkCounts,
  workExitCode,
  workText,
} from '../../changes/provider-work.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Style } from '../../context.ts';
import { withTransaction } from '../../db/transaction.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { countLines, meterLines } from '../../text/meter-change-text.ts';

interface MeterApplyResult {
  dryRun: boolean;
  meters: MeterChange[];
  /** Running periods, and those to come, that count otherwise. */
  counts: CountChange[];
  auditIds: string[];
  /** What became of assistants that the new figures limit or free. */
  assistants: WorkCounts | null;
}

/** `quota meter apply`: the data is a `MeterApplyResult`; csv and ndjson have one line per period that counts otherwise. */
export const meterApply = defineCommand(
  {
    arguments: {
      file: argument('YAML or JSON: one meter with its key, or "meters:" with several; - reads stdin'),
    },
    options: { ...changeOptions, ...drainOptions },
    examples: [
      ['quota meter apply meters.yaml --dry-run', 'every difference, and whose periods count otherwise'],
      [
        'quota meter apply meters.yaml --reason "new premium models" --yes',
        'running periods are counted anew',
      ],
    ],
  },
  async (context, options) => {
    const document = await readPlanDocument(options.file, context.stdin);
    const work = await openProviderWork(context, options, 'optional');
    return runChange(context, options, {
      reason: optionalReason,
      plan: async ({ client }) => {
        const stored = await selectMeters(client);
        return planMeters(client, readMeters(document, stored), stored);
      },
      isNothing: ({ meters }) => changedKeys(meters).length === 0,
      describe: ({ meters, counts }) => ({
        action: `Apply ${options.file} to ${changedKeys(meters).join(',')}`,
        name: changedKeys(meters).join(','),
        isDangerous: counts.length > 0,
        lines: [...meterLines(meters), ...countLines(counts)],
      }),
      apply: ({ client }, plan, { reason }) =>
        withTransaction(client, () => applyMeters(client, plan, reason)),
      settle: async ({ client }, { meters }) =>
        drainPlans(context, client, await selectPlansOf(client, changedKeys(meters)), work),
      report: ({ plan: { meters, counts }, applied, settled, dryRun }) => {
        const data: MeterApplyResult = {
          dryRun,
          meters,
          ...(applied ?? { counts, auditIds: [] }),
          assistants: settled?.counts ?? null,
        };
        return {
          data,
          rows: data.counts.map(({ externalId, meter, period, used, cost, calls, exceeded }) => ({
            externalId,
            meter,
            periodStart: period.start,
            periodEnd: period.end,
            usedBefore: used.before,
            usedAfter: used.after,
            costBefore: cost.before,
            costAfter: cost.after,
            callsBefore: calls.before,
            callsAfter: calls.after,
            exceededBefore: exceeded.before,
            exceededAfter: exceeded.after,
          })),
          columns: [
            ...['externalId', 'meter', 'periodStart', 'periodEnd', 'usedBefore', 'usedAfter', 'costBefore'],
            ...['costAfter', 'callsBefore', 'callsAfter', 'exceededBefore', 'exceededAfter'],
          ].map((key) => ({ key })),
          text: resultText,
          exitCode: workExitCode(settled?.unfinished ?? 0),
        };
      },
    });
  },
);

const changedKeys = (meters: readonly MeterChange[]) =>
  meters.filter(({ action }) => action !== 'unchanged').map(({ key }) => key);

function resultText({ dryRun, meters, counts, assistants }: MeterApplyResult, style: Style): string {
  const isNothing = changedKeys(meters).length === 0;
  const unchanged = meters.filter(({ action }) => action === 'unchanged').map(({ key }) => key);
  return [
    ...meterLines(meters, style),
    ...countLines(counts, style),
    ...(unchanged.length === 0 ? [] : [style.dim(`unchanged: ${unchanged.join(', ')}`)]),
    isNothing ? 'nothing to apply' : dryRun ? style.yellow('would be applied') : style.green('applied'),
    ...(assistants === null || workText(assistants) === '' ? [] : [`assistants: ${workText(assistants)}`]),
  ].join('\n');
}
