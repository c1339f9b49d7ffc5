import { applyPlans, planPlans } from '../../allowances/plans/apply-plans.ts';
import type { PlanChange } from '../../allowances/plans/plan-changes.ts';
import { readPlanDocument } from '../../allowances/plans/plan-document.ts';
import { withCache } from '../../changes/outdated-cache.ts';
import type { Style } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, flag } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';

interface PlanApplyResult {
  dryRun: boolean;
  /** Whether running periods take the new terms, or keep theirs. */
  now: boolean;
  plans: PlanChange[];
  /** Users whose running periods took the new terms. */
  retaken: number;
  auditIds: string[];
}

/** `quota plan apply`: the data is a `PlanApplyResult`; csv and ndjson have one line per difference. */
export const planApply = defineCommand(
  {
    arguments: {
      file: argument('YAML or JSON: one plan with its key, or "plans:" with several; - reads stdin'),
    },
    options: {
      ...changeOptions,
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
    const data = await context.withDatabase(async ({ client }): Promise<PlanApplyResult> => {
      const plan = await planPlans(client, document, now);
      const changed = plan.plans.filter(({ action }) => action !== 'unchanged');
      const nothing = { dryRun: options.dryRun === true, now, plans: plan.plans, retaken: 0, auditIds: [] };
      if (changed.length === 0) {
        return nothing;
      }
      if (!options.dryRun && !options.yes && options.confirm === undefined) {
        context.talk.info(changed.map((change) => changeLines(change).join('\n')).join('\n'));
      }
      const keys = changed.map(({ key }) => key).join(',');
      const isAgreed = await context.confirm(
        { action: `Apply ${options.file} to ${keys}`, name: keys },
        options,
      );
      return isAgreed
        ? {
            ...nothing,
            ...(await withCache(context, client, () => applyPlans(client, plan, options.reason))),
          }
        : nothing;
    });
    await context.output.write({
      data,
      rows: data.plans.flatMap(({ changes, ...plan }) =>
        changes.map((change) => ({ plan: plan.key, action: plan.action, version: plan.version, ...change })),
      ),
      columns: ['plan', 'action', 'version', 'path', 'before', 'after'].map((key) => ({ key })),
      text: (result, style) => resultText(result, style),
    });
    return exitCodes.ok;
  },
);

function resultText({ dryRun, now, plans, retaken }: PlanApplyResult, style: Style): string {
  const changed = plans.filter(({ action }) => action !== 'unchanged');
  const unchanged = plans.filter(({ action }) => action === 'unchanged').map(({ key }) => key);
  const periods = now
    ? `running periods take the new terms at once${dryRun ? '' : ` (${retaken} users)`}`
    : 'running periods keep their terms; the next ones have the new';
  return [
    ...changed.flatMap((change) => changeLines(change, style)),
    ...(unchanged.length === 0 ? [] : [style.dim(`unchanged: ${unchanged.join(', ')}`)]),
    changed.length === 0
      ? 'nothing to apply'
      : `${dryRun ? style.yellow('would be applied') : style.green('applied')}; ${periods}`,
  ].join('\n');
}

/** `~ voice-free  version 2, 120 subscribers`, and the differences under it. */
function changeLines({ key, action, version, subscribers, changes }: PlanChange, style?: Style): string[] {
  const heading = `${action === 'create' ? '+' : action === 'update' ? '~' : '='} ${key}`;
  const facts = `version ${version}, ${subscribers} subscribers`;
  const field = ({ path, before, after }: PlanChange['changes'][number]) =>
    before === null
      ? `    ${path}: ${style?.green(after ?? '') ?? after}`
      : `    ${path}: ${style?.red(before) ?? before} → ${after === null ? 'left out' : (style?.green(after) ?? after)}`;
  return [`${style?.bold(heading) ?? heading}  ${style?.dim(facts) ?? facts}`, ...changes.map(field)];
}
