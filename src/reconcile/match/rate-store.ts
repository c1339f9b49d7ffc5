import type pg from 'pg';

/** What one rate card says of a month; amounts are exact decimals in its unit. */
export interface ExpectedCost {
  name: string;
  unit: string;
  note: string | null;
  /** Per minute, in the unit. */
  price: string;
  logs: number;
  /** For which the card charges: of our own logs, and of the bill's durations. Null where there are none. */
  loggedSeconds: string | null;
  billedSeconds: string | null;
  /** By the card, from our own logs. */
  expected: string;
  lines: number;
  /** By the card, from the durations of the bill. */
  byBillDurations: string | null;
  /** Null where the bill states no amount. */
  billed: string | null;
  /** billed − byBillDurations: another rate or rounding than the card's. */
  rateDifference: string | null;
  /** byBillDurations − expected: other calls or durations than logged. */
  usageDifference: string | null;
  /** What was billed per minute of the bill's durations, to six digits after the point; null where that is unknown. */
  billedPrice: string | null;
}

export async function selectExpectedCosts(
  client: pg.ClientBase,
  reconciliationId: string,
): Promise<ExpectedCost[]> {
  const { rows } = await client.query<ExpectedCost>(
    `select e.name, e.unit, e.note, trim_scale(e.price)::text as price, e.logs::integer,
       trim_scale(e.logged_seconds)::text as "loggedSeconds", trim_scale(e.billed_seconds)::text as "billedSeconds",
       trim_scale(round(e.billed * 60 / nullif(e.billed_seconds, 0), 6))::text as "billedPrice", e.expected, e.lines::integer,
       e.by_bill_durations as "byBillDurations", e.billed, e.billed - e.by_bill_durations as "rateDifference",
       e.by_bill_durations - e.expected as "usageDifference"
     from quota.expected_costs($1) e where e.logs > 0 or e.lines > 0`,
    [reconciliationId],
  );
  return rows;
}
