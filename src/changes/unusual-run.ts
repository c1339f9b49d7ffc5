import type { ChangeOptions, Context, Database } from '../context.ts';

/** What runs unasked on ordinary days: by cron, or since it only adds. */
export interface Run {
  /** "Run reset-months". */
  action: string;
  /** What has to be typed where the run is unusual, in production. */
  name: string;
  /** What its options make unlike every day: "with only 3 days of job_runs kept". */
  dangers?: readonly string[];
}

/**
 * Lets an ordinary run go unasked. One whose clock is ahead, or whose options are dangerous, is typed in production:
 * what it closes, limits or takes away is so for everybody until that instant comes.
 * @throws refusedError
 */
export async function agreeToUnusualRun(
  context: Context,
  database: Database,
  { action, name, dangers = [] }: Run,
  { dryRun = false, confirm }: ChangeOptions,
): Promise<void> {
  const unusual = [
    ...(database.isAheadOfTime ? [`as of ${context.asOf}, which lies ahead of the clock`] : []),
    ...dangers,
  ];
  if (unusual.length > 0 && !dryRun) {
    await context.confirm(
      { action: `${action} ${unusual.join(' and ')}`, name, isDangerous: true },
      { yes: true, ...(confirm !== undefined && { confirm }) },
      database,
    );
  }
}
