/** What an operator says of a service. Null: nothing. */
export interface ServiceTerms {
  /** Money of a day, UTC: who is told when the calls cost as much. */
  maxDailyCost: string | null;
  /** In percent of the calls of a day. */
  maxErrorPercent: string | null;
  /** Metadata and error messages of a service that finance does not reconcile. */
  keepDetailsDays: number | null;
}

export interface ServiceSettings extends ServiceTerms {
  /** `all`: all services together. */
  service: string;
  /** Null: never. */
  changedAt: string | null;
  changedBy: string | null;
}

export const allServices = 'all';
