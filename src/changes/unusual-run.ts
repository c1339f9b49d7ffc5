import type { ChangeOptions, Context, Database } from '../context.ts';
import { tryAgainError } from '../errors.ts';

/** What runs unasked on ordinary days: by cron, or since it only adds. */
export interface Run {
  /** "Run reset-months". */
  action: string;
  /** What has to be typed where the run is unusual, in production. */
  name: string;
  /** What its options make unlike every day: "with only 3 days of job_runs kept". */
  dangers?: readonly string[];
}

const dayMs = 86_400_000;

/**
 * Lets an ordinary run go unasked. One whose clock is ahead, or whose options are dangerous, is typed in production:
 * what it closes, limits or takes away is so for everybody until that instant comes. A person is asked elsewhere, too, where
 * it is more than a day; and nothing runs by the clock of a server that is a day ahead of this machine's, unless it is told to.
 * @throws refusedError; tryAgainError for a server whose clock is ahead
 */
export async function agreeToUnusualRun(
  context: Context,
  database: Database,
  { action, name, dangers = [] }: Run,
  { dryRun = false, confirm }: ChangeOptions,
): Promise<void> {
  if (dryRun) {
    return;
  }
  const told = confirm === undefined ? {} : { confirm };
  const serverIsAheadMs = context.asOf === null ? database.serverNow.getTime() - context.now().getTime() : 0;
  if (serverIsAheadMs > dayMs) {
    const ahead = `the clock of the server, ${database.serverNow.toISOString()}, is ${Math.floor(serverIsAheadMs / dayMs)} days ahead of this machine's`;
    if (!context.canAsk && confirm === undefined) {
      throw tryAgainError(`${ahead}: ${name} does not run`, {
        detail:
          'what a run closes or takes away by a clock that is ahead is so for everybody until that instant comes',
        suggestion: `set the clock that is wrong; if the server's is right: --confirm ${name}`,
      });
    }
    await context.confirm({ action: `${action} although ${ahead}`, name, typed: true }, told, database);
    return;
  }
  const unusual = [
    ...(database.isAheadOfTime ? [`as of ${context.asOf}, which lies ahead of the clock`] : []),
    ...dangers,
  ];
  if (unusual.length > 0) {
    const isFarAhead = Date.parse(context.asOf ?? '') - database.serverNow.getTime() > dayMs;
    await context.confirm(
      { action: `${action} ${unusual.join(' and ')}`, name, isDangerous: true },
      { yes: !(isFarAhead && context.canAsk), ...told },
      database,
    );
  }
}
