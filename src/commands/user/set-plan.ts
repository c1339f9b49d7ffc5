import { applySetPlan, planSetPlan, type SetPlanPlan } from '../../allowances/plans/set-plan.ts';
import type { MeterTerms } from '../../allowances/plans/set-plan-store.ts';
import { meantUser } from '../../asking/meant-user.ts';
import { drainUser, openProviderWork, workExitCode } from '../../changes/provider-work.ts';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Row, Style } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { askedArgument, repeated } from '../../declarations/option.ts';
import { drainOptions } from '../../declarations/provider-options.ts';
import { userArgument } from '../../declarations/user-argument.ts';
import type { AssistantWork } from '../../resets/reset-store.ts';
import { assistantLines } from '../../text/assistants-text.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { moneyText } from '../../text/sum-text.ts';
import type { User } from '../../users/user.ts';
import { parseName } from '../../values/option-values.ts';
import { askForPlan } from './ask-for-terms.ts';

interface SetPlanResult extends SetPlanPlan {
  user: User;
  dryRun: boolean;
  /** Null: nothing was changed. */
  auditId: string | null;
  /** Those that the change freed, or limited. */
  assistants: AssistantWork[];
}

/** `quota user set-plan`: the data is a `SetPlanResult`; csv and ndjson have one line per meter. */
export const userSetPlan = defineCommand(
  {
    arguments: { ...userArgument, plan: askedArgument('key of the plan') },
    options: {
      ...changeOptions,
      ...drainOptions,
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
    let { plan } = options;
    const isAsked = options.user === undefined || plan === undefined;
    const texts = { limits: options.limit ?? [], costLimits: options.costLimit ?? [] };
    const work = await openProviderWork(context, options, 'optional');
    return runChange(context, options, {
      reason: requiredReason('a change of plan', 'upgrade, invoice 4711'),
      plan: async ({ client }) => {
        const user = await meantUser(context, client, options.user);
        plan ??= await askForPlan(context, client, user);
        return { user, change: await planSetPlan(client, user, plan, texts) };
      },
      isNothing: ({ change }) => change.isSame,
      describe: ({ user, change }) => ({
        action: `Put ${user.externalId} on ${change.plan}`,
        name: user.externalId,
        lines: planLines(change, context.settings),
      }),
      apply: ({ client }, { user, change }, { reason }) => applySetPlan(client, user, change, reason),
      again: ({ user, change }) =>
        isAsked
          ? [
              ...['user', 'set-plan', user.externalId, change.plan],
              ...texts.limits.flatMap((text) => ['--limit', text]),
              ...texts.costLimits.flatMap((text) => ['--cost-limit', text]),
            ]
          : undefined,
      settle: ({ client }, { user }) => drainUser(context, client, user.id, work),
      report: ({ plan: { user, change }, applied: auditId = null, settled, dryRun }) => {
        const { assistants = [], unfinished = 0 } = settled ?? {};
        const data: SetPlanResult = { user, dryRun, ...change, auditId, assistants };
        return {
          data,
          rows: meterRows(data),
          text: resultText,
          exitCode: workExitCode(unfinished),
        };
      },
    });
  },
);

const meterRows = (result: SetPlanResult): Row[] =>
  result.metersAfter.map((after) => {
    const before = result.metersBefore.find(({ meter }) => meter === after.meter);
    return {
      externalId: result.user.externalId,
      service: result.service,
      planBefore: result.before?.plan ?? null,
      planAfter: result.plan,
      meter: after.meter,
      limitBefore: before?.limit ?? null,
      limitAfter: after.limit,
      costLimitBefore: before?.costLimit ?? null,
      costLimitAfter: after.costLimit,
      used: after.used,
      dryRun: result.dryRun,
      auditId: result.auditId,
    };
  });

function resultText(result: SetPlanResult, style: Style): string {
  if (result.isSame) {
    return `${result.user.externalId} is on ${result.plan} already, with these limits`;
  }
  const done = result.dryRun ? style.yellow('would put') : style.green('put');
  return [
    `${done} ${result.user.externalId} on ${style.bold(result.plan)}`,
    ...planLines(result, style),
    ...assistantLines(result.assistants, style),
  ].join('\n');
}

type Money = Pick<Style, 'currency'>;

/** Each meter before and after, and the rule by which it changes. */
function planLines(
  { before, plan, metersBefore, metersAfter, customAfter }: SetPlanPlan,
  money: Money,
): string[] {
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
      return `  ${after.meter}  ${former === undefined ? 'not limited' : termsText(former, money)} → ${termsText(after, money)}${custom}; ${used} used`;
    }),
    before === null || isSamePeriod
      ? '  The limit holds at once; the running period and what is used of it stay.'
      : '  The limit holds at once; the plan has other periods: the calls that lie in them count.',
  ];
}

function termsText({ unit, limit, costLimit }: MeterTerms, money: Money): string {
  const format = limit === null ? null : quantityFormat(unit, limit);
  const parts = [
    ...(limit === null || format === null ? [] : [`${format.text(limit)} ${format.unit}`]),
    ...(costLimit === null ? [] : [`cost ${moneyText(costLimit, money)}`]),
  ];
  return parts.join(' and ') || 'unlimited';
}
