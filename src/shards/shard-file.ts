import { dirname, resolve } from 'node:path';
import { EntryFields, isRecord } from '../allowances/files/entry-fields.ts';
import {
  type Path,
  type PlanProblem,
  planFileError,
  readPlanDocument,
} from '../allowances/files/plan-document.ts';
import { type FieldReader, readKey } from '../allowances/files/plan-fields.ts';
import type { Shard } from '../context.ts';
import { ConninfoFault } from '../db/target/parse-conninfo.ts';
import { resolveDatabase } from '../db/target/resolve.ts';
import { configurationError, QuotaError } from '../errors.ts';
import { readSecretLine } from '../secret-line.ts';
import { bucketCount, shardsMax } from './shard.ts';

type Variables = Readonly<Record<string, string | undefined>>;
type Placed = Shard & { path: Path };

const fieldNames = ['name', 'number', 'url', 'url_file', 'url_variable', 'buckets'];
const hint = 'correct the file; docs/scale.md has one';

/**
 * The shards that a file names, in its order. A URL may stand in the file, in a file beside it (`url_file`) or in a variable
 * (`url_variable`); what it leaves out is taken from libpq's variables.
 * @throws configurationError with everything that is wrong, by line; no URL is shown
 */
export async function readShardFile(path: string, variables: Variables): Promise<Shard[]> {
  try {
    return await readShards(path, variables);
  } catch (error) {
    if (error instanceof QuotaError) {
      const { message, detail, suggestion, problems } = error;
      throw configurationError(message, { detail, suggestion, ...(problems && { problems }) });
    }
    throw error;
  }
}

async function readShards(path: string, variables: Variables): Promise<Shard[]> {
  const document = await readPlanDocument(path);
  const problems: PlanProblem[] = [];
  const content = isRecord(document.content) ? document.content.shards : undefined;
  if (!Array.isArray(content) || content.length === 0) {
    throw planFileError(document, [{ path: ['shards'], message: 'must be a list of shards' }], hint);
  }
  const shards = content.flatMap((element, index) => {
    const shard = readShard(element, ['shards', index], problems, { variables, folder: dirname(path) });
    return shard === undefined ? [] : [shard];
  });
  if (problems.length === 0) {
    compareShards(shards, problems);
  }
  if (problems.length > 0) {
    throw planFileError(document, problems, hint);
  }
  return shards.map(({ path: _, ...shard }) => shard);
}

function readShard(
  value: unknown,
  path: Path,
  problems: PlanProblem[],
  { variables, folder }: { variables: Variables; folder: string },
): Placed | undefined {
  if (!isRecord(value)) {
    problems.push({ path, message: `must have ${fieldNames.join(', ')}` });
    return undefined;
  }
  const fields = new EntryFields(value, path, problems, {});
  const name = fields.take('name', readKey, null);
  const number = fields.take('number', readNumber, null);
  const buckets = fields.take('buckets', readBuckets, null);
  const texts = [
    fields.take('url', readText, null),
    fields.take('url_file', readUrlFile(folder), null),
    fields.take('url_variable', readUrlVariable(variables), null),
  ];
  fields.refuseRest(fieldNames);
  const given = texts.filter((text) => text !== null);
  if (given.length !== 1) {
    fields.fail(path, 'needs one of url, url_file and url_variable');
  }
  for (const [field, found] of Object.entries({ name, number, buckets })) {
    if (found === null) {
      fields.fail(path, `needs ${field}`);
    }
  }
  const [text] = given;
  const url =
    text === undefined ? undefined : resolved(text, variables, (message) => fields.fail(path, message));
  return name && typeof number === 'number' && buckets && url !== undefined
    ? { name, number, buckets, url, path }
    : undefined;
}

const readText: FieldReader<string> = (value, fail) =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : fail('must be the URL of a database');

const readNumber: FieldReader<number> = (value, fail) =>
  /^\d{1,2}$/.test(String(value)) && Number(value) < shardsMax
    ? Number(value)
    : fail(`must be a number from 0 to ${shardsMax - 1}, of this shard alone and for ever`);

const readBuckets: FieldReader<Shard['buckets']> = (value, fail) => {
  const [, from, to = from] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(String(value)) ?? [];
  return from !== undefined && Number(from) <= Number(to) && Number(to) < bucketCount
    ? { from: Number(from), to: Number(to) }
    : fail(`must be like 0-${bucketCount / 2 - 1}: the buckets are 0 to ${bucketCount - 1}`);
};

const readUrlFile =
  (folder: string): FieldReader<string> =>
  (value, fail) => {
    const read = readSecretLine(resolve(folder, String(value)));
    return 'line' in read ? read.line.trim() : fail(`names a file that ${read.fault}`);
  };

const readUrlVariable =
  (variables: Variables): FieldReader<string> =>
  (value, fail) =>
    variables[String(value)] || fail('names a variable that is not set');

function resolved(text: string, variables: Variables, fail: (message: string) => undefined) {
  try {
    return resolveDatabase(text, variables);
  } catch (error) {
    if (error instanceof ConninfoFault) {
      return fail(`its URL ${error.message}`);
    }
    throw error;
  }
}

/** What no shard shows by itself: names, numbers and databases are of one each, and each bucket is. */
function compareShards(shards: readonly Placed[], problems: PlanProblem[]): void {
  for (const field of ['name', 'number', 'url'] as const) {
    for (const [index, shard] of shards.entries()) {
      const before = shards.slice(0, index).find((other) => other[field] === shard[field]);
      if (before !== undefined) {
        problems.push({ path: [...shard.path, field], message: `is that of ${before.name}, too` });
      }
    }
  }
  let next = 0;
  for (const { buckets, path, name } of shards.toSorted((a, b) => a.buckets.from - b.buckets.from)) {
    if (buckets.from !== next) {
      const wrong =
        buckets.from > next
          ? `buckets ${next}-${buckets.from - 1} are of no shard`
          : 'buckets are of two shards';
      problems.push({ path: [...path, 'buckets'], message: `of ${name}: ${wrong}` });
    }
    next = Math.max(next, buckets.to + 1);
  }
  if (next < bucketCount) {
    problems.push({ path: ['shards'], message: `buckets ${next}-${bucketCount - 1} are of no shard` });
  }
}
