import { escapeLiteral } from 'pg';
import type { Shard } from '../../context.ts';
import { type ShardLogin, serverPlace } from '../server-place.ts';

/** What a database of finance is made of, as statements. Only `secrets` hold the password. */
export interface FinanceScript {
  statements: string[];
  secrets: string[];
}

/** The schema with the tables of the shards, each named `TABLE_NUMBER`. */
export const financeSchema = 'quota_shards';

/** What belongs to users; bills and what is found of them are of the database of finance itself. */
const tables = [
  ...['users', 'subscriptions', 'limit_overrides', 'usage_quotas', 'adjustments', 'grants', 'usage_alerts'],
  ...['concurrent_processing', 'assistants', 'assistant_limits', 'call_logs', 'usage_analytics'],
] as const;

/** Rows that are fetched at a time: fewer round trips than 100, and still little memory. */
const fetchSize = 10_000;

/**
 * The tables of the shards as parts of the tables of this database, read by postgres_fdw: what reads `quota.call_logs` here
 * reads those of all shards. Nothing is written through them.
 * https://www.postgresql.org/docs/current/postgres-fdw.html
 */
export function financeScript(shards: readonly Shard[], { user, password }: ShardLogin): FinanceScript {
  const server = ({ number }: Shard) => `quota_shard_${number}`;
  const options = [
    `user ${escapeLiteral(user)}`,
    ...(password === undefined ? [] : [`password ${escapeLiteral(password)}`]),
  ];
  return {
    statements: [
      'create extension if not exists postgres_fdw',
      `drop schema if exists ${financeSchema} cascade`,
      `create schema ${financeSchema}`,
      `comment on schema ${financeSchema} is 'The tables of the shards of quota, made by quota shards finance: read here, written there.'`,
      ...shards.flatMap((shard) => [
        `drop server if exists ${server(shard)} cascade`,
        `create server ${server(shard)} foreign data wrapper postgres_fdw options (${serverPlace(shard.url)
          .map(([keyword, value]) => `${keyword} ${escapeLiteral(value)}`)
          .join(', ')}, fetch_size '${fetchSize}', async_capable 'true', use_remote_estimate 'true')`,
        ...tables.map(
          (table) =>
            `create foreign table ${financeSchema}.${table}_${shard.number} () inherits (quota.${table}) server ${server(shard)} options (schema_name 'quota', table_name '${table}', updatable 'false')`,
        ),
      ]),
    ],
    secrets: shards.map(
      (shard) =>
        `create user mapping for current_user server ${server(shard)} options (${options.join(', ')})`,
    ),
  };
}
