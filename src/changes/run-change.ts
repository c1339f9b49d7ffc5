import type { Change, ChangeOptions, Context, Database, DatabaseOptions, Report } from '../context.ts';
import { type ExitCode, exitCodes, tryAgainError } from '../errors.ts';
import { shellLine } from '../shell-word.ts';
import { withOutdatedCache } from './outdated-cache.ts';
import { type ReasonRule, refuseMissingReason, settleReason } from './reason.ts';
import { withWaitingWork } from './waiting-work.ts';

/** What a plan says to a person before the yes. */
export interface ChangeDescription extends Change {
  /** Shown above the question; not where leave was given beforehand. */
  lines?: readonly string[];
  /** What can move while a person decides: "the usage". */
  subject?: string;
}

/** What an applied change knows about who agreed to it. */
export interface Agreement<Reason> {
  reason: Reason;
  /** False: somebody saw this very plan and said yes to it. True: leave was given for whatever there is. */
  isBeforehand: boolean;
}

export interface ChangeOutcome<Plan, Applied, Settled> {
  plan: Plan;
  /** Undefined: nothing was changed, on a dry run or because there was nothing to change. */
  applied: Applied | undefined;
  /** Undefined on a dry run. */
  settled: Settled | undefined;
  dryRun: boolean;
}

/** What a changing command says about its change; the bracket does the rest. */
export interface ChangeSteps<Plan, Applied, Settled, Data, Reason extends string | undefined> {
  reason: ReasonRule<Reason>;
  /** Reads what would be changed, and changes nothing. */
  plan(database: Database): Promise<Plan>;
  /** Then nobody is asked and nothing is applied. */
  isNothing?(plan: Plan): boolean;
  describe(plan: Plan, database: Database): ChangeDescription;
  /**
   * Changes it, in one transaction with its audit row (R5).
   * @returns null when the plan is no longer what was agreed to: it is made, shown and asked for again
   */
  apply(database: Database, plan: Plan, agreement: Agreement<Reason>): Promise<Applied | null>;
  /**
   * After the commit, and also where nothing was to be changed: the provider work that is queued. Without it what
   * waits is said.
   */
  settle?(database: Database, plan: Plan, applied: Applied | undefined): Promise<Settled>;
  report(
    outcome: ChangeOutcome<Plan, Applied, Settled>,
    database: Database,
  ): Promise<ChangeReport<Data>> | ChangeReport<Data>;
  /** The words of the line that does the same without questions; undefined where a person was asked for none of them. */
  again?(plan: Plan): readonly string[] | undefined;
  /** Default: the schema is current, an interruption cancels the statement. */
  database?: DatabaseOptions;
  /** False for changes that no counter depends on. */
  outdatesCache?: boolean;
}

export interface ChangeReport<Data> extends Report<Data> {
  /** Default: 0. */
  exitCode?: ExitCode;
}

/** Somebody who calls on while a person decides can change the plan only so often. */
const attemptsMax = 5;

/**
 * The one bracket of every change: a reason, the plan, a look at it, a yes, the change with its audit row, the app's
 * outdated cache, the provider's work, the report. `--dry-run` ends it after the plan, with every table as it was.
 * @throws usageError without a reason; refusedError without a yes
 */
export async function runChange<Plan, Applied, Settled, Data, Reason extends string | undefined>(
  context: Context,
  options: ChangeOptions,
  steps: ChangeSteps<Plan, Applied, Settled, Data, Reason>,
): Promise<ExitCode> {
  refuseMissingReason(context, options, steps.reason);
  const dryRun = options.dryRun === true;
  const {
    exitCode = exitCodes.ok,
    again,
    ...report
  } = await context.withDatabase(async (database) => {
    const { plan, applied, reason } = await agreeAndApply(context, database, options, steps);
    const settled = dryRun ? undefined : await steps.settle?.(database, plan, applied);
    const outcome = await steps.report({ plan, applied, settled, dryRun }, database);
    return { ...outcome, again: applied === undefined ? undefined : lineAgain(steps.again?.(plan), reason) };
  }, steps.database);
  await context.output.write(report);
  if (again !== undefined) {
    context.talk.info(`without questions: ${again}`);
  }
  return exitCode;
}

/** What a person can paste the next time. */
const lineAgain = (words: readonly string[] | undefined, reason: string | undefined): string | undefined =>
  words && shellLine(['quota', ...words, ...(reason === undefined ? [] : ['--reason', reason])]);

async function agreeAndApply<Plan, Applied, Settled, Data, Reason extends string | undefined>(
  context: Context,
  database: Database,
  options: ChangeOptions,
  steps: ChangeSteps<Plan, Applied, Settled, Data, Reason>,
): Promise<{ plan: Plan; applied: Applied | undefined; reason?: Reason }> {
  let agreement: Agreement<Reason> | undefined;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const plan = await steps.plan(database);
    if (options.dryRun || steps.isNothing?.(plan)) {
      return { plan, applied: undefined };
    }
    if (context.output.hasFields) {
      const { data } = await steps.report(
        { plan, applied: undefined, settled: undefined, dryRun: true },
        database,
      );
      context.output.refuseUnknownFields(data);
    }
    const { lines = [], subject = 'what is to be changed', ...change } = steps.describe(plan, database);
    const isBeforehand = isAgreedBeforehand(context, options, change, database);
    if (!isBeforehand && lines.length > 0) {
      context.talk.info(lines.join('\n'));
    }
    agreement ??= { reason: await settleReason(context, options, steps.reason), isBeforehand };
    await context.confirm(change, options, database);
    const agreed = agreement;
    const movesUsage = steps.outdatesCache !== false;
    const apply = () => steps.apply(database, plan, agreed);
    const applied = await withOutdatedCache(context, database.client, movesUsage, () =>
      movesUsage && steps.settle === undefined ? withWaitingWork(context, database.client, apply) : apply(),
    );
    if (applied !== null) {
      return { plan, applied, reason: agreed.reason };
    }
    context.talk.warn(`${subject} has moved since the plan was shown; nothing was changed`);
  }
  throw tryAgainError('what is to be changed moves too fast to agree on a plan', {
    suggestion: 'add --yes (in production --confirm) to change whatever is there at that moment',
  });
}

/** Whether leave was given on the command line, before any plan was seen. */
const isAgreedBeforehand = (
  { settings }: Context,
  { yes, confirm }: ChangeOptions,
  { typed = false }: Change,
  { mark }: Database,
): boolean =>
  confirm !== undefined ||
  (yes === true && settings.environment !== 'production' && mark !== 'production' && !typed);
