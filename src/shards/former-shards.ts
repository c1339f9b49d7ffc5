import type pg from 'pg';
import type { Context, Shard } from '../context.ts';
import { withDatabase } from '../db/connection.ts';
import { selectTravels } from './move/move-store.ts';

export type ShardAccess = Pick<Context, 'settings' | 'asOf' | 'signal'>;

/** The database of a shard, as a command has it. */
export const withShard = <T>(
  { settings, asOf, signal }: ShardAccess,
  { url }: Shard,
  use: (client: pg.Client) => Promise<T>,
  until?: AbortSignal,
): Promise<T> =>
  withDatabase({ settings: { ...settings, databaseUrl: url }, asOf, signal, until }, ({ client }) =>
    use(client),
  );

/**
 * Does something in each shard in which a user has been: what stayed there when the user was moved is there still.
 * @throws unavailableError where a shard is away
 */
export async function inFormerShards(
  access: ShardAccess,
  userId: string,
  use: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const { shards = [], shard: home } = access.settings;
  for (const shard of shards.filter(({ name }) => name !== home?.name)) {
    await withShard(access, shard, async (client) => {
      const { gone, arriving } = await selectTravels(client, userId);
      if (gone !== null || arriving !== null) {
        await use(client);
      }
    });
  }
}
