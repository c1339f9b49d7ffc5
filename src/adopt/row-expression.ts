import { fieldExpression, quoted } from './expression.ts';
import { fieldTypes, type Source } from './mapping.ts';
import type { RemoteReading } from './remote/remote-reading.ts';
import type { AppTable } from './table-store.ts';

/** A source with what the database knows of its table. */
export interface PlacedSource {
  source: Source;
  table: AppTable;
  /** The type of each mapped field by itself. */
  types: Record<string, string>;
  /** How it is read, where it is in another database. */
  reading?: RemoteReading;
}

/** The types that rows are read as, by their kind. */
export const compositeTypes = {
  users: 'adopted_user',
  assistants: 'adopted_assistant',
  calls: 'adopted_call',
  jobs: 'adopted_job',
};

/** The functions that take such rows over. */
export const takers = {
  users: 'take_users',
  assistants: 'take_assistants',
  calls: 'take_calls',
  jobs: 'take_jobs',
};

/** The key of the row `r` as text. */
export const keyExpression = ({ key }: Source): string =>
  key.length === 1
    ? `r.${quoted(key[0] ?? '')}::text`
    : `jsonb_build_array(${key.map((column) => `r.${quoted(column)}::text`).join(', ')})::text`;

/** The columns of the key, read back from the text `k`. */
export const keyParts = ({ key }: Source, table: AppTable, k: string): string[] =>
  key.map((column, index) => {
    const text = key.length === 1 ? k : `(${k}::jsonb ->> ${index})`;
    return `${text}::${table.columns[column]}`;
  });

/** The fields of the row `r`, by name. */
export function fieldsOf({ source, types }: PlacedSource, timezone: string): Record<string, string> {
  const expressions = Object.fromEntries(
    Object.entries(fieldTypes[source.kind]).map(([name, type]) => {
      const value = source.fields[name];
      return [
        name,
        value === undefined ? `null::${type}` : fieldExpression(value, types[name] ?? 'text', type, timezone),
      ];
    }),
  );
  for (const name of ['provider_call_id', 'provider_assistant_id', 'assistant', 'email']) {
    if (expressions[name] !== undefined) {
      expressions[name] = `nullif(${expressions[name]}, '')`;
    }
  }
  if (source.kind === 'calls') {
    const { started_at, ended_at, duration_seconds, status } = source.fields;
    if (ended_at !== undefined && started_at !== undefined) {
      const passed = `round(extract(epoch from ${expressions.ended_at} - ${expressions.started_at}), 3)`;
      expressions.duration_seconds =
        duration_seconds === undefined ? passed : `coalesce(${expressions.duration_seconds}, ${passed})`;
    }
    expressions.status = status === undefined ? `'completed'` : (expressions.status ?? '');
  }
  return expressions;
}

/** Whether the row `r` counts. */
export const countsExpression = ({ where }: { where?: string | null | undefined }): string =>
  where == null ? 'true' : `((${where}\n) is true)`;

/** The row `r` as the composite type of its kind. */
export function rowExpression(placed: PlacedSource, timezone: string): string {
  const { source } = placed;
  const { plan, ...fields } = fieldsOf(placed, timezone);
  const values = [
    keyExpression(source),
    countsExpression(source),
    ...Object.values(fields),
    ...(plan === undefined ? [] : [`array_remove(array[${plan}], null)`]),
  ];
  return `row(${values.join(', ')})::quota.${compositeTypes[source.kind]}`;
}

/** What the session of an app, or a job, has set must not change how a row is read. */
export const functionSettings = `security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' set datestyle = 'ISO, YMD'
  set intervalstyle = 'postgres'`;
