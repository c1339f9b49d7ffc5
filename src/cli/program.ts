import { Command } from 'commander';
import { version } from '../../package.json';
import { examples } from './examples.ts';
import { addGlobalOptions } from './global-options.ts';
import { addAuditCommands } from './groups/audit.ts';
import { addCompletionCommands } from './groups/completion.ts';
import { addDbCommands } from './groups/db.ts';
import { addDemoCommand } from './groups/demo.ts';
import { addDoctorCommand } from './groups/doctor.ts';
import { addFixturesCommands } from './groups/fixtures.ts';
import { addImportCommands } from './groups/import.ts';
import { addJobsCommands } from './groups/jobs.ts';
import { addLimitsCommands } from './groups/limits.ts';
import { addPlanCommands } from './groups/plan.ts';
import { addReconcileCommands } from './groups/reconcile.ts';
import { addUsageCommands } from './groups/usage.ts';
import { addUserCommands } from './groups/user.ts';
import type { ProcessLike } from './process-like.ts';
import type { Run } from './run-command.ts';

/**
 * The whole command tree. One line per group; each group declares its commands and loads a handler only when
 * one of them is run.
 */
export function createProgram(process: ProcessLike, run: Run): Command {
  const program = new Command('quota')
    .description('Allowances of metered AI services: look, reset, limit, reconcile.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => process.stdout.write(text),
      writeErr: (text) => process.stderr.write(text),
      outputError: () => {}, // Reported with all other errors, in one place.
      getOutHelpWidth: () => process.stdout.columns ?? 100,
      getErrHelpWidth: () => process.stderr.columns ?? 100,
    })
    .exitOverride()
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      examples(
        ['quota db migrate', 'create or update the tables'],
        ['quota db status --json', 'which database, which version, what is to be done'],
        ['quota help db', 'the commands of a group'],
      ),
    );
  addGlobalOptions(program);
  addDemoCommand(program, run);
  addDbCommands(program, run);
  addUserCommands(program, run);
  addJobsCommands(program, run);
  addPlanCommands(program, run);
  addUsageCommands(program, run);
  addLimitsCommands(program, run);
  addImportCommands(program, run);
  addReconcileCommands(program, run);
  addAuditCommands(program, run);
  addDoctorCommand(program, run);
  addFixturesCommands(program, run);
  addCompletionCommands(program, run);
  return program;
}
