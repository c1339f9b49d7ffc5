import {
  cacheFieldNames,
  checkCacheTemplates,
  type PlacedTemplate,
  takeCacheTemplate,
} from '../allowances/files/cache-fields.ts';
import { EntryFields, entriesOf, isRecord } from '../allowances/files/entry-fields.ts';
import type { Path, PlanDocument, PlanProblem } from '../allowances/files/plan-document.ts';
import { planFileError } from '../allowances/files/plan-document.ts';
import { readChoice, readFlag, readKey } from '../allowances/files/plan-fields.ts';
import {
  type Figure,
  fieldTypes,
  type MappedValue,
  type Mapping,
  type Mirror,
  neededFields,
  type Source,
  type SourceKind,
  sourceKinds,
} from './mapping.ts';
import { readColumns, readIdentifier, readSql, readZone, valueReader } from './mapping-fields.ts';

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
  'users',
  'assistants',
  'calls',
  'figures',
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
  const product = fields.take('product', readKey, undefined);
  if (product === undefined && !('product' in content)) {
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
    mirrors,
    ...(redis.length > 0 && { redis }),
  };
}

/** One table, or several: a list. */
function partsOf(fields: EntryFields, name: string): [Path, unknown][] {
  const path = fields.place(name);
  const value = fields.take(name, (given) => given, undefined);
  if (value === undefined) {
    return [];
  }
  return Array.isArray(value) ? value.map((one, index) => [[...path, index], one]) : [[path, value]];
}

const sourceNames = ['source', 'table', 'key', 'where', 'on_delete', 'make_users', 'columns'];

function readSource(
  kind: SourceKind,
  path: Path,
  value: unknown,
  schemaDefault: string,
  problems: PlanProblem[],
): Source[] {
  if (!isRecord(value)) {
    problems.push({ path, message: 'must be a table: "table", "key" and "columns"' });
    return [];
  }
  const fields = new EntryFields(value, path, problems, { name: 'source', on_deleted: 'on_delete' });
  const place = tableOf(fields, schemaDefault);
  const name = fields.take('source', readKey, undefined) ?? place.table.toLowerCase();
  const key = fields.take('key', readColumns, ['id']) ?? [];
  const where = fields.take('where', readSql, undefined);
  const onDelete = fields.take('on_delete', readChoice('ignore', 'remove'), 'ignore') ?? 'ignore';
  const makesUsers = fields.take('make_users', readFlag, false) ?? false;
  const columnsPath = fields.place('columns');
  const columns = fields.take('columns', (given) => given, undefined);
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
      fields: readFields(kind, columnsPath, columns, problems),
    },
  ];
}

function tableOf(fields: EntryFields, schemaDefault: string): { schema: string; table: string } {
  const isNamed = fields.place('table') !== fields.path;
  const named = fields.take('table', readIdentifier, undefined);
  if (!isNamed) {
    fields.fail(fields.path, 'needs a "table"');
  }
  const [first = '', second] = (named ?? '').split('.');
  return second === undefined ? { schema: schemaDefault, table: first } : { schema: first, table: second };
}

function readFields(
  kind: SourceKind,
  path: Path,
  columns: unknown,
  problems: PlanProblem[],
): Record<string, MappedValue> {
  const known = Object.keys(fieldTypes[kind]);
  const read: Record<string, MappedValue> = {};
  for (const entry of entriesOf(columns, path, 'columns', problems)) {
    const name = entry.key ?? '';
    if (!known.includes(name)) {
      problems.push({ path: entry.path, message: `there is no such field; known are ${known.join(', ')}` });
      continue;
    }
    const value = valueReader(entry.path, problems)(entry.value);
    if (value !== undefined) {
      read[name] = value;
    }
  }
  for (const name of neededFields[kind].filter((needed) => read[needed] === undefined)) {
    if (isRecord(columns) && !(name in columns)) {
      problems.push({ path, message: `needs "${name}"` });
    }
  }
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

const figureNames = ['meter', 'table', 'where', 'user', 'used', 'at', 'opening', 'exhausted_at'];

function readFigure(path: Path, value: unknown, schemaDefault: string, problems: PlanProblem[]): Figure[] {
  if (!isRecord(value)) {
    problems.push({ path, message: 'must be a counter of the app: "meter", "table", "user" and "used"' });
    return [];
  }
  const fields = new EntryFields(value, path, problems, {});
  const place = tableOf(fields, schemaDefault);
  const meter = fields.take('meter', readKey, undefined);
  const where = fields.take('where', readSql, undefined);
  const isOpening = fields.take('opening', readFlag, false) ?? false;
  const [user, used, at, exhaustedAt] = (['user', 'used', 'at', 'exhausted_at'] as const).map((name) => {
    const found = fields.place(name);
    const given = fields.take(name, (taken) => taken, undefined);
    return given === undefined ? undefined : valueReader(found, problems)(given);
  });
  for (const name of ['meter', 'user', 'used'].filter((needed) => !(needed in value))) {
    problems.push({ path, message: `needs "${name}"` });
  }
  fields.refuseRest(figureNames);
  return meter === undefined || user === undefined || used === undefined
    ? []
    : [
        {
          path,
          meter,
          ...place,
          ...(where !== undefined && { where }),
          user,
          used,
          isOpening,
          ...(at && { at }),
          ...(exhaustedAt && { exhaustedAt }),
        },
      ];
}

const mirrorNames = ['meter', 'table', 'user', 'at', 'columns'];

function readMirror(path: Path, value: unknown, schemaDefault: string, problems: PlanProblem[]): Mirror[] {
  if (!isRecord(value)) {
    problems.push({
      path,
      message: 'must be a table whose columns follow: "meter", "table", "user" and "columns"',
    });
    return [];
  }
  const fields = new EntryFields(value, path, problems, {});
  const place = tableOf(fields, schemaDefault);
  const meter = fields.take('meter', readKey, undefined);
  const [user, at] = (['user', 'at'] as const).map((name) => {
    const found = fields.place(name);
    const given = fields.take(name, (taken) => taken, undefined);
    return given === undefined ? undefined : valueReader(found, problems)(given);
  });
  const columnsPath = fields.place('columns');
  const entries = entriesOf(
    fields.take('columns', (given) => given, undefined),
    columnsPath,
    'columns',
    problems,
  );
  const columns = entries.flatMap(({ path: at, key = '', value: sql }) => {
    const read = readSql(sql, (message) => void problems.push({ path: at, message }));
    return read === undefined ? [] : [[key, { path: at, sql: read }] as const];
  });
  for (const name of ['meter', 'user'].filter((needed) => !(needed in value))) {
    problems.push({ path, message: `needs "${name}"` });
  }
  fields.refuseRest(mirrorNames);
  return meter === undefined || user === undefined
    ? []
    : [{ path, meter, ...place, user, ...(at && { at }), columns: Object.fromEntries(columns) }];
}

function readRedis(path: Path, value: unknown, problems: PlanProblem[]): PlacedTemplate[] {
  if (!isRecord(value)) {
    problems.push({
      path,
      message: 'must be a counter in Redis that follows: "meter", "key" and, of a hash, "field"',
    });
    return [];
  }
  const fields = new EntryFields(value, path, problems, {});
  const meter = fields.take('meter', readKey, undefined);
  if (!('meter' in value)) {
    problems.push({ path, message: 'needs "meter"' });
  }
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
