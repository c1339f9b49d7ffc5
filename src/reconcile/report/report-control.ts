import { type Html, html, noHtml } from '../../html/html.ts';
import { table } from '../../html/table.ts';
import { secondText } from '../../text/time-text.ts';
import { amountText, countText, scaleOf, signedText } from '../../values/amount.ts';
import type { Counted } from '../fetch/control-total.ts';
import type { ReconciliationReport } from './report.ts';
import { moneyTitle } from './report-sums.ts';
import { counted } from './report-words.ts';

/** What the provider counts itself beside what it listed: whether the bill is whole can be told by nothing else. */
export function controlSection({ stored: { control }, currency }: ReconciliationReport): Html {
  if (control === null) {
    return noHtml;
  }
  const { calls, cost, agrees, from, to, days } = control;
  const unit = currency === null ? '' : ` ${currency}`;
  const own = `${counted(countText(calls.provider), 'call', 'calls')} for ${amountText(cost.provider)}${unit}`;
  const listed = `${countText(calls.fetched)} for ${amountText(cost.fetched)}${unit}`;
  const range = `created from ${secondText(from)} to ${secondText(to)}`;
  return agrees
    ? html`<p>The provider's own count agrees: its statistics have ${own}, ${range}; its list, from which this bill was fetched, has ${listed}.</p>
`
    : html`<p><strong class="open">The provider's own count differs from its list:</strong> its statistics have ${own}, ${range}; its list, from which this bill was fetched, had ${listed}. Calls may be missing from the bill above.</p>
${dayTable(days, currency)}`;
}

function dayTable(days: readonly ({ day: string } & Counted)[], currency: string | null): Html {
  const scale = scaleOf(days.flatMap(({ cost }) => [cost.provider, cost.fetched]));
  return table({
    caption: "Days on which the provider's own count differs from its list",
    dense: true,
    columns: [
      { title: 'Day' },
      ...['Calls counted', 'Calls listed'].map((title) => ({ title, kind: 'number' }) as const),
      ...['Cost counted', 'Cost listed', 'Difference'].map(
        (title) => ({ title: moneyTitle(title, currency), kind: 'number' }) as const,
      ),
    ],
    rows: days.map(({ day, calls, cost }) => ({
      cells: [
        day,
        countText(calls.provider),
        countText(calls.fetched),
        amountText(cost.provider, scale),
        amountText(cost.fetched, scale),
        signedText(cost.difference, scale),
      ],
    })),
  });
}
