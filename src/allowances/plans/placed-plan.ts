import type { Path } from '../files/plan-document.ts';
import type { MeterDefinition } from '../meters/meter.ts';
import type { PlanDefinition } from './plan.ts';

/** What the database knows, that a file can be held against. */
export interface KnownTerms {
  meters: readonly MeterDefinition[];
  /** Names of time zones, as the database writes them. */
  timezones: readonly string[];
  plans: readonly PlanDefinition[];
}

/** A plan of a file, with the place of each of its parts. */
export interface PlacedPlan {
  plan: PlanDefinition;
  path: Path;
  /** By meter. */
  limitPaths: Map<string, Path>;
}
