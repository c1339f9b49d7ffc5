import type pg from 'pg';
import { sameDecimal } from '../../values/decimal-math.ts';
import { type AttachedExport, selectAttached } from '../exports/attachment-store.ts';
import { computeReconciliation, type ItemSums, selectSums, updateTotals } from './answer-store.ts';
import type { Kind } from './kinds.ts';

/** What a month came to; sums are exact decimals. Kinds without entries are left out. */
export interface Answer {
  exports: AttachedExport[];
  kinds: Partial<Record<Kind, KindSums>>;
  totals: ItemSums['totals'];
}

export interface KindSums {
  count: number;
  billed: string;
  logged: string;
}

/**
 * Matches the exports of a month with the logs as they are now and stores the answer, in the transaction that is
 * open. The server refuses a closed month (QT007). `changed` is how many items are not as they were.
 * @throws Error when the answer does not add up to the bill
 */
export async function computeAnswer(
  client: pg.ClientBase,
  id: string,
  { isTrial = false } = {},
): Promise<{ answer: Answer; changed: number }> {
  const changed = await computeReconciliation(client, id, isTrial);
  const sums = await selectSums(client, id);
  requireTie(sums);
  const { totals } = sums;
  const kinds = Object.fromEntries(sums.kinds.map(({ kind, ...kindSums }) => [kind, kindSums]));
  await updateTotals(client, id, { kinds, totals });
  return { answer: { exports: await selectAttached(client, id), kinds, totals }, changed };
}

/** Every line in one kind, and every cent of the bill: otherwise the answer is worth nothing. */
function requireTie({ control }: ItemSums): void {
  const { lines, billed, exportLines, exportCalls, exportBilled } = control;
  if (!sameDecimal(billed, exportBilled)) {
    throw new Error(`the kinds add up to ${billed}, the exports to ${exportBilled}`);
  }
  if (exportLines === exportCalls && lines !== exportLines) {
    throw new Error(`${lines} of ${exportLines} lines ended in a kind`);
  }
}
