import { amountCell, signedCell } from '../../html/amount-cell.ts';
import { type Html, html, noHtml } from '../../html/html.ts';
import { page } from '../../html/page.ts';
import { monthText, secondText } from '../../text/time-text.ts';
import { amountText, countText, isZero, roundedSign, scaleMax, scaleOf } from '../../values/amount.ts';
import { differenceOf } from '../match/difference.ts';
import { type HeadlineMonth, headline } from './headline.ts';
import type { ReconciliationReport } from './report.ts';
import { claimSection } from './report-claim.ts';
import { dayCharts, dayTable } from './report-days.ts';
import { kindSections, settledSection } from './report-details.ts';
import { addingUp, differencesByKind, stateSection, topUsers } from './report-overview.ts';
import { historySection, rateSection, ruleSection, sourceSection } from './report-sources.ts';
import { counted, providerText } from './report-words.ts';

/** The report of a month as one page for who has to pay the bill, or to defend having paid it. */
export function reportHtml(report: ReconciliationReport): string {
  const { provider, month } = report.stored;
  const title = `${providerText(provider)} bill of ${monthText(month)}, reconciled`;
  const body = [
    heading(report),
    claimSection(report),
    dayCharts(report),
    addingUp(report),
    differencesByKind(report),
    stateSection(report),
    topUsers(report),
    rateSection(report),
    kindSections(report),
    settledSection(report),
    sourceSection(report),
    historySection(report),
    ruleSection(report),
    dayTable(report),
  ];
  return page({ title, company: report.company, body: [...body, footer(report, body)] }).text;
}

function heading(report: ReconciliationReport): Html {
  const { provider, month } = report.stored;
  const lines = report.exports.reduce((sum, one) => sum + one.lines, 0);
  const { monthSums, hasAmounts } = report;
  const scale = scaleOf([monthSums.billed, monthSums.logged]);
  const unit = hasAmounts ? (report.currency ?? '') : 'seconds: the bill states no amounts';
  const [claim = '', ...sentences] = headline(headlineMonth(report));
  return html`<header>
<h1>${providerText(provider)}, ${monthText(month)}</h1>
<div class="note">What the provider billed, held against what we logged.</div>
<p class="headline"><strong>${claim}</strong> <span>${sentences.join(' ')}</span></p>
<p>${stateBadge(report)}</p>
</header>
<dl class="tiles">
<div><dt>Billed</dt><dd>${amountCell(monthSums.billed, scale)} <small>${unit}</small></dd></div>
<div><dt>Logged by us</dt><dd>${amountCell(monthSums.logged, scale)} <small>${hasAmounts ? unit : 'seconds'}</small></dd></div>
${differenceTiles(report, scale)}
<div><dt>Lines of the bill</dt><dd>${countText(lines)} <small>in ${counted(countText(report.exports.length), 'file', 'files')}</small></dd></div>
</dl>
<p class="lead">${verdict(report)}</p>
`;
}

/** More and less of it apart: their net hides both. In seconds only the net is known. */
function differenceTiles({ differences, monthSums, currency }: ReconciliationReport, scale: number): Html {
  if (differences === null) {
    const difference = differenceOf(monthSums);
    return html`<div><dt>Difference</dt><dd>${signedCell(difference, scale)} <small>${differenceWords(difference)}</small></dd></div>`;
  }
  const { overBilled, underBilled, billedAgain } = differences;
  const unit = currency ?? '';
  const again = isZero(billedAgain) ? '' : `; ${amountText(billedAgain, scale)} of it billed more than once`;
  return html`<div><dt>Over-billed</dt><dd>${amountCell(overBilled, scale)} <small>${unit}${again}</small></dd></div>
<div><dt>Under-billed</dt><dd>${amountCell(underBilled, scale)} <small>${unit}</small></dd></div>`;
}

const headlineMonth = ({
  stored,
  states,
  exports,
  bill,
  ...report
}: ReconciliationReport): HeadlineMonth => ({
  ...report,
  provider: stored.provider,
  month: stored.month,
  exports,
  kinds: stored.kinds,
  control: stored.control,
  leftOut: bill.leftOut,
  openCount: states.find(({ resolution }) => resolution === null)?.count ?? 0,
  closed: stored.closedAt === null ? undefined : { at: stored.closedAt, by: stored.closedBy },
});

/** Whether the month is closed, or what is left to be done. */
function stateBadge({ stored, states, kinds }: ReconciliationReport): Html {
  const { closedAt, closedBy, closeReason } = stored;
  if (closedAt !== null) {
    const reason = closeReason === null ? noHtml : html` <span class="note">“${closeReason}”</span>`;
    return html`<span class="state good">Closed</span> by ${closedBy} on ${secondText(closedAt)}; nothing in it can change any more.${reason}`;
  }
  const open = states.find(({ resolution }) => resolution === null)?.count ?? 0;
  if (open > 0) {
    return html`<span class="state">Open</span> ${counted(countText(open), 'difference has', 'differences have')} not been resolved yet.`;
  }
  return kinds.length === 0
    ? html`<span class="state good">All matched</span> The month has not been closed yet.`
    : html`<span class="state good">All resolved</span> Every difference has been looked at; the month has not been closed yet.`;
}

const differenceWords = (difference: string) =>
  isZero(difference)
    ? 'as logged'
    : difference.startsWith('-')
      ? 'billed less than logged'
      : 'billed more than logged';

function verdict({ stored, kinds, currency, hasAmounts, monthSums }: ReconciliationReport): string {
  const scale = scaleOf([monthSums.billed, monthSums.logged]);
  const unit = hasAmounts ? currency : 'seconds';
  const sized = (amount: string) => `${amountText(amount, scale)}${unit === null ? '' : ` ${unit}`}`;
  const start = `For ${monthText(stored.month)} the provider billed ${sized(monthSums.billed)}.`;
  if (kinds.length === 0) {
    return `${start} Every line of the bill is in our records, and every call in our records is on the bill: nothing differs by more than the rules allow.`;
  }
  const count = kinds.reduce((sum, kind) => sum + kind.count, 0);
  const what = counted(countText(count), 'entry differs', 'entries differ');
  const difference = differenceOf(monthSums);
  if (isZero(difference)) {
    return `${start} Our records come to the same sum, but ${what}.`;
  }
  const way = difference.startsWith('-') ? 'more than was billed' : 'less than was billed';
  return `${start} Our records come to ${sized(difference.replace(/^-/, ''))} ${way}; ${what}.`;
}

function footer({ stored, madeAt, madeBy }: ReconciliationReport, body: readonly Html[]): Html {
  const isRounded = body.some(({ text }) => text.includes('<data value='));
  return html`<footer>Made by ${madeBy} on ${secondText(madeAt)} with
<code>quota reconcile report --month ${stored.month} --provider ${stored.provider}</code>. All times are UTC. ${isRounded ? html`Amounts with ${roundedSign} are rounded for reading, at most to ${scaleMax} digits after the point; whoever points at them sees all, and so do <code>quota reconcile show --output csv</code> and <code>json</code>.` : 'Amounts are exact, nothing is rounded.'}</footer>
`;
}
