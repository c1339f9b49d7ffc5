import type { PlacedTemplate } from '../allowances/files/cache-fields.ts';
import type { Path } from '../allowances/files/plan-document.ts';
import type { DatabaseIdentity } from '../db/identity-store.ts';
import type { Carried } from './carried.ts';
import type { MappedValue } from './mapped-value.ts';

export const sourceKinds = ['users', 'assistants', 'calls', 'jobs'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** A table of the app whose rows become users, assistants, calls or running jobs. */
export interface Source {
  path: Path;
  name: string;
  kind: SourceKind;
  schema: string;
  table: string;
  /** Columns that tell its rows apart. */
  key: string[];
  /** A condition over the row `r`: others do not count. */
  where?: string;
  onDelete: 'ignore' | 'remove';
  /** Rows of somebody unknown make the user. */
  makesUsers: boolean;
  /** What grows with each change of a row, where the table is in another database. */
  follow?: Follow;
  /** So long after it has grown beyond it, a row may still become visible there. */
  lookBackMinutes?: number;
  /** By the field of ours. */
  fields: Record<string, MappedValue>;
}

/** By a value that grows, or, of a small table, all of it each time. */
export type Follow = MappedValue | { path: Path; isWhole: true };

/** A database that is not ours; how it is reached is said by the settings, and never stored. */
export type RemoteDatabase = DatabaseIdentity;

/** A counter that the app keeps by itself, for comparison. */
export interface Figure {
  path: Path;
  meter: string;
  schema: string;
  table: string;
  where?: string;
  user: MappedValue;
  /** In the unit of the meter. */
  used: MappedValue;
  /** An instant within the period that is meant; absent: the running one. */
  at?: MappedValue;
  /** What it has beyond the rows becomes an opening balance. */
  isOpening: boolean;
  /** When the app saw it used up: the opening balance is dated so. */
  exhaustedAt?: MappedValue;
}

/** Columns of the app that follow ours while quota decides. */
export interface Mirror {
  path: Path;
  meter: string;
  schema: string;
  table: string;
  user: MappedValue;
  /** An instant of the period that a row is of; absent: the running one. */
  at?: MappedValue;
  /** Each an expression in SQL over our figures `q`, by the column of the app. */
  columns: Record<string, { path: Path; sql: string }>;
}

/** What of an existing product is users, assistants, calls and counters here. */
export interface Mapping {
  product: string;
  /** The database that its tables are in; absent: that of quota. */
  remote?: RemoteDatabase;
  /** Of timestamps without a zone. */
  timezone: string;
  /** Of its calls, each once. */
  services: string[];
  sources: Source[];
  figures: Figure[];
  carried: Carried[];
  mirrors: Mirror[];
  /** Counters in the app's Redis that follow ours while quota decides. */
  redis?: PlacedTemplate[];
}

/** The type that each field of ours has, in the order of the composite type of its kind. */
export const fieldTypes: Record<SourceKind, Record<string, string>> = {
  users: {
    user: 'text',
    email: 'text',
    name: 'text',
    signup_at: 'timestamptz',
    timezone: 'text',
    plan: 'text',
  },
  assistants: { user: 'text', provider_assistant_id: 'text', name: 'text' },
  calls: {
    user: 'text',
    service: 'text',
    provider: 'text',
    provider_call_id: 'text',
    assistant: 'text',
    model: 'text',
    status: 'text',
    started_at: 'timestamptz',
    ended_at: 'timestamptz',
    duration_seconds: 'numeric',
    messages: 'integer',
    words_spoken: 'integer',
    file_size_bytes: 'bigint',
    cost: 'numeric',
    error_message: 'text',
    quantities: 'jsonb',
  },
  jobs: { user: 'text', service: 'text', started_at: 'timestamptz', expires_at: 'timestamptz' },
};

/** Without which a source of the kind says nothing. */
export const neededFields: Record<SourceKind, readonly string[]> = {
  users: ['user'],
  assistants: ['user', 'provider_assistant_id'],
  calls: ['service', 'started_at'],
  jobs: ['user', 'service', 'started_at'],
};
