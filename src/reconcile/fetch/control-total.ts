import type pg from 'pg';
import type { VapiClient } from '../../providers/vapi/client.ts';
import type { AnalyticsAnswer, AnalyticsQuery } from '../../providers/vapi/contract.ts';
import { negated, plainDecimal } from '../../values/decimal-math.ts';
import { sumOf } from '../../values/decimal-sum.ts';
import { type CompleteFetch, monthRange } from './fetch-calls.ts';
import { type DaySum, selectDaySums } from './fetch-store.ts';

/** A count as the provider makes it, beside what was fetched. Costs are exact decimals. */
export interface Counted {
  calls: { provider: number; fetched: number };
  cost: { provider: string; fetched: string; difference: string };
}

/** What the provider's own statistics say of the calls that were created in the month, beside what it listed. */
export interface ControlTotal extends Counted {
  source: 'vapi:analytics';
  /** Half-open, ISO 8601 UTC. The end is that of the month, or when the fetch began. */
  from: string;
  to: string;
  agrees: boolean;
  /** The UTC days that differ. */
  days: ({ day: string } & Counted)[];
}

/** Sums of floats, printed with so many digits after the point, have no noise left. */
const costDecimals = 6;
/** VAPI prints the cost of a call with four decimals, and does not say whether its statistics round before. */
const costRoundingOfCall = 0.00005;
/** A cent, for how the sum itself is rounded. */
const costRounding = 0.01;

/**
 * Asks VAPI for its own count and sum of cost, per UTC day: independent of its list, whose pages can lose calls
 * and which its retention cuts off. To be asked before the fetch becomes an export.
 * @throws VapiUnavailableError; VapiRequestError where VAPI refuses to say
 */
export async function controlTotal(
  client: pg.ClientBase,
  vapi: VapiClient,
  { key, startedAt }: CompleteFetch,
  signal: AbortSignal,
): Promise<ControlTotal> {
  const { from, to: end } = monthRange(key.month);
  const to = startedAt.toISOString() < end && startedAt.toISOString() > from ? startedAt.toISOString() : end;
  const query: AnalyticsQuery = {
    table: 'call',
    name: 'month',
    timeRange: { start: from, end: to, step: 'day', timezone: 'UTC' },
    operations: [
      { operation: 'count', column: 'id', alias: 'calls' },
      { operation: 'sum', column: 'cost', alias: 'cost' },
    ],
  };
  const [answer] = await vapi.analytics([query], { signal });
  const counted = providerDays(answer);
  const fetched = await selectDaySums(client, key, { from, to });
  return compare({ from, to }, counted, fetched);
}

/** One day of one side; the cost is an exact decimal. */
interface DayTotal {
  calls: number;
  cost: string;
}

const nothing: DayTotal = { calls: 0, cost: '0' };

/** The statistics may split a day into several rows, and print sums of floats. */
function providerDays(answer: AnalyticsAnswer | undefined): Map<string, DayTotal> {
  const days = new Map<string, DayTotal>();
  for (const { date, calls, cost } of answer?.result ?? []) {
    const day = String(date).slice(0, 10);
    const row = { calls: Number(calls) || 0, cost: (Number(cost) || 0).toFixed(costDecimals) };
    days.set(day, added([days.get(day) ?? nothing, row]));
  }
  return days;
}

function compare(
  range: { from: string; to: string },
  counted: ReadonlyMap<string, DayTotal>,
  fetched: readonly DaySum[],
): ControlTotal {
  const own = new Map(fetched.map((sum) => [sum.day, sum]));
  const total = beside(added([...counted.values()]), added(fetched));
  const names = [...new Set([...counted.keys(), ...own.keys()])].sort();
  const days = names.map((day) => ({
    day,
    ...beside(counted.get(day) ?? nothing, own.get(day) ?? nothing),
  }));
  const isEqual = agrees(total);
  return {
    source: 'vapi:analytics',
    ...range,
    ...total,
    agrees: isEqual,
    days: isEqual ? [] : days.filter((day) => !agrees(day)),
  };
}

function added(sums: readonly DayTotal[]): DayTotal {
  return {
    calls: sums.reduce((calls, sum) => calls + sum.calls, 0),
    cost: plainDecimal(sumOf(sums.map(({ cost }) => cost))),
  };
}

function beside(provider: DayTotal, fetched: DayTotal): Counted {
  const difference = plainDecimal(sumOf([provider.cost, negated(fetched.cost)]));
  return {
    calls: { provider: provider.calls, fetched: fetched.calls },
    cost: { provider: plainDecimal(provider.cost), fetched: plainDecimal(fetched.cost), difference },
  };
}

const agrees = ({ calls, cost }: Counted): boolean =>
  calls.provider === calls.fetched &&
  Math.abs(Number(cost.difference)) <= costRounding + costRoundingOfCall * calls.fetched;
