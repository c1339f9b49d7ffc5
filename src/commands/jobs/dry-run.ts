import type { JobDefinition } from '../../../jobs/define-job.ts';
import { meantUser } from '../../asking/meant-user.ts';
import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { peopleTable } from '../../text/people-text.ts';
import { countedOf } from '../../values/counted.ts';
import type { RunOptions } from './run-options.ts';

const indent = '  ';
/** How many are named. */
const dueListMax = 100;

/** What a job would find: `{dryRun, job, asOf, due, first: [...]}`. */
export async function dryRunJob(
  context: Context,
  job: JobDefinition,
  options: RunOptions,
): Promise<ExitCode> {
  const data = await context.withDatabase(async ({ client }) => {
    const userId = options.user === undefined ? null : (await meantUser(context, client, options.user)).id;
    const due = await job.countDue(client, { userId }, options);
    const first = await job.listDue(client, { userId }, dueListMax, options);
    return { dryRun: true, job: job.name, asOf: context.now().toISOString(), due, first };
  });
  await context.output.write({
    data,
    rows: data.first,
    text: ({ due, first }, style) =>
      due === 0
        ? 'nothing due'
        : [
            `${style.yellow('would do')} ${countedOf(due, job.unit)}`,
            ...peopleTable(first, context.now(), { ...style, width: style.width - indent.length }).map(
              (line) => indent + line,
            ),
            ...(first.length === dueListMax && due > first.length
              ? [`  … and ${due - first.length} more`]
              : []),
          ].join('\n'),
  });
  return exitCodes.ok;
}
