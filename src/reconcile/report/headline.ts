import type { LeftOut } from '../../files/bad-lines.ts';
import { monthText, secondText } from '../../text/time-text.ts';
import { amountText, countText, isZero } from '../../values/amount.ts';
import { leftOutWords } from '../exports/left-out.ts';
import type { ClaimPart, Differences } from '../match/claim.ts';
import type { Cause } from '../match/claim-store.ts';
import type { Answer } from '../match/compute-answer.ts';
import type { ExpectedCost } from '../match/rate-store.ts';
import { otherPriceSentence, otherPrices } from './rate-words.ts';
import { counted, providerText } from './report-words.ts';

/** What the headline of a month is made of; members that are not known are left out. */
export interface HeadlineMonth {
  provider: string;
  /** `2026-10` */
  month: string;
  currency: string | null;
  /** Null: the bill states no amounts. */
  differences: Differences | null;
  exports: readonly { lines: number }[];
  kinds: Answer['kinds'];
  /** How many differences nobody has resolved. */
  openCount: number;
  closed?: { at: string; by: string | null } | undefined;
  leftOut: LeftOut | null;
  control?: { agrees: boolean } | null | undefined;
  rates: readonly ExpectedCost[];
}

/** What to claim back. */
const causeWords: Readonly<Record<Cause, { one: string; many: string }>> = {
  'billed-again': { one: 'line billed more than once', many: 'lines billed more than once' },
  'told-again': { one: 'line that another file has, too', many: 'lines that another file has, too' },
  'never-began': { one: 'call charged that never began', many: 'calls charged that never began' },
  'not-logged': { one: 'call that our records do not have', many: 'calls that our records do not have' },
  'not-ours': {
    one: 'call of an assistant that nobody here has',
    many: 'calls of assistants that nobody here has',
  },
  'not-billed': { one: 'call that was not billed', many: 'calls that were not billed' },
  duration: { one: 'call billed for longer than we logged', many: 'calls billed for longer than we logged' },
  cost: {
    one: 'call billed at a higher cost than we logged',
    many: 'calls billed at a higher cost than we logged',
  },
  day: { one: "day's sum above that of our records", many: "days' sums above those of our records" },
  running: { one: 'call that had not ended', many: 'calls that had not ended' },
  'other-user': { one: 'call logged for another user', many: 'calls logged for other users' },
  'cost-unknown': { one: 'call without a cost', many: 'calls without a cost' },
};

export const causeText = (cause: Cause, count: number): string => {
  const { one, many } = causeWords[cause];
  return counted(countText(count), one, many);
};

/**
 * What who pays the bill has to know, in a few sentences: what to claim back and how sure that is, what stands against
 * it, what cannot be told, and whether the month is closed.
 */
export function headline(month: HeadlineMonth): string[] {
  const { provider, differences, leftOut, control } = month;
  const name = `${providerText(provider)} for ${monthText(month.month)}`;
  return [
    ...(differences === null
      ? [
          `The bill of ${name} states no amounts: calls and durations are compared, there is no money to claim back.`,
        ]
      : moneySentences(month, differences, name)),
    ...otherPrices(month.rates).map(otherPriceSentence),
    ...(leftOut === null
      ? []
      : [`Of the bill itself, ${leftOutWords(leftOut)}; that is in none of these sums.`]),
    ...(control?.agrees === false
      ? ["The provider's own count differs from its list of calls: the bill may not be whole."]
      : []),
    stateSentence(month),
  ];
}

function moneySentences(
  { currency, exports, kinds }: HeadlineMonth,
  differences: Differences,
  name: string,
): string[] {
  const money = (amount: string) => `${amountText(amount)}${currency === null ? '' : ` ${currency}`}`;
  const { claim, underBilled, notCompared } = differences;
  const fees = kinds.fee?.billed ?? '0';
  const isEmpty = exports.every(({ lines }) => lines === 0);
  const partsOf = (sureness: ClaimPart['sureness']) =>
    claim.parts.filter((part) => part.sureness === sureness);
  const listed = (start: string, parts: readonly ClaimPart[]) =>
    parts.length === 0
      ? []
      : [
          `${start}: ${parts.map(({ cause, count, amount }) => `${causeText(cause, count)}, ${money(amount)}`).join('; ')}.`,
        ];
  const uncertain = countText(notCompared.count);
  return [
    claimSentence(claim, name, money),
    ...(isEmpty ? ['Nothing was billed.'] : []),
    ...listed('Certain, by the bill itself', partsOf('certain')),
    ...listed(
      'To be checked first, since only our own records say so',
      partsOf('check').filter(({ cause }) => cause !== 'told-again'),
    ),
    ...listed(
      'To be checked first, since it may be the same bill twice',
      partsOf('check').filter(({ cause }) => cause === 'told-again'),
    ),
    ...(isZero(claim.disputed)
      ? []
      : [`Of this, ${money(claim.disputed)} has been disputed with the provider.`]),
    ...(isZero(claim.accepted)
      ? []
      : [`Billed too much but accepted, and so not to be claimed: ${money(claim.accepted)}.`]),
    ...(isZero(underBilled)
      ? []
      : [
          `The other way round, ${money(underBilled)} of what we logged was not billed, or billed lower; it may still be charged.`,
        ]),
    ...(isZero(fees)
      ? []
      : [`Fees and credits of ${money(fees)} belong to no call: compare them with the contract.`]),
    ...(notCompared.count === 0
      ? []
      : [
          `${counted(uncertain, 'difference', 'differences')} cannot be judged in money: one side does not say what the call cost.`,
        ]),
  ];
}

function claimSentence(
  { amount, certain, toCheck }: Differences['claim'],
  name: string,
  money: (amount: string) => string,
) {
  if (isZero(amount)) {
    return `Nothing to claim back from ${name}.`;
  }
  if (isZero(toCheck)) {
    return `Claim back ${money(amount)} from ${name}: all of it is certain.`;
  }
  return isZero(certain)
    ? `Up to ${money(amount)} to claim back from ${name}: none of it is certain, all is to be checked first.`
    : `Claim back ${money(amount)} from ${name}: ${money(certain)} is certain, ${money(toCheck)} is to be checked first.`;
}

function stateSentence({ closed, openCount }: HeadlineMonth): string {
  const open = `${counted(countText(openCount), 'difference is', 'differences are')} unresolved`;
  if (closed !== undefined) {
    const left = openCount === 0 ? '' : `, while ${open}`;
    return `The month was closed by ${closed.by ?? '?'} on ${secondText(closed.at)}${left}.`;
  }
  return openCount === 0
    ? 'The month is open, and nothing in it is unresolved: it can be closed.'
    : `The month is open: ${open}.`;
}
