import type { JobDefinition } from '../../../jobs/define-job.ts';
import { type Command, defineCommand } from '../../declarations/command.ts';
import { userOption } from '../../declarations/user-argument.ts';
import { runOptions } from './run-options.ts';

/** A job as the command of its own name, and as `jobs run NAME`. */
export function jobCommand(name: string, job: JobDefinition): Command {
  const { scope, options, examples = [] } = job;
  return defineCommand(
    {
      options: { ...options, ...runOptions, ...(scope === 'user' ? userOption : {}) },
      ...(scope === 'user' ? {} : { details: `For everybody at once: ${scope.everybody}.` }),
      examples: [
        [name, 'from cron, as often as you like'],
        [`${name} --dry-run`, 'what is due'],
        [`${name} --max-duration 50m --quiet`, 'stop before the next run begins'],
        ...examples,
      ],
    },
    async (context, given) => {
      if (given.dryRun) {
        const { dryRunJob } = await import('./dry-run.ts');
        return dryRunJob(context, job, given);
      }
      if (job.follow?.isWanted(given)) {
        const { followJob } = await import('./follow-job.ts');
        return followJob(context, job, given);
      }
      const { runJobCommand } = await import('./run-job.ts');
      return runJobCommand(context, job, given);
    },
  );
}
