import type pg from 'pg';
import type { Shard } from '../../context.ts';
import { withClient } from '../../db/client.ts';
import { withTransaction } from '../../db/transaction.ts';
import { configurationError, refusedError } from '../../errors.ts';
import { selectDefinitions } from '../definitions-store.ts';
import { runStatement } from '../run-statement-store.ts';
import type { ShardLogin } from '../server-place.ts';
import { type FinanceScript, financeScript } from './finance-sql.ts';
import { selectFinanceState } from './finance-store.ts';

/** What would stand in the database of finance. */
export interface FinancePlan {
  script: FinanceScript;
  /** Users of all shards. */
  users: number;
  /** What it has otherwise than the shards: `plan voice-free`. */
  differs: string[];
}

/**
 * Looks at the database and at every shard, and changes nothing.
 * @throws refusedError where it has users of its own or calls by month; configurationError without postgres_fdw; unavailableError where a
 * shard is away
 */
export async function planFinance(
  client: pg.ClientBase,
  shards: readonly Shard[],
  login: ShardLogin,
  signal?: AbortSignal,
): Promise<FinancePlan> {
  const { hasUsers, isPartitioned, hasWrapper } = await selectFinanceState(client);
  if (isPartitioned || hasUsers) {
    const why = isPartitioned
      ? 'the calls of this database are partitioned by month'
      : 'this database has users of its own';
    throw refusedError(why, {
      suggestion: 'give finance a database of its own: create database finance, then quota db migrate',
    });
  }
  if (!hasWrapper) {
    throw configurationError('the server has no postgres_fdw', {
      suggestion: 'install the contrib modules of PostgreSQL there',
    });
  }
  const own = (await selectDefinitions(client)).parts;
  const others = await Promise.all(
    shards.map(({ url }) => withClient(url, (shard) => selectDefinitions(shard), signal)),
  );
  const differs = others.flatMap(({ parts }) =>
    Object.keys({ ...own, ...parts }).filter((part) => own[part] !== parts[part]),
  );
  return {
    script: financeScript(shards, login),
    users: others.reduce((sum, { users }) => sum + users, 0),
    differs: [...new Set(differs)].sort(),
  };
}

/** Makes it, or makes it anew; a month that is being matched meanwhile is waited for. */
export const initFinance = (client: pg.ClientBase, { script }: FinancePlan): Promise<void> =>
  withTransaction(client, async () => {
    for (const statement of [...script.statements, ...script.secrets]) {
      await runStatement(client, statement);
    }
  });
