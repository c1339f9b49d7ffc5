import type { ControlTotal } from '../fetch/control-total.ts';
import type { Answer } from '../match/compute-answer.ts';
import type { Tolerances } from './reconciliation-store.ts';

/** A month as the last run left it, or as it was closed. */
export interface StoredReconciliation extends Answer {
  id: string;
  provider: string;
  month: string;
  closedAt: string | null;
  closedBy: string | null;
  closeReason: string | null;
  tolerances: Tolerances;
  /** False: its exports state no amounts, as lists of sessions do. */
  statesAmounts: boolean;
  /** Of its amounts; null where it states none. */
  currency: string | null;
  /** What the provider counted itself, where the month was fetched; else null. */
  control: ControlTotal | null;
  /** Discrepancies that nobody has resolved, by kind. */
  open: Record<string, number>;
  /** Those that somebody has, by what was decided; also where they are gone since. */
  resolved: Record<string, number>;
}

/** Which month is meant: by its id, or by the month and, where several billed in it, the provider. */
export interface MonthChoice {
  id?: string | undefined;
  month?: string | undefined;
  provider?: string | undefined;
}
