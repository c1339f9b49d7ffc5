import type { Style } from '../../context.ts';
import type { AssistantRestore } from '../../resets/reset-store.ts';
import type { MeterReset, ResetPlan } from '../../resets/reset-usage.ts';
import { assistantLines } from '../../text/assistants-text.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import type { User } from '../../users/user.ts';

/** One line per meter and one for the assistants: what is asked leave for. */
export function planLines({ meters, lifted, assistants }: ResetPlan): string[] {
  const names = assistants.map(({ providerAssistantId }) => providerAssistantId);
  const restored = names.length > 0 ? `restore of ${listed(names)} queued` : 'no assistant to restore';
  return [...meters.map(meterLine), ...lifted.map((service) => `  limit of ${service} lifted, ${restored}`)];
}

function meterLine({ meter, unit, limit, before, after }: MeterReset): string {
  const format = quantityFormat(unit, limit ?? before.used);
  const of = limit === null ? '' : ` of ${format.text(limit)}`;
  const still = after.state === 'exceeded' ? ' (still exceeded: the plan allows none)' : '';
  return `  ${meter}  ${format.text(before.used)} → ${format.text(after.used)}${of} ${format.unit}${still}`;
}

const namesMax = 5;
const listed = (names: readonly string[]) =>
  names.length > namesMax
    ? `${names.slice(0, namesMax).join(', ')} and ${names.length - namesMax} more`
    : names.join(', ');

export interface ResetResult {
  user: User;
  dryRun: boolean;
  meters: MeterReset[];
  assistants: AssistantRestore[];
  auditId: string | null;
}

/** What a person reads after a reset, or a dry run of one. */
export function resetText(result: ResetResult, { lifted }: ResetPlan, style: Style): string {
  const { user, dryRun, meters, assistants, auditId } = result;
  const lines = [
    ...meters.map(meterLine),
    ...lifted.map((service) => `  limit of ${service} lifted`),
    ...assistantLines(assistants, style),
  ];
  const name = style.bold(user.externalId);
  if (lines.length === 0) {
    return `Nothing to reset: ${name} has used nothing of the running period, and no assistant is limited.`;
  }
  const head = dryRun
    ? `${style.yellow('would reset')} ${name}`
    : `${style.green('reset')} ${name} ${style.dim(`(audit ${auditId})`)}`;
  return [head, ...lines].join('\n');
}
