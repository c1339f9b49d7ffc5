import type pg from 'pg';
import { telltaleFields } from '../enforcement/assistant-state.ts';
import { defaultLimitedState } from '../enforcement/limited-state.ts';
import type { CarriedKind } from './carried.ts';
import { carryAlerts, carryEnforced, carryLimits, carryOriginals } from './carry-store.ts';
import type { PlacedCarried } from './place-carried.ts';
import type { AppDatabase } from './remote/app-database.ts';

/** How many of each kind were not so here before. */
export type CarriedCounts = Partial<Record<CarriedKind, number>>;

const limitable = [...new Set([...Object.keys(defaultLimitedState), ...telltaleFields])];

const carriers: Record<
  CarriedKind,
  (client: pg.ClientBase, app: AppDatabase, placed: PlacedCarried) => Promise<number>
> = {
  limits: carryLimits,
  alerts: carryAlerts,
  enforced: carryEnforced,
  originals: (client, app, placed) => carryOriginals(client, app, placed, limitable),
};

/**
 * Takes over what the app has decided, within the transaction of the caller: nobody is told, limited or freed for it. The
 * same again changes nothing.
 */
export async function carryState(
  client: pg.ClientBase,
  app: AppDatabase,
  carried: readonly PlacedCarried[],
  kinds: readonly CarriedKind[],
): Promise<CarriedCounts> {
  const counts: CarriedCounts = {};
  for (const kind of kinds) {
    for (const placed of carried.filter((one) => one.kind === kind)) {
      counts[kind] = (counts[kind] ?? 0) + (await carriers[kind](client, app, placed));
    }
  }
  return counts;
}
