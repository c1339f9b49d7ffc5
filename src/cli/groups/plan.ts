import type { Command } from 'commander';
import { parseInstant, parseUuid } from '../../values/option-values.ts';
import { examples } from '../examples.ts';
import { addChangeOptions, valueOption } from '../global-options.ts';
import type { Run } from '../run-command.ts';

export function addPlanCommands(program: Command, run: Run): void {
  const plan = program.command('plan').description('plans as data: look, change by file, try on the past');

  plan
    .command('list')
    .description('all plans with their limits and how many users have them')
    .addHelpText('after', examples(['quota plan list', ''], ['quota plan list --json', 'every field']))
    .action(run(async () => (await import('../../commands/plan/list.ts')).planList));

  plan
    .command('show')
    .argument('<plan>', 'key of the plan')
    .description('one plan, as a file for "plan apply"')
    .addHelpText(
      'after',
      examples(
        ['quota plan show voice-free', ''],
        ['quota plan show voice-free > plan.yaml', 'to change it and apply it'],
      ),
    )
    .action(run(async () => (await import('../../commands/plan/show.ts')).planShow));

  addChangeOptions(plan.command('apply'))
    .argument('<file>', 'YAML or JSON: one plan with its key, or "plans:" with several; - reads stdin')
    .option('--now', 'running periods take the new terms at once (default: they keep theirs)')
    .description('make the plans of a file what the file says; plans that it does not name stay as they are')
    .addHelpText(
      'after',
      examples(
        ['quota plan apply plans.yaml --dry-run', 'every difference, nothing changed'],
        ['quota plan apply plans.yaml --reason "autumn prices"', 'from the next periods on'],
        ['quota plan apply plans.yaml --now --yes', 'who is over the new limit is limited at once'],
      ),
    )
    .action(run(async () => (await import('../../commands/plan/apply.ts')).planApply));

  plan
    .command('simulate')
    .argument('<file>', 'YAML or JSON, as for "plan apply"; - reads stdin')
    .addOption(
      valueOption('--from <date>', 'the first instant that counts', parseInstant).makeOptionMandatory(),
    )
    .addOption(
      valueOption('--to <date>', 'the instant before which it ends', parseInstant).makeOptionMandatory(),
    )
    .option('--users-of <plan>', 'replay the users of this plan (default: those of the plans in the file)')
    .description(
      'replay the past under the limits of a file: who would have been blocked, when; what it had saved',
    )
    .addHelpText(
      'after',
      examples(
        ['quota plan simulate plan.yaml --from 2026-10-01 --to 2026-11-01', 'October under other limits'],
        [
          'quota plan simulate pro.yaml --users-of voice-free --from 2026-10-01 --to 2026-11-01 --output csv',
          'a plan that nobody has yet',
        ],
      ),
    )
    .action(run(async () => (await import('../../commands/plan/simulate.ts')).planSimulate));

  addChangeOptions(plan.command('move'))
    .argument('<from>', 'plan that the users have')
    .argument('<to>', 'plan of the same service that they get')
    .addOption(
      valueOption('--moved-by <run>', 'only users that this earlier move brought to <from>', parseUuid),
    )
    .description('put all users of a plan on another one; custom limits of the former wait for a way back')
    .addHelpText(
      'after',
      examples(
        ['quota plan move avatar-monthly avatar-lifetime --dry-run', 'how many they are'],
        ['quota plan move avatar-monthly avatar-lifetime --reason "20 minutes ever"', ''],
        ['quota plan move avatar-lifetime avatar-monthly --moved-by RUN --reason "back"', 'as it was before'],
      ),
    )
    .action(run(async () => (await import('../../commands/plan/move.ts')).planMove));
}
