import type pg from 'pg';
import type { Shard } from '../../context.ts';
import { configurationError, notFoundError, QuotaError, refusedError, tryAgainError } from '../../errors.ts';
import { selectMatchingUsers } from '../../users/user-store.ts';
import { askShard } from '../ask-shard.ts';
import { type Definitions, selectDefinitions } from '../definitions-store.ts';
import { findOwnerNow } from '../find-owner.ts';
import {
  type Hindrances,
  selectHindrances,
  selectMayMove,
  selectTableRows,
  selectTravels,
  type TableRows,
  type Travel,
} from './move-store.ts';

/** What is to be done about a user who is to be in a shard. */
export type MovePlan =
  /** Everything goes from a shard to the other. */
  | { kind: 'move'; user: MovedUser; from: Shard; to: Shard; tables: TableRows[] }
  /** The other shard has let go already, and the rows wait here. */
  | { kind: 'finish'; user: MovedUser; from: Shard; to: Shard; travel: Travel }
  /** The user is there. In `strays` rows wait of moves that were broken off before the user had gone. */
  | { kind: 'there'; user: MovedUser; from: Shard; to: Shard; strays: Shard[] };

export interface MovedUser {
  id: string;
  externalId: string;
}

interface MoveRequest {
  shards: readonly Shard[];
  to: Shard;
  /** Running sessions go as well. */
  withSessions: boolean;
  signal: AbortSignal;
}

/**
 * Where a user is, and what has to be done. Changes nothing.
 * @throws notFoundError; tryAgainError where a shard is away, sessions run or a move to another shard is not finished;
 * refusedError for what cannot go; configurationError where a login may not do it
 */
export async function planMove(reference: string, request: MoveRequest): Promise<MovePlan> {
  const { shards, to, withSessions, signal } = request;
  const text = reference.trim();
  const ask = async <T>(shard: Shard, use: (client: pg.Client) => Promise<T>): Promise<T> => {
    const answer = await askShard(shard, use, signal);
    if (answer instanceof QuotaError) {
      throw tryAgainError(`shard ${shard.name} does not answer`, { detail: answer.message, cause: answer });
    }
    return answer;
  };
  const owner = await findOwnerNow(shards, text, signal);
  if (owner === undefined) {
    return planFinish(text, request, ask);
  }
  const { shard: from } = owner;
  const user = await ask(from, async (client) => {
    const [match] = await selectMatchingUsers(client, owner.externalId);
    return match && { id: match.user.id, externalId: match.user.externalId };
  });
  if (user === undefined) {
    throw tryAgainError(`${owner.externalId} has just gone from ${from.name}`, {
      suggestion: 'run the same command again',
    });
  }
  if (from.name === to.name) {
    const travels = await askAll(shards, user.id, ask);
    return {
      kind: 'there',
      user,
      from,
      to,
      strays: travels.flatMap(({ shard, arriving }) => (arriving ? [shard] : [])),
    };
  }
  const source = await ask(from, async (client) => ({
    definitions: await selectDefinitions(client),
    rights: await selectMayMove(client),
    hindrances: await selectHindrances(client, user.id),
    tables: await selectTableRows(client, user.id),
  }));
  const target = await ask(to, async (client) => ({
    definitions: await selectDefinitions(client),
    rights: await selectMayMove(client),
  }));
  refuseRights(from, source.rights);
  refuseRights(to, target.rights);
  refuseDifferences(from, source.definitions, to, target.definitions);
  refuseHindrances(user, source.hindrances, withSessions);
  return { kind: 'move', user, from, to, tables: source.tables };
}

type Ask = <T>(shard: Shard, use: (client: pg.Client) => Promise<T>) => Promise<T>;

/** What each shard knows of somebody who is not there. */
const askAll = (shards: readonly Shard[], user: string, ask: Ask) =>
  Promise.all(
    shards.map(async (shard) => ({ shard, ...(await ask(shard, (client) => selectTravels(client, user))) })),
  );

/** Nobody has the user: one shard has let go, and the rows wait in another. */
async function planFinish(text: string, { shards, to }: MoveRequest, ask: Ask): Promise<MovePlan> {
  const travels = await askAll(shards, text, ask);
  for (const { shard, arriving } of travels) {
    const left = travels.find(({ gone }) => arriving !== null && gone?.moveId === arriving.moveId);
    if (arriving !== null && left !== undefined) {
      if (shard.name !== to.name) {
        throw refusedError(`"${text}" is on the way from ${left.shard.name} to ${shard.name}`, {
          suggestion: `finish that first: --to ${shard.name}`,
        });
      }
      const user = { id: arriving.userId, externalId: text };
      return { kind: 'finish', user, from: left.shard, to, travel: arriving };
    }
  }
  throw notFoundError(`no shard has a user "${text}"`, {
    detail: `asked: ${shards.map(({ name }) => name).join(', ')}`,
    suggestion: 'look with quota user list --all-shards --search',
  });
}

function refuseRights(
  shard: Shard,
  { login, isOwner, maySetRole }: { login: string; isOwner: boolean; maySetRole: boolean },
): void {
  if (!isOwner) {
    throw configurationError(`the login ${login} of shard ${shard.name} is not the owner of its schema`, {
      suggestion: 'only the owner moves users: it takes whole rows from one database to another',
    });
  }
  if (!maySetRole) {
    throw configurationError(`the login ${login} of shard ${shard.name} may not put rows as they are`, {
      detail: 'they were counted where they come from, and no trigger is to count them again',
      suggestion: `a superuser gives the right there: grant set on parameter session_replication_role to ${login}`,
    });
  }
}

function refuseDifferences(from: Shard, own: Definitions, to: Shard, others: Definitions): void {
  const differs = Object.keys({ ...own.parts, ...others.parts }).filter(
    (part) => own.parts[part] !== others.parts[part],
  );
  if (differs.length > 0) {
    throw refusedError(`${from.name} and ${to.name} are not the same`, {
      detail: differs.sort().join(', '),
      suggestion: 'quota shards list tells what differs; apply the same plans and meters to all',
    });
  }
}

/** @throws refusedError for what stays so; tryAgainError for what passes */
export function refuseHindrances(
  { externalId }: MovedUser,
  { isErased, logins, adopted, months, pointing, sessions, lastLease, claimed }: Hindrances,
  withSessions: boolean,
): void {
  const refuse = (why: string, suggestion: string) => {
    throw refusedError(`${externalId} cannot go: ${why}`, { suggestion });
  };
  if (isErased) {
    refuse('the user was erased', 'what is left is of nobody, and stays');
  }
  if (logins.length > 0) {
    refuse(
      `roles of this server speak for the user: ${logins.join(', ')}`,
      'quota login revoke takes them away',
    );
  }
  if (adopted > 0) {
    refuse(
      'calls or assistants follow the tables of an adopted product',
      'they are counted beside those tables',
    );
  }
  if (months.length > 0) {
    refuse(
      `calls stand in months that were matched in this database: ${months.join(', ')}`,
      'the months stay whole here',
    );
  }
  if (pointing.length > 0) {
    refuse(
      `tables of others point at rows of users: ${pointing.join(', ')}`,
      'take their foreign keys away first',
    );
  }
  if (sessions > 0 && !withSessions) {
    throw tryAgainError(`${externalId} has running sessions: ${sessions}`, {
      detail: `the last lease ends at ${lastLease}`,
      suggestion:
        'try again when they have ended, or add --with-sessions: apps then end them by key, not by number',
    });
  }
  if (claimed > 0) {
    throw tryAgainError(`assistants of ${externalId} are being changed at the provider`, {
      suggestion: 'try again in a minute',
    });
  }
}
