import type { Path } from '../allowances/files/plan-document.ts';
import type { MappedValue } from './mapped-value.ts';

/** What an app has decided by itself, and is taken over as it stands. */
export const carriedKinds = ['limits', 'enforced', 'originals', 'alerts'] as const;
export type CarriedKind = (typeof carriedKinds)[number];

/** A table of the app whose rows are such state. */
export interface Carried {
  path: Path;
  kind: CarriedKind;
  schema: string;
  table: string;
  where?: string;
  /** The meter or the service that it is of; empty: of none. */
  of: string;
  /** By the field of ours. */
  fields: Record<string, MappedValue>;
}

/** The fields of each kind with their types, and what it is of. */
export const carriedFields: Record<
  CarriedKind,
  { of: 'meter' | 'service' | null; types: Record<string, string>; needed: readonly string[] }
> = {
  limits: {
    of: 'meter',
    types: { user: 'text', limit: 'numeric', cost_limit: 'numeric', at: 'timestamptz' },
    needed: ['user'],
  },
  enforced: { of: 'service', types: { user: 'text', since: 'timestamptz' }, needed: ['user', 'since'] },
  originals: {
    of: null,
    types: { assistant: 'text', original: 'jsonb' },
    needed: ['assistant', 'original'],
  },
  alerts: {
    of: 'meter',
    types: { user: 'text', threshold: 'integer', read_at: 'timestamptz', at: 'timestamptz' },
    needed: ['user', 'threshold', 'read_at'],
  },
};
