import { type KeyTemplate, readKeyTemplate } from '../values/key-template.ts';
import type { RedisConnection } from './redis.ts';
import type { StoredTemplate } from './template-store.ts';

/** The counters that go by one name: of a hash several meters may have a field each. */
export interface TemplateGroup {
  /** With {meter} put in. */
  template: string;
  key: KeyTemplate;
  /** Null: plain strings. */
  fields: readonly string[] | null;
}

/** @throws what no stored template can be */
export function groupTemplates(stored: readonly StoredTemplate[]): TemplateGroup[] {
  const groups = new Map<string, string[] | null>();
  for (const { meter, template } of stored) {
    const text = template.key.replaceAll('{meter}', meter);
    const fields = groups.get(text) ?? [];
    groups.set(text, template.field === null ? null : [...fields, template.field]);
  }
  return [...groups].map(([template, fields]) => {
    const key = readKeyTemplate(template);
    if (typeof key === 'string') {
      throw new Error(`the template "${template}" is none: ${key}`);
    }
    return { template, key, fields };
  });
}

/** What a key holds, or must: its fields, or `''` for a plain string. */
export type Content = ReadonlyMap<string, string>;

/** What is there: null where nothing is, a word where it is something else than a counter. */
export async function readContent(
  redis: RedisConnection,
  key: string,
  fields: readonly string[] | null,
): Promise<Content | 'another type' | null> {
  try {
    const values =
      fields === null
        ? [await redis.ask((server) => server.get(key))]
        : await redis.ask((server) => server.hmget(key, ...fields));
    const found = values.flatMap((value, index) =>
      value === null ? [] : [[fields?.[index] ?? '', value] as const],
    );
    return found.length === 0 ? null : new Map(found);
  } catch (error) {
    if (
      error instanceof Error &&
      String((error.cause as Error | undefined)?.message).startsWith('WRONGTYPE')
    ) {
      return 'another type';
    }
    throw error;
  }
}

/**
 * One key, whole: what an app reads between two commands would be half of it. Keys of another type make way. Fields that
 * are the app's alone stay.
 */
const writeScript = `local kind = redis.call('TYPE', KEYS[1])['ok']
local isHash = ARGV[2] == 'hash'
if kind ~= 'none' and (kind == 'hash') ~= isHash then redis.call('UNLINK', KEYS[1]) end
if isHash then
  for i = 3, #ARGV, 2 do
    if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[i]) else redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  end
else redis.call('SET', KEYS[1], ARGV[4]) end
if ARGV[1] ~= '' then redis.call('EXPIREAT', KEYS[1], ARGV[1]) end
return 1`;

/** Without content it is taken out. */
export async function writeContent(
  redis: RedisConnection,
  key: string,
  {
    content,
    fields,
    expiresAt,
  }: { content: Content; fields: readonly string[] | null; expiresAt: string | null },
): Promise<void> {
  if (content.size === 0) {
    await redis.ask((server) => server.unlink(key));
    return;
  }
  const pairs = (fields ?? ['']).flatMap((field) => [field, content.get(field) ?? '']);
  await redis.ask((server) =>
    server.eval(writeScript, 1, key, expiresAt ?? '', fields === null ? 'string' : 'hash', ...pairs),
  );
}

/** As `writeScript`, while the counters are as they were seen; a key of another type is compared by its type alone. */
const replaceScript = `local count = tonumber(ARGV[1])
local isHash = ARGV[2] == 'hash'
local kind = redis.call('TYPE', KEYS[1])['ok']
if ARGV[3] == 'other' then
  if kind == 'none' or kind == (isHash and 'hash' or 'string') then return 0 end
else
  if kind ~= (isHash and 'hash' or 'string') then return 0 end
  for i = 1, count do
    local at = 4 + 3 * i
    local found
    if isHash then found = redis.call('HGET', KEYS[1], ARGV[at - 2]) else found = redis.call('GET', KEYS[1]) end
    if (found or '') ~= ARGV[at - 1] then return 0 end
  end
end
if ARGV[4] == 'remove' then return redis.call('UNLINK', KEYS[1]) end
if ARGV[3] == 'other' then redis.call('UNLINK', KEYS[1]) end
for i = 1, count do
  local at = 4 + 3 * i
  if not isHash then redis.call('SET', KEYS[1], ARGV[at])
  elseif ARGV[at] == '' then redis.call('HDEL', KEYS[1], ARGV[at - 2])
  else redis.call('HSET', KEYS[1], ARGV[at - 2], ARGV[at]) end
end
if ARGV[4] ~= '' then redis.call('EXPIREAT', KEYS[1], ARGV[4]) end
return 1`;

/** Whether it was as it was seen, and is now as it must be. */
export async function replaceContent(
  redis: RedisConnection,
  key: string,
  {
    seen,
    content,
    fields,
    expiresAt,
  }: {
    seen: Content | 'another type';
    content: Content;
    fields: readonly string[] | null;
    expiresAt: string | null;
  },
): Promise<boolean> {
  const names = fields ?? [''];
  const counters = names.flatMap((field) => [
    field,
    seen === 'another type' ? '' : (seen.get(field) ?? ''),
    content.get(field) ?? '',
  ]);
  const done = await redis.ask((server) =>
    server.eval(
      replaceScript,
      1,
      key,
      names.length,
      fields === null ? 'string' : 'hash',
      seen === 'another type' ? 'other' : 'seen',
      content.size === 0 ? 'remove' : (expiresAt ?? ''),
      ...counters,
    ),
  );
  return done === 1;
}
