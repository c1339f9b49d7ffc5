import type pg from 'pg';
import { type Content, readContent, replaceContent, type TemplateGroup } from './app-counters.ts';
import { selectKnownUsers } from './cache-store.ts';
import { type Compare, type Suspect, sameNumber } from './difference.ts';
import { type TrueContent, trueContents } from './follow-counters.ts';
import type { RedisConnection } from './redis.ts';

/**
 * Counters under an app's own names. A key of nobody whom we know is none of ours, whatever it is called; one that fits
 * several templates is that of the one that says more.
 */
export const compareApp =
  (
    client: pg.ClientBase,
    redis: RedisConnection,
    group: TemplateGroup,
    groups: readonly TemplateGroup[],
  ): Compare =>
  async (keys) => {
    const candidates = keys.flatMap((key) => {
      const fitting = groups
        .flatMap((one) => {
          const user = one.key.userOf(key);
          return user === null ? [] : [{ group: one, user }];
        })
        .sort((a, b) => b.group.key.literalLength - a.group.key.literalLength);
      return fitting.length === 0 ? [] : [{ key, fitting }];
    });
    const users = [...new Set(candidates.flatMap(({ fitting }) => fitting.map(({ user }) => user)))];
    const known = await selectKnownUsers(client, users);
    const contents = await trueContents(client, [...known]);
    const own = candidates.flatMap(({ key, fitting }) => {
      const truth = contents.get(key);
      const its = truth?.template ?? fitting.find(({ user }) => known.has(user))?.group.template;
      return its === group.template ? [{ key, truth }] : [];
    });
    const seen = await Promise.all(own.map(({ key }) => readContent(redis, key, group.fields)));
    const suspects = own.flatMap(({ key, truth }, index) =>
      suspectsOf(redis, { key, truth, seen: seen[index] ?? null, fields: group.fields }),
    );
    return { counters: own.length * (group.fields?.length ?? 1), suspects };
  };

interface Looked {
  key: string;
  truth: TrueContent | undefined;
  seen: Content | 'another type' | null;
  fields: readonly string[] | null;
}

function suspectsOf(redis: RedisConnection, { key, truth, seen, fields }: Looked): Suspect[] {
  if (seen === null) {
    return []; // Gone meanwhile, or a hash of the app's without any of our fields.
  }
  const content: Content = truth?.content ?? new Map();
  const replace = () =>
    replaceContent(redis, key, { seen, content, fields, expiresAt: truth?.expiresAt ?? null });
  if (seen === 'another type' || truth === undefined) {
    const cached =
      seen === 'another type'
        ? fields === null
          ? 'no plain string'
          : 'no hash'
        : [...seen].map(([field, value]) => `${field} ${value}`.trim()).join(', ');
    const kind = truth === undefined ? ('orphaned' as const) : ('wrong' as const);
    const used = truth === undefined ? null : [...content].map((pair) => pair.join(' ').trim()).join(', ');
    return [{ key, differences: [{ key, kind, cached, used }], replace }];
  }
  const differences = (fields ?? ['']).flatMap((field) => {
    const [cached, used] = [seen.get(field) ?? null, content.get(field) ?? null];
    return (cached === null && used === null) ||
      (cached !== null && used !== null && sameNumber(cached, used))
      ? []
      : [{ key, ...(fields !== null && { field }), kind: 'wrong' as const, cached, used }];
  });
  return differences.length === 0 ? [] : [{ key, differences, replace }];
}
