import type { Shard } from '../context.ts';
import { notFoundError, QuotaError, refusedError, tryAgainError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { selectMatchingUsers } from '../users/user-store.ts';
import { askShard } from './ask-shard.ts';
import { selectTravels } from './move/move-store.ts';
import { shardOfBucket } from './shard.ts';

/** Who is meant by a reference, and where. */
export interface Owner {
  shard: Shard;
  externalId: string;
}

/**
 * The shard that has the user with this id, external id or email. The one that his external id belongs to is asked first;
 * only when it has nobody of that external id, all are: somebody may have been moved, or is called by an email.
 * @returns undefined: nobody has him
 * @throws tryAgainError when a shard does not answer and no other has him; refusedError when two have
 */
export async function findOwnerNow(
  shards: readonly Shard[],
  reference: string,
  signal?: AbortSignal,
): Promise<Owner | undefined> {
  const text = reference.trim();
  const first = shardOfBucket(shards, text);
  const silent: { shard: Shard; error: QuotaError }[] = [];
  const askOrNote = async (shard: Shard) => {
    const matches = await askShard(shard, (client) => selectMatchingUsers(client, text), signal);
    if (matches instanceof QuotaError) {
      silent.push({ shard, error: matches });
      return [];
    }
    return matches.map(({ by, user }) => ({ by, shard, externalId: user.externalId }));
  };
  const there = await askOrNote(first);
  const own = there.find(({ by }) => by === 'externalId');
  if (own !== undefined) {
    return own;
  }
  const others = await Promise.all(shards.filter((shard) => shard !== first).map(askOrNote));
  const found = [...there, ...others.flat()];
  // An id wins over an external id, that over an email, as everywhere.
  const best = (['id', 'externalId', 'email'] as const)
    .map((by) => found.filter((match) => match.by === by))
    .find((matches) => matches.length > 0);
  const [owner] = best ?? [];
  const [away] = silent;
  if (owner === undefined && away !== undefined) {
    throw tryAgainError(`shard ${away.shard.name} does not answer, and no other has "${text}"`, {
      detail: away.error.message,
      suggestion: 'its users can be seen again when it is back; those of other shards are not touched',
      cause: away.error,
    });
  }
  if (owner !== undefined && best !== undefined && new Set(best.map(({ shard }) => shard)).size > 1) {
    throw refusedError(`"${text}" is in ${best.length} shards`, {
      detail: best.map(({ shard, externalId }) => `${shard.name}: ${externalId}`).join('\n'),
      suggestion: 'name the user by the external id, or the shard with --shard',
    });
  }
  return owner;
}

/**
 * The same, for whoever is about to do something for the user.
 * @throws tryAgainError also for somebody who is on the way from one shard to another
 */
export async function findOwner(
  shards: readonly Shard[],
  reference: string,
  signal?: AbortSignal,
): Promise<Owner | undefined> {
  const owner = await findOwnerNow(shards, reference, signal);
  if (owner !== undefined) {
    return owner;
  }
  const text = reference.trim();
  for (const shard of shards) {
    const travels = await askShard(shard, (client) => selectTravels(client, text), signal);
    if (!(travels instanceof QuotaError) && travels.arriving !== null) {
      throw tryAgainError(`"${text}" is on the way to shard ${shard.name}`, {
        suggestion: `a move that was broken off is finished by quota shards move ${shellWord(text)} --to ${shard.name}`,
      });
    }
  }
  return undefined;
}

/** @throws notFoundError where nobody has the user; and as `findOwner` */
export async function requireOwner(
  shards: readonly Shard[],
  reference: string,
  signal?: AbortSignal,
): Promise<Owner> {
  const owner = await findOwner(shards, reference, signal);
  if (owner === undefined) {
    throw notFoundError(`no shard has a user "${reference.trim()}"`, {
      detail: `asked: ${shards.map(({ name }) => name).join(', ')}`,
      suggestion: 'look with quota user list --all-shards --search',
    });
  }
  return owner;
}
