import {
  cacheFieldNames,
  checkCacheTemplates,
  type PlacedTemplate,
  takeCacheTemplate,
} from '../allowances/files/cache-fields.ts';
import { EntryFields, isRecord } from '../allowances/files/entry-fields.ts';
import type { Path, PlanDocument, PlanProblem } from '../allowances/files/plan-document.ts';
import { planFileError } from '../allowances/files/plan-document.ts';
import { readChoice, readFlag, readKey } from '../allowances/files/plan-fields.ts';
import { carriedKinds } from './carried.ts';
import type { MappedValue } from './mapped-value.ts';
import {
  fieldTypes,
  type Mapping,
  neededFields,
  type Source,
  type SourceKind,
  sourceKinds,
} from './mapping.ts';
import {
  openPart,
  openTablePart,
  partsOf,
  readColumns,
  readIdentifier,
  readMinutes,
  readSql,
  readValues,
  readZone,
  requireGiven,
  takeFollow,
  takeGiven,
} from './mapping-fields.ts';
import { readCarried } from './read-carried.ts';
import { readFigure, readMirror } from './read-counters.ts';

const mappingHint =
  'correct the file; quota adopt preset voice-matrix prints a mapping in the form that is taken';

/** A mapping, with all problems of its file in one error. */
export function mappingError(document: PlanDocument, problems: readonly PlanProblem[]) {
  return planFileError(document, problems, mappingHint);
}

const topNames = [
  'product',
  'schema',
  'timezone',
  ...sourceKinds,
  'figures',
  ...carriedKinds,
  'mirror',
  'redis',
];

/**
 * What a file says of a product; nothing of it is looked up.
 * @throws badInputError with every error of the file and its place
 */
export function readMapping(document: PlanDocument): Mapping {
  const problems: PlanProblem[] = [];
  const { content } = document;
  if (!isRecord(content)) {
    throw mappingError(document, [
      { path: [], message: 'must have a "product", and tables under "users", "assistants" and "calls"' },
    ]);
  }
  const fields = new EntryFields(content, [], problems, {});
  const isNamed = fields.has('product');
  const product = fields.take('product', readKey, undefined);
  if (!isNamed) {
    fields.fail([], 'needs a "product": the name that it goes by here');
  }
  const schema = fields.take('schema', readIdentifier, 'public') ?? 'public';
  const timezone = fields.take('timezone', readZone, 'UTC') ?? 'UTC';
  const sources = sourceKinds.flatMap((kind) => {
    const places = partsOf(fields, kind);
    return places.flatMap(([path, value]) => readSource(kind, path, value, schema, problems));
  });
  const figures = partsOf(fields, 'figures').flatMap(([path, value]) =>
    readFigure(path, value, schema, problems),
  );
  const mirrors = partsOf(fields, 'mirror').flatMap(([path, value]) =>
    readMirror(path, value, schema, problems),
  );
  const redis = partsOf(fields, 'redis').flatMap(([path, value]) => readRedis(path, value, problems));
  checkCacheTemplates(redis, [], problems);
  const carried = carriedKinds.flatMap((kind) =>
    partsOf(fields, kind).flatMap(([path, value]) => readCarried(kind, path, value, schema, problems)),
  );
  fields.refuseRest(topNames);
  checkWhole(sources, problems);
  if (problems.length > 0) {
    throw mappingError(document, problems);
  }
  const services = sources.flatMap(({ fields: { service } }) => service?.constant ?? []);
  return {
    product: product ?? '',
    timezone,
    services: [...new Set(services)],
    sources,
    figures,
    carried,
    mirrors,
    ...(redis.length > 0 && { redis }),
  };
}

const sourceNames = [
  'source',
  'table',
  'key',
  'where',
  'on_delete',
  'make_users',
  'follow',
  'look_back_minutes',
  'columns',
];

function readSource(
  kind: SourceKind,
  path: Path,
  value: unknown,
  schemaDefault: string,
  problems: PlanProblem[],
): Source[] {
  const part = openTablePart(path, value, schemaDefault, problems, 'a table: "table", "key" and "columns"', {
    name: 'source',
    on_deleted: 'on_delete',
  });
  if (part === undefined) {
    return [];
  }
  const { fields, place } = part;
  const name = fields.take('source', readKey, undefined) ?? place.table.toLowerCase();
  const key = fields.take('key', readColumns, ['id']) ?? [];
  const where = fields.take('where', readSql, undefined);
  const onDelete = fields.take('on_delete', readChoice('ignore', 'remove'), 'ignore') ?? 'ignore';
  const makesUsers = fields.take('make_users', readFlag, false) ?? false;
  const follow = takeFollow(fields, problems);
  const lookBackMinutes = fields.take('look_back_minutes', readMinutes, undefined);
  const columns = takeGiven(fields, 'columns');
  fields.refuseRest(sourceNames);
  return [
    {
      path,
      name,
      kind,
      ...place,
      key,
      ...(where !== undefined && { where }),
      onDelete,
      makesUsers,
      ...(follow !== undefined && { follow }),
      ...(lookBackMinutes !== undefined && { lookBackMinutes }),
      fields: readFields(kind, columns.path, columns.given, problems),
    },
  ];
}

function readFields(
  kind: SourceKind,
  path: Path,
  columns: unknown,
  problems: PlanProblem[],
): Record<string, MappedValue> {
  const read = readValues(fieldTypes[kind], neededFields[kind], path, columns, problems);
  if (read.service !== undefined && typeof read.service.constant !== 'string') {
    problems.push({
      path: read.service.path,
      message:
        'must be one service, {value: voice}: rows of another one are another source of the same table',
    });
  }
  if (kind === 'calls' && read.user === undefined && read.assistant === undefined) {
    problems.push({ path, message: 'needs "user", or "assistant", whose owner is the user' });
  }
  return read;
}

function readRedis(path: Path, value: unknown, problems: PlanProblem[]): PlacedTemplate[] {
  const expected = 'a counter in Redis that follows: "meter", "key" and, of a hash, "field"';
  const fields = openPart(path, value, problems, expected);
  if (fields === undefined) {
    return [];
  }
  requireGiven(fields, ['meter']);
  const meter = fields.take('meter', readKey, undefined);
  const template = takeCacheTemplate(fields);
  fields.refuseRest(['meter', ...cacheFieldNames]);
  return meter === undefined || template === undefined ? [] : [{ path, meter, template }];
}

function checkWhole(sources: readonly Source[], problems: PlanProblem[]): void {
  for (const [index, source] of sources.entries()) {
    if (sources.findIndex(({ name }) => name === source.name) < index) {
      problems.push({
        path: source.path,
        message: `another source is called "${source.name}": give it a name of its own by "source"`,
      });
    }
    const twin = sources
      .slice(0, index)
      .find(
        ({ kind, schema, table, fields }) =>
          kind === 'calls' &&
          source.kind === 'calls' &&
          schema === source.schema &&
          table === source.table &&
          fields.service?.constant === source.fields.service?.constant,
      );
    if (twin !== undefined && (twin.where === undefined || source.where === undefined)) {
      problems.push({
        path: source.path,
        message: `its rows are the calls of "${twin.name}", too: a row would be counted twice; tell them apart by "where"`,
      });
    }
  }
  if (!sources.some(({ kind }) => kind === 'calls')) {
    problems.push({ path: [], message: 'needs "calls": the table whose rows are counted' });
  }
}
