import type { CacheTemplate } from '../../values/key-template.ts';
import type { Unit } from '../../values/unit.ts';

/** A meter as data: what `meter show` prints and `meter apply` takes. Quantities are exact decimals as text. */
export interface MeterDefinition {
  key: string;
  service: string;
  unit: Unit;
  /** Counts only calls of these models, `*` for any text; null: all. */
  models: string[] | null;
  /** Each call counts up to a multiple of it; null: as it is. */
  rounding: string | null;
  /** How many seconds a credit is worth; null: credits are told as such. */
  creditSeconds: string | null;
  /** Whether its seconds pass in real time. */
  isLive: boolean;
  /** What it is called in the app's own Redis; null: nothing there is kept. */
  redis: CacheTemplate | null;
}

/** One field that differs, as files write it; null: not there. */
export interface MeterDifference {
  path: string;
  before: string | null;
  after: string | null;
}

/**
 * The unit that one number of a call is told in: as quota.service_unit says it, of meters as they will be. Undefined:
 * no meter counts the service.
 */
export function serviceUnit(meters: readonly MeterDefinition[], service: string): Unit | undefined {
  const counted = meters
    .filter((meter) => meter.service === service)
    .map(({ unit, creditSeconds }) => (creditSeconds === null ? unit : 'second'));
  return (['second', 'message', 'token', 'credit', 'byte', 'request'] as const).find((unit) =>
    counted.includes(unit),
  );
}
