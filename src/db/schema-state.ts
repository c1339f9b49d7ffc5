import { manifest } from 'virtual:sql/manifest';
import { configurationError } from '../errors.ts';

/**
 * How a database stands to this version of quota. `edited`: a migration that was applied is not the one of this
 * version. A database with all migrations and the functions of another version is `older`, too.
 */
export type SchemaState = 'missing' | 'older' | 'current' | 'newer' | 'edited';

export interface AppliedStep {
  name: string;
  /** Null: applied before hashes were recorded. */
  sha256: string | null;
}

/** What a database says that it has. */
export interface AppliedSchema {
  migrations: readonly AppliedStep[];
  /** sha256 of the core; null: none, or one from before it was recorded. */
  core: string | null;
}

export interface KnownSchema {
  migrations: readonly { name: string; sha256: string }[];
  core: string;
}

/** Names of applied migrations whose text is not the one of this version. */
export function editedMigrations(
  applied: readonly AppliedStep[],
  known: Pick<KnownSchema, 'migrations'> = manifest,
): string[] {
  const hashes = new Map(known.migrations.map(({ name, sha256 }) => [name, sha256]));
  return applied
    .filter(({ name, sha256 }) => sha256 !== null && hashes.has(name) && hashes.get(name) !== sha256)
    .map(({ name }) => name);
}

export function compareSchema(
  { migrations, core }: AppliedSchema,
  known: KnownSchema = manifest,
): SchemaState {
  const names = migrations.map(({ name }) => name);
  if (names.length === 0) {
    return 'missing';
  }
  if (names.some((name) => !known.migrations.some((migration) => migration.name === name))) {
    return 'newer';
  }
  if (editedMigrations(migrations, known).length > 0) {
    return 'edited';
  }
  const isComplete = known.migrations.every(({ name }) => names.includes(name));
  return isComplete && core === known.core ? 'current' : 'older';
}

/** @throws configurationError unless the schema is the one of this version. */
export function requireCurrentSchema(applied: AppliedSchema): void {
  const state = compareSchema(applied);
  switch (state) {
    case 'current':
      return;
    case 'missing':
      throw configurationError('the database has no quota tables', {
        suggestion: 'create them: quota db migrate',
      });
    case 'older':
      throw applied.migrations.length < manifest.migrations.length ? olderSchemaError() : otherCoreError();
    default:
      refuseForeignSchema(applied);
  }
}

/** @throws configurationError when this version must not touch the schema. */
export function refuseForeignSchema(applied: AppliedSchema, known: KnownSchema = manifest): void {
  const state = compareSchema(applied, known);
  if (state === 'newer') {
    throw newerSchemaError();
  }
  if (state === 'edited') {
    throw editedSchemaError(editedMigrations(applied.migrations, known));
  }
}

export const newerSchemaError = () =>
  configurationError('the tables of the database are newer than this version of quota', {
    detail: 'they were made by migrations that this version does not have; nothing was done',
    suggestion: 'update quota',
  });

const olderSchemaError = () =>
  configurationError('the tables of the database are older than this version of quota', {
    suggestion: 'update them: quota db migrate',
  });

const otherCoreError = () =>
  configurationError('the functions of the database are those of another version of quota', {
    suggestion: 'install those of this version: quota db migrate',
  });

const editedSchemaError = (names: readonly string[]) =>
  configurationError(`the database has another ${names.join(', ')} than this version of quota`, {
    detail:
      'a migration that was applied was edited afterwards: the edit never reached this database; nothing was done',
    suggestion:
      'take the edit back and write a new migration for it, or use the quota that migrated this database',
  });
