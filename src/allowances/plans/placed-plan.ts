import type { Meter, PlanDefinition } from './plan.ts';
import type { Path } from './plan-document.ts';

/** What the database knows, that a file can be held against. */
export interface KnownTerms {
  meters: readonly Meter[];
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
