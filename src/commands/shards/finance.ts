import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import type { Context, Shard } from '../../context.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';
import { financeScript } from '../../shards/finance/finance-sql.ts';
import { selectTwins } from '../../shards/finance/finance-store.ts';
import { initFinance, planFinance } from '../../shards/finance/init-finance.ts';
import { requireShards } from '../../shards/shard.ts';
import { counted } from '../../values/counted.ts';
import { readShardLogin, shardLoginOptions } from './shard-login.ts';
import { writeStatements } from './write-statements.ts';

interface FinanceResult {
  dryRun: boolean;
  database: string;
  shards: string[];
  users: number;
  /** What it has otherwise than the shards. */
  differs: string[];
}

/**
 * `quota shards finance`: `{statements: [text]}`, without a password; with `--init` `{dryRun, database, shards, users,
 * differs}`, with `--check` `[{kind, name, shards}]` - what two shards both have.
 */
export const shardsFinance = defineCommand(
  {
    options: {
      ...changeOptions,
      init: flag('make it, or make it anew, in the database of DATABASE_URL'),
      check: flag('which users, assistants, calls and ids are in two shards (exit code 3)'),
      ...shardLoginOptions,
    },
    details: `Bills are of all shards: a database of its own (quota db migrate, no users) reads their tables by postgres_fdw, so that
quota reconcile there is the same as with one database. What a bill corrects is written in the shard of the user, then noted there.
The login is a member of quota_finance in every shard; making it takes a superuser, or the right to use postgres_fdw.`,
    examples: [
      ['quota shards finance', 'the SQL, to look at'],
      [
        'quota shards finance --init --login finance_reader --password-file reader.password --database-url postgres://postgres@db.example/finance --yes',
        'make it',
      ],
      ['quota shards finance --check', 'is anything in two shards?'],
    ],
  },
  async (context, options) => {
    const shards = requireShards(context);
    if (options.init && options.check) {
      throw usageError('--init and --check contradict each other');
    }
    if (options.check) {
      return check(context, shards);
    }
    if (!options.init) {
      const { statements } = financeScript(shards, {
        user: options.login ?? 'finance_reader',
        password: undefined,
      });
      return writeStatements(context, statements);
    }
    const login = readShardLogin(options, 'quota_finance');
    return runChange(context, options, {
      reason: optionalReason,
      plan: ({ client }) => planFinance(client, shards, login, context.signal),
      describe: ({ users }, { client }) => ({
        action: `Have ${client.database} read the tables of ${shards.length} shards, ${counted(users, 'user')}`,
        name: client.database ?? '',
      }),
      apply: ({ client }, plan) => initFinance(client, plan),
      report: ({ plan: { users, differs }, dryRun }, { client }) => {
        if (differs.length > 0) {
          context.talk.warn(
            `it has otherwise than the shards: ${differs.join(', ')}; apply the same plans here`,
          );
        }
        return {
          data: {
            dryRun,
            database: client.database ?? '',
            shards: shards.map(({ name }) => name),
            users,
            differs,
          },
          text: ({ database, shards: names }: FinanceResult, style) =>
            `${database} ${dryRun ? style.yellow('would read') : style.green('reads')} the tables of ${names.join(', ')}: ${counted(users, 'user')}`,
        };
      },
      outdatesCache: false,
    });
  },
);

async function check(context: Context, shards: readonly Shard[]): Promise<ExitCode> {
  const twins = await context.withDatabase(({ client }) => selectTwins(client));
  const data = twins.map(({ kind, name, shards: numbers }) => ({
    kind,
    name,
    shards: numbers.map((number) => shards.find((shard) => shard.number === number)?.name ?? `${number}`),
  }));
  await context.output.write({
    data,
    rows: data.map((twin) => ({ ...twin, shards: twin.shards.join(', ') })),
    columns: [{ key: 'kind' }, { key: 'name', isKept: true }, { key: 'shards' }],
  });
  return data.length === 0 ? exitCodes.ok : exitCodes.differences;
}
