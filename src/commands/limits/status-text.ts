import type { Style } from '../../context.ts';
import { minuteText, relativeText } from '../../text/time-text.ts';
import type { LimitsStatus, StatusReport } from './status-report.ts';

/** Assistants, how many are recorded as what, and with a check how many are what at VAPI. */
export function statusText(
  { counts, checked, assistants, more }: LimitsStatus,
  now: Date,
  style: Style,
): string {
  const lines = assistants.flatMap((assistant) => assistantLines(assistant, now, style));
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

function assistantLines(assistant: StatusReport, now: Date, style: Style): string[] {
  const { user, providerAssistantId, name, check } = assistant;
  const lines = [`${statusWord(assistant, style)}  ${user}  ${providerAssistantId}  ${name ?? ''}`.trimEnd()];
  if (assistant.lastError !== null) {
    const tries = assistant.status === 'failed' ? ` (attempt ${assistant.attempts})` : '';
    lines.push(`  ${assistant.lastError}${tries}`);
  }
  if (assistant.status === 'failed' && assistant.nextAttemptAt !== null) {
    const { nextAttemptAt } = assistant;
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

function statusWord({ status, desired, busy, held, gated }: StatusReport, style: Style): string {
  const byHand = held === null ? '' : held === 'limited' ? ' by hand' : ' by hand, its user stays limited';
  const suffix = byHand + (busy ? ' (being worked on)' : '');
  if (gated && (status === null || status === 'restored')) {
    return style.dim('let in by the gate');
  }
  switch (status) {
    case 'pending':
      return style.yellow(desired === 'limited' ? 'to be limited' : 'to be restored') + suffix;
    case 'failed':
      return style.red(desired === 'limited' ? 'limiting failed' : 'restoring failed') + suffix;
    case 'applied':
      return style.green('limited') + suffix;
    case 'restored':
      return style.green('restored') + suffix;
    case 'gone':
      return style.yellow('gone');
    case null:
      return style.dim('not limited');
  }
}
