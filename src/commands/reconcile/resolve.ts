import type pg from 'pg';
import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Context, Style } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { askedValue, repeated, restArguments, value } from '../../declarations/option.ts';
import { usageError } from '../../errors.ts';
import type { Answer } from '../../reconcile/match/compute-answer.ts';
import type { Decision } from '../../reconcile/match/kinds.ts';
import { findOpenReconciliation } from '../../reconcile/months/find-reconciliation.ts';
import type { MonthChoice, StoredReconciliation } from '../../reconcile/months/stored-reconciliation.ts';
import { type LogWriter, ownLogs } from '../../reconcile/resolve/log-writer.ts';
import {
  applyResolve,
  planResolve,
  type ResolvePlan,
  type ResolveRequest,
  type ResolveResult,
} from '../../reconcile/resolve/resolve-discrepancies.ts';
import { requireShards } from '../../shards/shard.ts';
import { amountColumns } from '../../values/amount.ts';
import { counted } from '../../values/counted.ts';
import { sameDecimal } from '../../values/decimal-math.ts';
import { parseChoice } from '../../values/option-values.ts';
import {
  askForDecision,
  askForDifferences,
  askForMonth,
  type ChosenDifferences,
} from './ask-for-difference.ts';
import { askedMonthOptions, parseKinds, requireDiscrepancyKinds, userIdOf } from './options.ts';

interface ResolveReport extends Pick<ResolvePlan, 'kinds' | 'left'> {
  id: string;
  provider: string;
  month: string;
  dryRun: boolean;
  as: Decision;
  resolved: number;
  /** Logs that were, or would be, added and changed. */
  logs: ResolveResult['logs'];
  /** The kinds of the month afterwards; null where no log was changed. */
  after: Record<string, unknown> | null;
  /** Of the bill; null where it states no amounts. */
  currency: string | null;
  /** What the month came to before, and comes to after its logs were changed; null where none was. */
  totals: { before: Answer['totals']; after: Answer['totals'] | null };
  auditId: string | null;
}

/** `quota reconcile resolve`: a `ResolveReport`. */
export const reconcileResolve = defineCommand(
  {
    arguments: { ids: restArguments('discrepancies, as show lists them') },
    options: {
      ...changeOptions,
      ...askedMonthOptions,
      kind: repeated('kind', 'all open ones of this kind, or, --as open, all resolved ones; can be repeated'),
      user: value('user', 'only those of this user'),
      as: askedValue(
        'resolution',
        'accepted, disputed or corrected; open takes a decision back',
        parseChoice('accepted', 'disputed', 'corrected', 'open'),
      ),
      service: value('service', 'of calls that are to be logged (default: what the provider sells)'),
    },
    examples: [
      ['quota reconcile resolve 17 --month 2026-10 --as disputed --reason "ticket 4711" --yes', 'one'],
      [
        'quota reconcile resolve --month 2026-10 --kind cost_mismatch --as accepted --reason "new price" --yes',
        'all',
      ],
      [
        'quota reconcile resolve --month 2026-10 --kind duration_mismatch --as corrected --dry-run',
        'look first',
      ],
      ['quota reconcile resolve 17 --month 2026-10 --as open --reason "was another call" --yes', 'undo'],
    ],
  },
  async (context, options) => {
    const { ids = [], service } = options;
    const kinds = requireDiscrepancyKinds(parseKinds(options.kind) ?? []);
    const isNamed = ids.length + kinds.length > 0;
    if ((ids.length > 0 && kinds.length > 0) || !(isNamed || canAskFor(context, options))) {
      throw usageError('which discrepancies?', {
        suggestion: 'give their ids, or --kind K for all open ones of a kind',
      });
    }
    const told: Told = { as: options.as, chosen: isNamed ? { ids, kinds: [...kinds] } : undefined };
    return runChange(context, options, {
      reason: requiredReason('a resolution', 'agreed with the provider, ticket 4711'),
      plan: async ({ client }) => {
        told.month ??= options.month === undefined ? await askForMonth(context, client, options) : options;
        const stored = await findOpenReconciliation(client, told.month);
        told.chosen ??= await askForDifferences(context, client, stored);
        told.as ??= await askForDecision(context, told.chosen.kinds);
        const { as, chosen } = told;
        const request = { ...chosen, userId: await userIdOf(context, client, options.user), as, service };
        return { stored, request, change: await planResolve(client, stored, request) };
      },
      isNothing: ({ change }) => change.ids.length === 0,
      describe: ({ stored: { provider, month, currency }, request: { as }, change }) => ({
        action: `${as === 'open' ? 'Open again' : 'Resolve'} ${countWords(change.ids.length)} of ${provider} ${month}${as === 'open' ? '' : ` as ${as}`}`,
        name: `${provider} ${month}`,
        lines: planLines(change, as, currency),
      }),
      apply: async ({ client }, { stored, request, change }, { reason }) =>
        applyResolve(client, stored, { ...request, reason }, change, await logsOf(context, client)),
      again: ({ stored, request }) =>
        isNamed && options.month !== undefined && options.as !== undefined
          ? undefined
          : wordsOf(stored, request, options),
      report: ({ plan: { stored, request, change }, applied, dryRun }) => {
        const { as } = request;
        const data: ResolveReport = {
          id: stored.id,
          provider: stored.provider,
          month: stored.month,
          dryRun,
          as,
          resolved: change.ids.length,
          kinds: change.kinds,
          logs: applied?.logs ?? { added: change.logs.add.length, changed: change.logs.change.length },
          left: change.left,
          after: applied?.answer?.kinds ?? null,
          currency: stored.currency,
          totals: { before: stored.totals, after: applied?.answer?.totals ?? null },
          auditId: applied?.auditId ?? null,
        };
        return {
          data,
          rows: data.kinds.map((one) => ({ ...one, as, dryRun, auditId: data.auditId })),
          text: reportText,
        };
      },
    });
  },
);

/**
 * Where the logs are: here, or, where this database only reads them, in the shards.
 * @throws configurationError where no file lists those
 */
async function logsOf(context: Context, client: pg.Client): Promise<LogWriter> {
  const { selectIsFinance } = await import('../../shards/finance/finance-store.ts');
  if (!(await selectIsFinance(client))) {
    return ownLogs;
  }
  const { settings, asOf, signal } = context;
  const shards = requireShards(context);
  const { shardLogs } = await import('../../reconcile/resolve/shard-logs.ts');
  const { withDatabase } = await import('../../db/connection.ts');
  return shardLogs(shards, ({ url }, use) =>
    withDatabase({ settings: { ...settings, databaseUrl: url }, asOf, signal, warn: context.talk.warn }, use),
  );
}

/** What is known of the change: of the options, or of what a person was asked for. */
interface Told {
  month?: MonthChoice;
  chosen: ChosenDifferences | undefined;
  as: Decision | undefined;
}

/** Undo is by ids: what is decided already is not offered. */
const canAskFor = ({ canGuide }: Context, { as }: { as?: Decision }) => canGuide && as !== 'open';

/** The same by options. */
const wordsOf = (
  { month, provider }: StoredReconciliation,
  { ids, kinds, as, service }: Pick<ResolveRequest, 'ids' | 'kinds' | 'as' | 'service'>,
  { user }: { user?: string },
): string[] => [
  ...['reconcile', 'resolve', ...ids, '--month', month, '--provider', provider],
  ...kinds.flatMap((kind) => ['--kind', kind]),
  ...(user === undefined ? [] : ['--user', user]),
  ...(service === undefined ? [] : ['--service', service]),
  ...['--as', as],
];

const countWords = (count: number) => counted(count, 'discrepancy', 'discrepancies');

/** The kinds with their sums, amounts with as many digits as the longest of them has. */
function kindLines(kinds: ResolvePlan['kinds'], currency: string | null): string[] {
  const [billed = [], logged = []] = amountColumns([
    kinds.map((one) => one.billed),
    kinds.map((one) => one.logged),
  ]);
  const unit = currency === null ? '' : ` ${currency}`;
  return kinds.map(
    ({ kind, count }, row) => `  ${kind} ${count}: billed ${billed[row]}, logged ${logged[row]}${unit}`,
  );
}

function planLines({ kinds, logs, left }: ResolvePlan, as: Decision, currency: string | null): string[] {
  const lines = kindLines(kinds, currency);
  if (logs.add.length > 0) {
    lines.push(
      `  ${counted(logs.add.length, 'call')} to be logged, counted against the quotas of their users`,
    );
  }
  if (logs.change.length > 0) {
    lines.push(`  ${logs.change.length} logs to be brought in line with the bill`);
  }
  return [as === 'open' ? 'To be open again:' : `To be resolved as ${as}:`, ...lines, ...leftLines(left)];
}

function leftLines({ unknownAssistant, impossible }: ResolvePlan['left']): string[] {
  return [
    ...(unknownAssistant === 0 ? [] : [`  ${unknownAssistant} are left open: nobody has their assistants`]),
    ...(impossible === 0
      ? []
      : [`  ${impossible} are left open: no log can hold them (over a week, or before 2000)`]),
  ];
}

function reportText(
  { resolved, as, dryRun, logs, left, provider, month, kinds, currency, totals }: ResolveReport,
  style: Style,
): string {
  if (resolved === 0) {
    return [as === 'open' ? 'Nothing to open again.' : 'Nothing to resolve.', ...leftLines(left)].join('\n');
  }
  return [
    `${verbOf(as, dryRun, style)} ${countWords(resolved)} of ${provider} ${month}${as === 'open' ? '' : ` as ${as}`}`,
    ...kindLines(kinds, currency),
    ...(logs.added > 0 ? [`  ${counted(logs.added, 'call')} ${dryRun ? 'to be logged' : 'logged'}`] : []),
    ...(logs.changed > 0
      ? [`  ${counted(logs.changed, 'log')} ${dryRun ? 'to be changed' : 'changed'}`]
      : []),
    ...leftLines(left),
    ...totalLines(totals, currency),
  ].join('\n');
}

function verbOf(as: Decision, dryRun: boolean, style: Style): string {
  if (as === 'open') {
    return dryRun ? style.yellow('would open again') : style.green('opened again');
  }
  return dryRun ? style.yellow('would resolve') : style.green('resolved');
}

/** A corrected log can move the difference either way: what one call was billed too much hid what another lacked. */
function totalLines({ before, after }: ResolveReport['totals'], currency: string | null): string[] {
  if (after === null || sameDecimal(before.difference, after.difference)) {
    return [];
  }
  const [was, is] = amountColumns([[before.difference], [after.difference]]).flat();
  const unit = currency === null ? '' : ` ${currency}`;
  return [
    `  the difference of the month was ${was}${unit} and is ${is}${unit}: the bill is the same, our records have changed`,
  ];
}
