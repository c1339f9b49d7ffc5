import type pg from 'pg';
import { isZero } from '../../values/amount.ts';
import { negated } from '../../values/decimal-math.ts';
import { DecimalSum, sumOf } from '../../values/decimal-sum.ts';
import { type Cause, type CauseSums, selectCauses } from './claim-store.ts';
import type { Kind } from './kinds.ts';

/** `certain`: the bill itself proves it. `check`: only our records and files say so, and they can be wrong. */
export type Sureness = 'certain' | 'check';

/** What can be claimed back for one cause. */
export interface ClaimPart {
  kind: Kind;
  cause: Cause;
  sureness: Sureness;
  count: number;
  amount: string;
}

/** What the provider can be asked to give back: what was billed more than logged and nobody accepted. */
export interface Claim {
  /** certain + toCheck. */
  amount: string;
  certain: string;
  toCheck: string;
  /** Of `amount`: what was disputed with the provider already. */
  disputed: string;
  /** Billed more than logged, but accepted or corrected: not in `amount`. */
  accepted: string;
  /** The certain ones first, the largest of them first. */
  parts: ClaimPart[];
}

/** What a month's discrepancies come to, either way. All sums are exact decimals in the currency of the bill. */
export interface Differences {
  /** Σ billed − logged of what was billed more than logged, lines that were billed again among it. */
  overBilled: string;
  /** Σ logged − billed of what was billed less than logged. */
  underBilled: string;
  /** Of `overBilled`: what was billed before, less credits that came again. The total of a month leaves it out. */
  billedAgain: string;
  kinds: Partial<Record<Kind, { overBilled: string; underBilled: string }>>;
  /** Differences that cannot be judged in money, since one side does not state its cost: in none of the sums. */
  notCompared: { count: number; billed: string; logged: string };
  /** How many nobody has resolved. */
  open: number;
  claim: Claim;
}

const certainCauses: readonly Cause[] = ['billed-again', 'never-began'];

interface BilledMonth {
  id: string;
  /** Null: its exports state no amounts. */
  currency: string | null;
  exports: readonly { lines: number }[];
}

/** Whether there is money to compare: in a bill that states some, and in one that says that nothing was billed. */
const comparesMoney = ({ currency, exports }: Omit<BilledMonth, 'id'>): boolean =>
  currency !== null || exports.every(({ lines }) => lines === 0);

/** What differs in some months, by their ids; null where the bill states no amounts. */
export async function readDifferences(
  client: pg.ClientBase,
  months: readonly BilledMonth[],
  options: { isTrial?: boolean } = {},
): Promise<Map<string, Differences | null>> {
  const ids = months.filter(comparesMoney).map(({ id }) => id);
  const causes = ids.length === 0 ? [] : await selectCauses(client, ids, options);
  return new Map(
    months.map((month) => [
      month.id,
      comparesMoney(month) ? differencesOf(causes.filter(({ id }) => id === month.id)) : null,
    ]),
  );
}

function differencesOf(causes: readonly CauseSums[]): Differences {
  const judged = causes.filter(({ cause }) => cause !== 'cost-unknown');
  const others = causes.filter(({ cause }) => cause === 'cost-unknown');
  return {
    overBilled: sumOf(judged.map(({ over }) => over)),
    underBilled: sumOf(judged.map(({ under }) => under)),
    billedAgain: sumOf(
      judged
        .filter(({ kind }) => kind === 'duplicate_line')
        .flatMap(({ over, under }) => [over, negated(under)]),
    ),
    kinds: sidesByKind(causes),
    notCompared: {
      count: countOf(others),
      billed: sumOf(others.map(({ billed }) => billed)),
      logged: sumOf(others.map(({ logged }) => logged)),
    },
    open: countOf(causes.filter(({ resolution }) => resolution === null)),
    claim: claimOf(judged),
  };
}

const countOf = (causes: readonly CauseSums[]) => causes.reduce((sum, { count }) => sum + count, 0);

function sidesByKind(causes: readonly CauseSums[]): Differences['kinds'] {
  const sides: Differences['kinds'] = {};
  for (const { kind, cause, over, under } of causes) {
    const { overBilled = '0', underBilled = '0' } = sides[kind] ?? {};
    sides[kind] =
      cause === 'cost-unknown'
        ? { overBilled, underBilled }
        : { overBilled: sumOf([overBilled, over]), underBilled: sumOf([underBilled, under]) };
  }
  return sides;
}

const isClaimed = ({ resolution }: CauseSums) => resolution === null || resolution === 'disputed';

function claimOf(judged: readonly CauseSums[]): Claim {
  const claimed = judged.filter(isClaimed);
  const parts = partsOf(claimed);
  const sumOfParts = (sureness: Sureness) =>
    sumOf(parts.filter((part) => part.sureness === sureness).map(({ amount }) => amount));
  const certain = sumOfParts('certain');
  const toCheck = sumOfParts('check');
  return {
    amount: sumOf([certain, toCheck]),
    certain,
    toCheck,
    disputed: sumOf(claimed.filter(({ resolution }) => resolution === 'disputed').map(({ over }) => over)),
    accepted: sumOf(judged.filter((one) => !isClaimed(one)).map(({ over }) => over)),
    parts,
  };
}

/** One part for each kind and cause, whether it is disputed or not. */
function partsOf(claimed: readonly CauseSums[]): ClaimPart[] {
  const parts = new Map<string, { kind: Kind; cause: Cause; count: number; sum: DecimalSum }>();
  for (const { kind, cause, overCount, over } of claimed.filter((one) => !isZero(one.over))) {
    const key = `${kind} ${cause}`;
    const part = parts.get(key) ?? { kind, cause, count: 0, sum: new DecimalSum() };
    part.count += overCount;
    part.sum.add(over);
    parts.set(key, part);
  }
  const isCertain = ({ cause }: { cause: Cause }) => certainCauses.includes(cause);
  return [...parts.values()]
    .map(({ sum, ...part }): ClaimPart => {
      const sureness = isCertain(part) ? 'certain' : 'check';
      return { kind: part.kind, cause: part.cause, sureness, count: part.count, amount: sum.toString() };
    })
    .sort(
      (one, other) =>
        Number(isCertain(other)) - Number(isCertain(one)) || Number(other.amount) - Number(one.amount),
    );
}
