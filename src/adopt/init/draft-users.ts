import type pg from 'pg';
import { draftOf, joined, sqlOf, wordsOf } from './column-value.ts';
import { isUserColumn, whereOf } from './draft-calls.ts';
import type { ReadTable } from './read-table.ts';
import { isCounter, userOf } from './recognise.ts';
import { selectOverlap, selectWords } from './survey-store.ts';
import { plainName } from './words.ts';
import type { DraftPart, DraftValue } from './yaml-text.ts';

/** By which of its columns the calls know a user. */
async function userId(
  client: pg.ClientBase,
  users: ReadTable,
  calls: readonly ReadTable[],
): Promise<DraftValue> {
  const key = users.key[0] ?? 'id';
  for (const { relation, found } of calls) {
    if (found.user === undefined) {
      continue;
    }
    const { references, tells } = found.user;
    if (tells !== undefined) {
      return { sql: joined('r', tells) };
    }
    if (references?.relation === users.relation) {
      return { column: references.column };
    }
    const candidates = users.columns.filter(
      ({ name }) =>
        name === key ||
        isUserColumn(name) ||
        /_?(id|uid|uuid|ref)$/.test(plainName(name)) ||
        name === users.found.email?.name,
    );
    let most = { name: key, percent: 0 };
    for (const candidate of candidates) {
      const percent = await selectOverlap(
        client,
        { relation, value: sqlOf(found.user) },
        { relation: users.relation, value: sqlOf(candidate) },
      );
      most = percent > most.percent ? { name: candidate.name, percent } : most;
    }
    return {
      column: most.name,
      ...(most.percent < 90 && { note: `of some users of ${relation} ${most.percent} % are found by it` }),
    };
  }
  return { column: key };
}

/** Which plan a user is on: by a column with its words, or the one of the service. */
async function planOf(
  client: pg.ClientBase,
  { relation, found }: ReadTable,
  rest: readonly ReadTable[],
  services: readonly string[],
): Promise<DraftValue | undefined> {
  const [service] = services;
  if (service === 'voice') {
    return { constant: 'voice-free' };
  }
  if (service === 'avatar') {
    const isMonthly = rest.some((table) => isCounter(table) && table.found.month !== undefined);
    const isLifetime = rest.some((table) => isCounter(table) && table.found.month === undefined);
    return isLifetime && !isMonthly
      ? { constant: 'avatar-lifetime' }
      : { constant: 'avatar-monthly', ...(!isMonthly && { note: 'or avatar-lifetime' }) };
  }
  if (service !== 'transcription' || found.plan === undefined) {
    return service === 'transcription' ? { constant: 'transcription-free' } : undefined;
  }
  const words = await selectWords(client, relation, sqlOf(found.plan));
  const values: Record<string, string> = {};
  const unsure: string[] = [];
  for (const word of words) {
    const tier = ['enterprise', 'starter', 'pro', 'free'].find((one) => plainName(word).includes(one));
    if (tier === undefined) {
      unsure.push(word);
    } else if (tier !== 'free') {
      values[word] = `transcription-${tier}`;
    }
  }
  for (const tier of ['starter', 'pro', 'enterprise']) {
    values[tier] ??= `transcription-${tier}`;
  }
  values['*'] = 'transcription-free';
  return {
    ...wordsOf(found.plan, values),
    ...(unsure.length > 0 && { note: `unsure of ${unsure.join(', ')}: taken as free` }),
  };
}

/** The users, and by which of their columns calls and plans know them. */
export async function draftUsers(
  client: pg.ClientBase,
  users: ReadTable,
  calls: readonly ReadTable[],
  rest: readonly ReadTable[],
  services: readonly string[],
): Promise<DraftPart> {
  const { found } = users;
  const plan = await planOf(client, users, rest, services);
  const columns: [string, DraftValue | undefined][] = [
    ['user', await userId(client, users, calls)],
    ['email', found.email && draftOf(found.email)],
    ['name', found.name && draftOf(found.name)],
    ['signup_at', found.signup_at && draftOf(found.signup_at)],
    ['timezone', found.timezone && draftOf(found.timezone)],
    ['plan', plan],
  ];
  const where = whereOf(users);
  return {
    part: 'users',
    comments:
      found.signup_at === undefined ? ['nothing says when they signed up: months are counted from now'] : [],
    settings: [
      ['table', users.name],
      ['key', users.key.length > 0 ? users.key : ['id']],
      ...(where.length > 0 ? [['where', where.join(' and ')] as [string, string]] : []),
    ],
    columns: columns.filter((entry): entry is [string, DraftValue] => entry[1] !== undefined),
  };
}

export function draftAssistants(assistants: ReadTable): DraftPart {
  const { found, name, key } = assistants;
  const where = whereOf(assistants);
  return {
    part: 'assistants',
    comments: [],
    settings: [
      ['table', name],
      ['key', key.length > 0 ? key : ['id']],
      ...(where.length > 0 ? [['where', where.join(' and ')] as [string, string]] : []),
    ],
    columns: [
      ['user', draftOf(userOf(assistants))],
      ['provider_assistant_id', { column: found.provider_assistant_id?.name ?? '' }],
      ...(found.name ? [['name', draftOf(found.name)] as [string, DraftValue]] : []),
    ],
  };
}
