import { readPlanDocument } from '../../allowances/files/plan-document.ts';
import type { MeterChange } from '../../allowances/meters/apply-meters.ts';
import { type CountChange, selectPlansOf } from '../../allowances/meters/meter-store.ts';
import { applyPlans, planPlans } from '../../allowances/plans/apply-plans.ts';
import type { PlanChange } from '../../allowances/plans/plan-changes.ts';
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
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, flag } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { countLines, meterLines } from '../../text/meter-change-text.ts';
import { counted } from '../../values/counted.ts';

interface PlanApplyResult {
  dryRun: boolean;
  /** Whether running periods take the new terms, or keep theirs. */
  now: boolean;
  /** That the file defines beside its plans. */
  meters: MeterChange[];
  /** Running periods that count otherwise by these. */
  counts: CountChange[];
  plans: PlanChange[];
  /** Users whose running periods took the new terms. */
  retaken: number;
  auditIds: string[];
  /** What became of assistants that the new terms limit or free; null: none were looked at. */
  assistants: WorkCounts | null;
}

/** `quota plan apply`: the data is a `PlanApplyResult`; csv and ndjson have one line per difference. */
export const planApply = defineCommand(
  {
    arguments: {
      file: argument('YAML or JSON: one plan with its key, or "plans:" with several; - reads stdin'),
    },
    options: {
      ...changeOptions,
      ...drainOptions,
      now: flag('running periods take the new terms at once (default: they keep theirs)'),
    },
    examples: [
      ['quota plan apply plans.yaml --dry-run', 'every difference, nothing changed'],
      ['quota plan apply plans.yaml --reason "autumn prices"', 'from the next periods on'],
      ['quota plan apply plans.yaml --now --yes', 'who is over the new limit is limited at once'],
    ],
  },
  async (context, options) => {
    const document = await readPlanDocument(options.file, context.stdin);
    const now = options.now === true;
    const definesMeters = isRecord(document.content) && 'meters' in document.content;
    const work = now || definesMeters ? await openProviderWork(context, options, 'optional') : undefined;
    return runChange(context, options, {
      reason: optionalReason,
      plan: ({ client }) => planPlans(client, document, now),
      isNothing: ({ plans, meters }) => changedOf(plans).length + changedOf(meters.meters).length === 0,
      describe: ({ plans, meters }) => {
        const keys = [...keysOf(meters.meters), ...keysOf(plans)].join(',');
        return {
          action: `Apply ${options.file} to ${keys}`,
          name: keys,
          isDangerous: now || meters.counts.length > 0,
          lines: [
            ...meterLines(meters.meters),
            ...countLines(meters.counts),
            ...changedOf(plans).flatMap((change) => changeLines(change)),
          ],
        };
      },
      apply: ({ client }, plan, { reason }) => applyPlans(client, plan, reason),
      settle: async ({ client }, { plans, meters }) => {
        const keys = [...keysOf(plans), ...(await selectPlansOf(client, keysOf(meters.meters)))];
        return work === undefined ? undefined : drainPlans(context, client, keys, work);
      },
      report: ({ plan: { plans, meters }, applied, settled, dryRun }) => {
        const data: PlanApplyResult = {
          dryRun,
          now,
          meters: meters.meters,
          plans,
          ...(applied ?? { counts: meters.counts, retaken: 0, auditIds: [] }),
          assistants: settled?.counts ?? null,
        };
        return {
          data,
          rows: [...meters.meters, ...plans].flatMap(({ changes, ...plan }) =>
            changes.map((change) => ({
              plan: plan.key,
              action: plan.action,
              version: 'version' in plan ? plan.version : null,
              ...change,
            })),
          ),
          columns: ['plan', 'action', 'version', 'path', 'before', 'after'].map((key) => ({ key })),
          text: resultText,
          exitCode: workExitCode(settled?.unfinished ?? 0),
        };
      },
    });
  },
);

const isRecord = (value: unknown) => typeof value === 'object' && value !== null;
const changedOf = <Change extends { action: string }>(changes: readonly Change[]) =>
  changes.filter(({ action }) => action !== 'unchanged');
const keysOf = (changes: readonly { key: string; action: string }[]) =>
  changedOf(changes).map(({ key }) => key);

function resultText(result: PlanApplyResult, style: Style): string {
  const { dryRun, now, meters, counts, plans, retaken, assistants } = result;
  const changed = changedOf(plans);
  const isNothing = changed.length + changedOf(meters).length === 0;
  const unchanged = plans.filter(({ action }) => action === 'unchanged').map(({ key }) => key);
  const periods = now
    ? `running periods take the new terms at once${dryRun ? '' : ` (${counted(retaken, 'user')})`}`
    : 'running periods keep their terms; the next ones have the new';
  return [
    ...meterLines(meters, style),
    ...countLines(counts, style),
    ...changed.flatMap((change) => changeLines(change, style)),
    ...(unchanged.length === 0 ? [] : [style.dim(`unchanged: ${unchanged.join(', ')}`)]),
    isNothing
      ? 'nothing to apply'
      : `${dryRun ? style.yellow('would be applied') : style.green('applied')}; ${periods}`,
    ...(assistants === null || workText(assistants) === '' ? [] : [`assistants: ${workText(assistants)}`]),
  ].join('\n');
}

/** `~ voice-free  version 2, 120 subscribers`, and the differences under it. */
function changeLines({ key, action, version, subscribers, changes }: PlanChange, style?: Style): string[] {
  const heading = `${action === 'create' ? '+' : action === 'update' ? '~' : '='} ${key}`;
  const facts = `version ${version}, ${counted(subscribers, 'subscriber')}`;
  const field = ({ path, before, after }: PlanChange['changes'][number]) =>
    before === null
      ? `    ${path}: ${style?.green(after ?? '') ?? after}`
      : `    ${path}: ${style?.red(before) ?? before} → ${after === null ? 'left out' : (style?.green(after) ?? after)}`;
  return [`${style?.bold(heading) ?? heading}  ${style?.dim(facts) ?? facts}`, ...changes.map(field)];
}
