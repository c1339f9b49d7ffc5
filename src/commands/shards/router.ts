import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { initRouter, planRouter } from '../../shards/router/init-router.ts';
import { requireShards } from '../../shards/shard.ts';
import { readShardLogin, shardLoginOptions } from './shard-login.ts';
import { writeStatements } from './write-statements.ts';

interface RouterResult {
  dryRun: boolean;
  database: string;
  shards: string[];
  functions: string[];
  placedUsers: number;
}

/**
 * `quota shards router`: `{statements: [text]}`, without a password; with `--init` `{dryRun, database, shards, functions,
 * placedUsers}`, and the database of DATABASE_URL is the router.
 */
export const shardsRouter = defineCommand(
  {
    options: {
      ...changeOptions,
      init: flag('make it, or make it anew, in the database of DATABASE_URL'),
      ...shardLoginOptions,
    },
    details: `For apps that cannot choose their connection: a database with the functions of docs/apps.md, each of which runs in
the shard of its user. It needs PL/Proxy (Debian: postgresql-15-plproxy) and a superuser; it keeps no data but who is not where the
external id says. Users are named by external id there. Make it anew after an update, a new shard, a moved user.`,
    examples: [
      ['quota shards router', 'the SQL, to look at'],
      [
        'quota shards router --init --login app --password-file app.password --database-url postgres://postgres@router.example/router --yes',
        'make it',
      ],
    ],
  },
  async (context, options) => {
    const shards = requireShards(context);
    if (!options.init) {
      const login = { user: options.login ?? 'app', password: undefined };
      const { script } = await planRouter(shards, login, context.signal);
      return writeStatements(context, script.statements);
    }
    const login = readShardLogin(options, 'quota_app');
    return runChange(context, options, {
      reason: optionalReason,
      plan: () => planRouter(shards, login, context.signal),
      describe: ({ functions }, { client }) => ({
        action: `Make ${client.database} the router of ${shards.length} shards, ${functions.length} functions`,
        name: client.database ?? '',
      }),
      apply: ({ client }, plan) => initRouter(client, plan),
      report: ({ plan: { functions, placedUsers }, dryRun }, { client }) => ({
        data: {
          dryRun,
          database: client.database ?? '',
          shards: shards.map(({ name }) => name),
          functions,
          placedUsers,
        },
        text: ({ database, shards: names }: RouterResult, style) =>
          `${dryRun ? style.yellow('would make') : style.green('made')} ${database} the router of ${names.join(', ')}: ${functions.length} functions`,
      }),
      database: { schema: 'any' },
      outdatesCache: false,
    });
  },
);
