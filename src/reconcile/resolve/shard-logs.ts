import type pg from 'pg';
import type { Database, Shard } from '../../context.ts';
import { withTransaction } from '../../db/transaction.ts';
import { refusedError } from '../../errors.ts';
import { type LogWriter, ownLogs } from './log-writer.ts';
import type { BilledCall, LogCorrection } from './resolution-store.ts';
import { deleteMovedLogs, insertMovedLogs, selectLogRows, selectPlaces } from './shard-log-store.ts';

/** Opens a shard with the session of the command. */
export type OpenShard = <T>(shard: Shard, use: (database: Database) => Promise<T>) => Promise<T>;

/**
 * In the shards of their users, of which a database of finance only reads. Each shard commits its own, then what was found is
 * resolved here: whoever breaks off in between does the same again, and what is there already is left alone.
 * @throws refusedError, when it writes, for a shard that the file does not list, and for a call that has no id to be known by
 */
export function shardLogs(shards: readonly Shard[], open: OpenShard): LogWriter {
  /** Numbers of shards by ids of owners, uuids, and of logs, numbers. */
  let places: ReadonlyMap<string, number> = new Map();
  const shardNumbered = (number: number | undefined): Shard => {
    const found = shards.find((shard) => shard.number === number);
    if (found === undefined) {
      throw refusedError(`a user is in shard ${number}, which the file of QUOTA_SHARDS does not list`);
    }
    return found;
  };
  /** What is done with the rows of each shard, in a transaction there. */
  const inShards = async <T, R>(
    rows: readonly T[],
    placeOf: (row: T) => number | undefined,
    use: (client: pg.ClientBase, rows: readonly T[]) => Promise<R>,
  ): Promise<R[]> => {
    const done: R[] = [];
    for (const number of new Set(rows.map(placeOf))) {
      const own = rows.filter((row) => placeOf(row) === number);
      done.push(
        await open(shardNumbered(number), ({ client }) => withTransaction(client, () => use(client, own))),
      );
    }
    return done;
  };
  const ofOwner = ({ ownerId }: { ownerId: string | null }) => places.get(ownerId ?? '');
  const ofLog = ({ logId }: { logId: string }) => places.get(logId);

  /** First with the new owner, then no more with the former one: broken off in between, it is there twice, not lost. */
  const move = async (corrections: readonly LogCorrection[], reason: string): Promise<number[]> => {
    const rows = (await inShards(corrections, ofLog, selectLogRows)).flat();
    const keyless = rows.filter(({ key }) => key === null);
    if (keyless.length > 0) {
      throw refusedError('a call without an id of the provider cannot be moved to another shard', {
        detail: keyless.map(({ logId }) => `call log ${logId}`).join('\n'),
        suggestion: 'resolve these as accepted or disputed',
      });
    }
    await inShards(rows, ofOwner, (client, own) => insertMovedLogs(client, own, reason));
    return inShards(rows, ofLog, (client, own) => deleteMovedLogs(client, own, reason));
  };

  return {
    prepare: async (client, discrepancies) => {
      places = new Map((await selectPlaces(client, discrepancies)).map(({ id, shard }) => [id, shard]));
    },
    add: async (_client, calls, reason) =>
      sum(
        await inShards<BilledCall, number>(
          calls,
          ({ userId }) => places.get(userId),
          (client, own) => ownLogs.add(client, own, reason),
        ),
      ),
    change: async (_client, corrections, reason) => {
      const isMove = (one: LogCorrection) =>
        one.kind === 'attribution_mismatch' && ofOwner(one) !== ofLog(one);
      // A log that is nowhere has been moved by a run that was broken off before this was noted, or has gone since.
      const there = corrections.filter((one) => ofLog(one) !== undefined);
      const stays = there.filter((one) => !isMove(one));
      const changed = await inShards(stays, ofLog, (client, own) => ownLogs.change(client, own, reason));
      return sum([...changed, ...(await move(there.filter(isMove), reason))]);
    },
  };
}

const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
