import type pg from 'pg';
import { type Content, groupTemplates, type TemplateGroup, writeContent } from './app-counters.ts';
import { selectAppCounters } from './cache-store.ts';
import { removeCounters } from './counters.ts';
import type { RedisConnection } from './redis.ts';
import { selectTemplates } from './template-store.ts';

/** What a key of the app's own must hold. */
export interface TrueContent {
  template: string;
  content: Content;
  /** Seconds since 1970; null: never. */
  expiresAt: string | null;
}

/** Of these users, by key; keys of other users and of periods that are over are none. */
export async function trueContents(
  client: pg.ClientBase,
  users: readonly string[],
): Promise<Map<string, TrueContent>> {
  const contents = new Map<string, TrueContent & { content: Map<string, string> }>();
  for (const { template, key, field, value, expiresAt } of await selectAppCounters(client, users)) {
    if (key === null || value === null) {
      continue; // A date of a lifetime, what remains of no limit.
    }
    const found = contents.get(key) ?? { template, content: new Map(), expiresAt };
    found.content.set(field ?? '', value);
    contents.set(key, found);
  }
  return contents;
}

/** Whose keys in an app's own Redis have to be brought up to date. */
export interface OutdatedKey {
  user: string;
  key: string;
  onChange: 'write' | 'delete';
}

/**
 * Two who do this at once may have read different figures, and the older ones may come last: whoever has written looks
 * again. What moves after that is on the list once more.
 */
const looksMax = 3;

/**
 * Writes keys under the app's own names anew, or takes them out, one command per key.
 * @throws unavailableError
 */
export async function followCounters(
  client: pg.ClientBase,
  redis: RedisConnection,
  outdated: readonly OutdatedKey[],
): Promise<void> {
  const deleted = outdated.filter(({ onChange }) => onChange === 'delete').map(({ key }) => key);
  await removeCounters(redis, [...new Set(deleted)]);
  const written = outdated.filter(({ onChange }) => onChange === 'write');
  if (written.length === 0) {
    return;
  }
  const groups = new Map(
    groupTemplates(await selectTemplates(client)).map((group) => [group.template, group]),
  );
  const users = [...new Set(written.map(({ user }) => user))];
  const keys = [...new Set(written.map(({ key }) => key))];
  const last = new Map<string, string>();
  for (let look = 1; look <= looksMax; look += 1) {
    const contents = await trueContents(client, users);
    const moved = keys.filter((key) => last.get(key) !== textOf(contents.get(key)));
    if (moved.length === 0) {
      return;
    }
    await Promise.all(moved.map((key) => writeTrue(redis, key, contents.get(key), groups)));
    for (const key of moved) {
      last.set(key, textOf(contents.get(key)));
    }
  }
}

const textOf = (truth: TrueContent | undefined) =>
  truth === undefined ? '' : JSON.stringify([...truth.content, truth.expiresAt]);

/** Nothing that is true of it: it is taken out. */
const writeTrue = (
  redis: RedisConnection,
  key: string,
  truth: TrueContent | undefined,
  groups: ReadonlyMap<string, TemplateGroup>,
) =>
  writeContent(redis, key, {
    content: truth?.content ?? new Map(),
    fields: truth === undefined ? null : (groups.get(truth.template)?.fields ?? null),
    expiresAt: truth?.expiresAt ?? null,
  });
