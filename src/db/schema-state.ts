import { migrations } from '../../migrations/index.ts';
import { configurationError } from '../errors.ts';

/** How the tables of a database stand to this version of quota. */
export type SchemaState = 'missing' | 'older' | 'current' | 'newer';

/** Compares the names of the migrations that were applied with ours. */
export function compareSchema(
  applied: readonly string[],
  known = migrations.map(({ name }) => name),
): SchemaState {
  if (applied.length === 0) {
    return 'missing';
  }
  if (applied.some((name) => !known.includes(name))) {
    return 'newer';
  }
  return known.every((name) => applied.includes(name)) ? 'current' : 'older';
}

/** @throws configurationError unless the schema is the one of this version. */
export function requireCurrentSchema(state: SchemaState): void {
  switch (state) {
    case 'current':
      return;
    case 'missing':
      throw configurationError('the database has no quota tables', {
        suggestion: 'create them: quota db migrate',
      });
    case 'older':
      throw configurationError('the tables of the database are older than this version of quota', {
        suggestion: 'update them: quota db migrate',
      });
    case 'newer':
      throw newerSchemaError();
  }
}

export const newerSchemaError = () =>
  configurationError('the tables of the database are newer than this version of quota', {
    detail: 'they were made by migrations that this version does not have; nothing was done',
    suggestion: 'update quota',
  });
