import { amountCell, signedCell } from '../../html/amount-cell.ts';
import { type Html, html, noHtml } from '../../html/html.ts';
import { type TableRow, table } from '../../html/table.ts';
import { isZero, scaleOf } from '../../values/amount.ts';
import type { ClaimPart } from '../match/claim.ts';
import type { Cause } from '../match/claim-store.ts';
import { type DifferenceStep, differenceSteps } from '../match/difference-steps.ts';
import { causeText } from './headline.ts';
import type { ReconciliationReport } from './report.ts';
import { moneyTitle } from './report-sums.ts';

/** What proves it, or what has to be looked at before anybody asks for it. */
const causeAdvice: Readonly<Record<Cause, string>> = {
  'billed-again': 'The bill itself has the same before.',
  'told-again': 'Are these two bills, or one that was saved twice? Of one, nothing was billed again.',
  'never-began': 'The bill itself has no start and no duration for them, but a charge.',
  'not-logged': 'Did our app fail to record them? Then they are ours to pay, and are added to our records.',
  'not-ours': 'Whose assistants are these? Of tests of ours, or of nobody here.',
  'not-billed': 'May still be charged.',
  duration: "Compare the provider's own times and recordings with ours.",
  cost: 'Compare with the price that was agreed, and since when.',
  day: "Compare the day, model by model, with the provider's own list.",
  running: 'Wait for the bill on which they have ended.',
  'other-user': 'Find out whose call it was before its cost.',
  'cost-unknown': 'One side does not say what they cost.',
};

/** What to claim back, part by part, with what is certain and what has to be checked. */
export function claimSection({ differences, currency, stored }: ReconciliationReport): Html {
  if (differences === null || differences.claim.parts.length === 0) {
    return noHtml;
  }
  const { claim } = differences;
  const scale = scaleOf([claim.certain, claim.toCheck]);
  const partRow = ({ kind, cause, sureness, count, amount }: ClaimPart): TableRow => ({
    cells: [
      html`<a href="#${kind}">${causeText(cause, count)}</a><small>${causeAdvice[cause]}</small>`,
      sureness === 'certain'
        ? html`<span class="good">certain</span>`
        : html`<span class="open">to be checked</span>`,
      amountCell(amount, scale),
    ],
  });
  const sums: readonly [string, string][] = [
    ['Certain', claim.certain],
    ['To be checked first', claim.toCheck],
    ['To claim back at most', claim.amount],
  ];
  return html`<section><h2>What to claim back</h2>
${table({
  caption: 'What to claim back, and how sure that is',
  columns: [
    { title: 'What', kind: 'name' },
    { title: 'How sure' },
    { title: moneyTitle('Over-billed', currency), kind: 'number' },
  ],
  rows: [
    ...claim.parts.map(partRow),
    ...sums.map(
      ([title, amount]): TableRow => ({ style: 'total', cells: [title, '', amountCell(amount, scale)] }),
    ),
  ],
})}<p class="note">The lines to send with it, for a spreadsheet:<br>
<code>quota reconcile show --month ${stored.month} --provider ${stored.provider} --kind ${claim.parts[0]?.kind ?? ''} --output csv</code></p></section>
`;
}

const stepWords: Readonly<Record<DifferenceStep['what'], string>> = {
  'over-billed': 'Billed more than logged',
  'under-billed': 'Billed less than logged',
  'not-compared': 'Differences of which one side states no cost',
  fees: 'Fees and credits, which no call stands against',
  matched: 'In what agrees: within the rules, or a cost that one side does not state',
  'billed-again': 'Billed more than once: over-billed, but no use of this month',
};

/** How over-billed and under-billed come to the difference of the month. */
export function differenceTable({ stored, differences, currency }: ReconciliationReport): Html {
  if (differences === null) {
    return noHtml;
  }
  const steps = differenceSteps({ kinds: stored.kinds, differences });
  if (steps.every(({ amount }) => isZero(amount))) {
    return noHtml;
  }
  const { difference } = stored.totals;
  const scale = scaleOf([difference, ...steps.map(({ amount }) => amount)]);
  return html`<h3>How the difference comes about</h3>
${table({
  caption: 'From over-billed and under-billed to the difference',
  columns: [
    { title: '', kind: 'wide' },
    { title: moneyTitle('Amount', currency), kind: 'number' },
  ],
  rows: [
    ...steps.map(({ what, amount }) => ({ cells: [stepWords[what], signedCell(amount, scale)] })),
    { style: 'total' as const, cells: ['Difference of this month', signedCell(difference, scale)] },
  ],
})}`;
}
