import type { QuotaUsage } from './usage.ts';

/** One period of one meter. Quantities and money are exact decimals as text, instants ISO 8601 UTC. */
export interface PeriodUsage {
  service: string;
  meter: string;
  unit: QuotaUsage['unit'];
  /** Both null: a lifetime. */
  period: { start: string | null; end: string | null };
  limit: string | null;
  granted: string;
  used: string;
  adjusted: string;
  /** The part of `used` that is an estimate: of sessions whose end nobody told. */
  estimated: string;
  cost: string;
  calls: number;
  exhaustedAt: string | null;
  /** When a reset went past the period; null: it is open. */
  closedAt: string | null;
  usedAtClose: string | null;
  /** What arrived after the close: `used` less `usedAtClose`. */
  late: string | null;
  /** The period of a former plan or anchor. */
  superseded: boolean;
  /** Resets by operators, the oldest first. */
  resets: { at: string; quantity: string; actor: string; reason: string }[];
}
