import { applySetPlan, planSetPlan, type SetPlanPlan } from '../../allowances/plans/set-plan.ts';
import type { MeterTerms } from '../../allowances/plans/set-plan-store.ts';
import { withCache } from '../../changes/outdated-cache.ts';
import type { Style } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, repeated } from '../../declarations/option.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { quantityFormat } from '../../usage/quantity-text.ts';
import { findUser } from '../../users/find-user.ts';
import type { User } from '../../users/user.ts';
import { parseName } from '../../values/option-values.ts';

interface SetPlanResult extends SetPlanPlan {
  user: User;
  dryRun: boolean;
  /** Null: nothing was changed. */
  auditId: string | null;
}

/** `quota user set-plan`: the data is a `SetPlanResult`; csv and ndjson have one line per meter. */
export const userSetPlan = defineCommand(
  {
    arguments: { ...userArgument, plan: argument('key of the plan') },
    options: {
      ...changeOptions,
      limit: repeated(
        'meter=quantity',
        "custom limit in place of the plan's: voice_seconds=15m, messages=200; those not named go",
        parseName,
      ),
      costLimit: repeated('meter=amount', 'custom cost limit: avatar_seconds=75', parseName),
    },
    examples: [
      ['quota user set-plan ada transcription-pro --reason "invoice 4711" --dry-run', 'look first'],
      ['quota user set-plan ada voice-free --limit voice_seconds=15m --reason "pilot"', 'a custom limit'],
      ['quota user set-plan ada voice-free --reason "pilot ended" --yes', "the plan's own limits again"],
    ],
  },
  async (context, options) => {
    const reason = options.reason?.trim() ?? '';
    if (reason === '' && !options.dryRun) {
      throw usageError('a change of plan needs a reason, for the audit log', {
        suggestion: 'add --reason "upgrade, invoice 4711"',
      });
    }
    const data = await context.withDatabase(async ({ client }): Promise<SetPlanResult> => {
      const user = await findUser(client, options.user);
      const texts = { limits: options.limit ?? [], costLimits: options.costLimit ?? [] };
      const plan = await planSetPlan(client, user, options.plan, texts);
      const nothing = { user, dryRun: options.dryRun === true, ...plan, auditId: null };
      if (plan.isSame) {
        return nothing;
      }
      if (!options.dryRun && !options.yes && options.confirm === undefined) {
        context.talk.info(planLines(plan).join('\n'));
      }
      const change = { action: `Put ${user.externalId} on ${plan.plan}`, name: user.externalId };
      const isAgreed = await context.confirm(change, options);
      return isAgreed
        ? {
            ...nothing,
            auditId: await withCache(context, client, () => applySetPlan(client, user, plan, reason)),
          }
        : nothing;
    });
    await context.output.write({
      data,
      rows: data.metersAfter.map((after) => {
        const before = data.metersBefore.find(({ meter }) => meter === after.meter);
        return {
          externalId: data.user.externalId,
          service: data.service,
          planBefore: data.before?.plan ?? null,
          planAfter: data.plan,
          meter: after.meter,
          limitBefore: before?.limit ?? null,
          limitAfter: after.limit,
          costLimitBefore: before?.costLimit ?? null,
          costLimitAfter: after.costLimit,
          used: after.used,
          dryRun: data.dryRun,
          auditId: data.auditId,
        };
      }),
      text: resultText,
    });
    return exitCodes.ok;
  },
);

function resultText(result: SetPlanResult, style: Style): string {
  if (result.isSame) {
    return `${result.user.externalId} is on ${result.plan} already, with these limits`;
  }
  const done = result.dryRun ? style.yellow('would put') : style.green('put');
  return [`${done} ${result.user.externalId} on ${style.bold(result.plan)}`, ...planLines(result)].join('\n');
}

/** Each meter before and after, and the rule by which it changes. */
function planLines({ before, plan, metersBefore, metersAfter, customAfter }: SetPlanPlan): string[] {
  const isSamePeriod = metersAfter.every((after) =>
    metersBefore.some(({ meter, periodStart, periodEnd }) =>
      meter === after.meter ? periodStart === after.periodStart && periodEnd === after.periodEnd : false,
    ),
  );
  return [
    `  plan  ${before?.plan ?? 'none'} → ${plan}`,
    ...metersAfter.map((after) => {
      const former = metersBefore.find(({ meter }) => meter === after.meter);
      const custom = customAfter.some(({ meter }) => meter === after.meter) ? ' (custom)' : '';
      const used = quantityFormat(after.unit, after.limit ?? after.used).text(after.used);
      return `  ${after.meter}  ${former === undefined ? 'not limited' : termsText(former)} → ${termsText(after)}${custom}; ${used} used`;
    }),
    before === null || isSamePeriod
      ? '  The limit holds at once; the running period and what is used of it stay.'
      : '  The limit holds at once; the plan has other periods: the calls that lie in them count.',
  ];
}

function termsText({ unit, limit, costLimit }: MeterTerms): string {
  const format = limit === null ? null : quantityFormat(unit, limit);
  const parts = [
    ...(limit === null || format === null ? [] : [`${format.text(limit)} ${format.unit}`]),
    ...(costLimit === null ? [] : [`cost ${costLimit}`]),
  ];
  return parts.join(' and ') || 'unlimited';
}
