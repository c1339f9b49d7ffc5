import type { Style } from '../../context.ts';
import { textTable } from '../../text/text-table.ts';
import { relativeText } from '../../text/time-text.ts';
import { minuteText } from '../../values/instant.ts';
import type { LimitsStatus, StatusReport } from './status-report.ts';

/** Assistants, how many are recorded as what, and with a check how many are what at VAPI. */
export function statusText(
  { counts, checked, assistants, more }: LimitsStatus,
  now: Date,
  style: Style,
): string {
  const lines = assistantTable(assistants, now, style);
  if (more > 0) {
    lines.push(style.dim(`… and ${more} more: --limit shows them`));
  }
  const known = Object.entries(counts).filter(
    ([name, count]) => count > 0 && name !== 'untouched' && name !== 'gated',
  );
  const summary = known.map(([name, count]) => `${count} ${name}`);
  if (counts.untouched > 0) {
    summary.push(`${counts.untouched} never limited`);
  }
  if (counts.gated > 0) {
    summary.push(`${counts.gated} let in by the gate`);
  }
  lines.push(...(lines.length > 0 ? [''] : []), `Recorded: ${summary.join(', ') || 'no assistants'}`);
  if (checked !== null) {
    const found = Object.entries(checked).map(([state, count]) => `${count} ${state}`);
    lines.push(`At VAPI: ${found.join(', ') || 'nothing to look at'}`);
  }
  return lines.join('\n');
}

/** A row for each assistant, and under it what is wrong with it. */
function assistantTable(assistants: readonly StatusReport[], now: Date, style: Style): string[] {
  if (assistants.length === 0) {
    return [];
  }
  const head = ['state', 'user', 'assistant', 'name'];
  const states = assistants.map(stateOf);
  const cells = assistants.map(({ user, providerAssistantId, name }, row) => [
    states[row]?.text ?? '',
    user,
    providerAssistantId,
    name ?? '',
  ]);
  const paint = (line: string, row: number) => {
    const { text, color } = states[row] ?? { text: '', color: 'dim' };
    return style[color](line.slice(0, text.length)) + line.slice(text.length);
  };
  const [heading = '', ...rows] = textTable(cells, { head, left: head, color: paint }, style);
  return [
    heading,
    ...assistants.flatMap((assistant, row) => [rows[row] ?? '', ...details(assistant, now, style)]),
  ];
}

function details(assistant: StatusReport, now: Date, style: Style): string[] {
  const { check, status, lastError, nextAttemptAt } = assistant;
  const lines = [];
  if (lastError !== null) {
    const tries = status === 'failed' ? ` (attempt ${assistant.attempts})` : '';
    lines.push(`  ${lastError}${tries}`);
  }
  if (status === 'failed' && nextAttemptAt !== null) {
    lines.push(style.dim(`  due again ${relativeText(nextAttemptAt, now)} (${minuteText(nextAttemptAt)})`));
  }
  if (check !== null && check.state !== 'same') {
    lines.push(`  at VAPI: ${style.yellow(check.state)}${check.detail === null ? '' : `, ${check.detail}`}`);
    lines.push(
      ...check.changes.map(
        ({ field, from, to }) => `    ${field}: ${JSON.stringify(from)}, not ${JSON.stringify(to)}`,
      ),
    );
  }
  return lines;
}

interface State {
  text: string;
  color: 'dim' | 'yellow' | 'red' | 'green';
}

function stateOf({ status, desired, busy, held, gated }: StatusReport): State {
  const byHand = held === null ? '' : held === 'limited' ? ' by hand' : ' by hand, its user stays limited';
  const state = (text: string, color: State['color']): State => ({
    text: text + byHand + (busy ? ' (being worked on)' : ''),
    color,
  });
  if (gated && (status === null || status === 'restored')) {
    return { text: 'let in by the gate', color: 'dim' };
  }
  switch (status) {
    case 'pending':
      return state(desired === 'limited' ? 'to be limited' : 'to be restored', 'yellow');
    case 'failed':
      return state(desired === 'limited' ? 'limiting failed' : 'restoring failed', 'red');
    case 'applied':
      return state('limited', 'green');
    case 'restored':
      return state('restored', 'green');
    case 'gone':
      return { text: 'gone', color: 'yellow' };
    case null:
      return { text: 'not limited', color: 'dim' };
  }
}
