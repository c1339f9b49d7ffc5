import type { Command } from 'commander';
import { examples } from '../examples.ts';
import { addChangeOptions } from '../global-options.ts';
import type { Run } from '../run-command.ts';

export function addDbCommands(program: Command, run: Run): void {
  const db = program.command('db').description('the database: the embedded server, and the tables');

  addServerCommands(db, run);
  addSchemaCommands(db, run);
}

function addServerCommands(db: Command, run: Run): void {
  db.command('start')
    .description('start the embedded server and let it run until quota db stop')
    .addHelpText(
      'after',
      examples(
        ['quota db start', 'for an app or psql that is to use it too'],
        ['psql "$(quota db url)"', 'look into it'],
      ),
    )
    .action(run(async () => (await import('../../commands/db/start.ts')).dbStart));

  db.command('stop')
    .description('stop the embedded server, or have the last process that uses it stop it')
    .option('--force', 'end the connections of others')
    .addHelpText(
      'after',
      examples(['quota db stop', 'unless somebody uses it'], ['quota db stop --force', 'whoever uses it']),
    )
    .action(run(async () => (await import('../../commands/db/stop.ts')).dbStop));

  db.command('url')
    .description('print where the database listens, without a password')
    .addHelpText(
      'after',
      examples(
        ['quota db url', 'for a configuration file'],
        ['psql "$(quota db url)"', 'connect to the embedded server'],
      ),
    )
    .action(run(async () => (await import('../../commands/db/url.ts')).dbUrl));

  db.command('status')
    .description('which database is used, and how its tables stand to this version')
    .addHelpText(
      'after',
      examples(
        ['quota db status', 'at a glance'],
        ['quota db status --json', 'for scripts: .schema.state is missing, older, current, newer or edited'],
      ),
    )
    .action(run(async () => (await import('../../commands/db/status.ts')).dbStatus));
}

function addSchemaCommands(db: Command, run: Run): void {
  db.command('migrate')
    .description('create the tables and functions, or bring them to this version; all or nothing')
    .option('--dry-run', 'list what would be applied, change nothing')
    .option('--reinstall', 'also make anew what somebody changed by hand, and give the rights anew')
    .addHelpText(
      'after',
      examples(
        ['quota db migrate', 'apply what is pending'],
        ['quota db migrate --dry-run', 'list what is pending'],
        ['quota db migrate --reinstall', 'undo what quota doctor finds changed by hand'],
        ['DATABASE_URL=postgres://quota@db/app quota db migrate', 'on your own server'],
      ),
    )
    .action(run(async () => (await import('../../commands/db/migrate.ts')).dbMigrate));

  addChangeOptions(db.command('rollback'))
    .description('take back the last batch of migrations, with the data in what they made')
    .option('--all', 'take back every migration')
    .option('--to <migration>', 'take back every migration after this one')
    .addHelpText(
      'after',
      examples(
        ['quota db rollback --dry-run', 'list what would be taken back'],
        ['quota db rollback --to 0001_core --yes', 'back to the first migration'],
        ['quota db rollback --confirm app', 'in production, on the database "app"'],
      ),
    )
    .action(run(async () => (await import('../../commands/db/rollback.ts')).dbRollback));

  addChangeOptions(db.command('reset'))
    .description('drop all tables of quota with their data and make them anew')
    .addHelpText(
      'after',
      examples(
        ['quota db reset --dry-run', 'see what would be lost'],
        ['quota db reset --yes', 'begin anew on a development database'],
      ),
    )
    .action(run(async () => (await import('../../commands/db/reset.ts')).dbReset));
}
