import type { Style } from '../../context.ts';
import { foldText } from '../../text/fold-text.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { moneyText } from '../../text/sum-text.ts';
import { relativeText } from '../../text/time-text.ts';
import type { QuotaState, QuotaUsage } from '../../usage/usage.ts';

const barWidthMax = 40;
const barWidthMin = 10;
/** What stands beside the bar: the meter, the percentage and the state. */
const besideBar = 50;

export interface TimeTelling {
  now: Date;
  /** Writes an instant as the user's clock shows it. */
  clock: (instant: string) => string;
}

/** One meter: how much is used and left, until when, and why it is blocked. */
export function quotaText(quota: QuotaUsage, { now, clock }: TimeTelling, style: Style): string[] {
  const color = stateColor(quota.state, style);
  const percent = quota.percent === null ? '' : `  ${quota.percent} %`;
  const head = `  ${style.bold(quota.meter)}  ${color(`${usageBar(quota, style)}${percent}  ${quota.state}`.trim())}`;
  const until =
    quota.resetsAt === null
      ? '; never resets'
      : ` until ${clock(quota.resetsAt)} (${relativeText(quota.resetsAt, now)})`;
  const lines = [head, ...foldText(`${usedText(quota)}${until}`, 4, style)];
  if (!isZero(quota.adjusted)) {
    lines.push(...foldText(adjustedText(quota), 4, style));
  }
  if (!isZero(quota.estimated)) {
    lines.push(...foldText(estimatedText(quota), 4, style, style.yellow));
  }
  if (!isZero(quota.reserved)) {
    lines.push(...foldText(reservedText(quota), 4, style));
  }
  if (quota.costLimit !== null) {
    lines.push(
      ...foldText(`cost ${moneyText(quota.cost, style)} of ${moneyText(quota.costLimit, style)}`, 4, style),
    );
  }
  if (quota.runsOutAt !== null) {
    const when = `${clock(quota.runsOutAt)} (${relativeText(quota.runsOutAt, now)})`;
    lines.push(...foldText(`at this pace used up ${when}, before its reset`, 4, style, style.yellow));
  }
  if (quota.state === 'exceeded') {
    lines.push(...foldText(blockedText(quota, { now, clock }), 4, style, color));
  }
  return lines;
}

function usedText({ used, limit, granted, remaining, unit }: QuotaUsage): string {
  const format = quantityFormat(unit, limit ?? used);
  if (limit === null || remaining === null) {
    return `${format.text(used)} ${format.unit} used, no limit`;
  }
  const extra = isZero(granted) ? '' : ` and ${format.text(granted)} granted`;
  const left = isZero(remaining) ? 'nothing left' : `${format.text(remaining)} left`;
  return `${format.text(used)} of ${format.text(limit)} ${format.unit}${extra} used, ${left}`;
}

function estimatedText({ estimated, unit, limit, used }: QuotaUsage): string {
  const format = quantityFormat(unit, limit ?? used);
  return `${format.text(estimated)} of it estimated, for nobody told the end: quota usage sessions`;
}

function reservedText({ reserved, unit, limit, used }: QuotaUsage): string {
  const format = quantityFormat(unit, limit ?? used);
  return `${format.text(reserved)} set aside for running sessions`;
}

function adjustedText({ adjusted, unit, limit, used }: QuotaUsage): string {
  const { text } = quantityFormat(unit, limit ?? used);
  return adjusted.startsWith('-')
    ? `${text(adjusted.slice(1))} taken off by resets and corrections`
    : `${text(adjusted)} added by corrections`;
}

const consequences = {
  block: 'calls are refused',
  static_fallback: 'the static fallback answers',
  limit_assistants: 'the assistants are limited',
};

function blockedText(quota: QuotaUsage, { now, clock }: TimeTelling): string {
  const { exhaustedAt, resetsAt, remaining, limit, onExceeded } = quota;
  const since =
    exhaustedAt === null ? '' : ` since ${clock(exhaustedAt)} (${relativeText(exhaustedAt, now)})`;
  const why =
    remaining === null || !isZero(remaining) ? 'the cost limit is reached' : 'the allowance is used up';
  const reason = limit !== null && isZero(limit) ? 'the plan allows none' : why;
  const end =
    resetsAt === null ? 'until an operator resets it' : 'until the period ends or an operator resets it';
  return `blocked${since}: ${reason}; ${consequences[onExceeded]} ${end}`;
}

const isZero = (quantity: string) => Number(quantity) === 0;

/** A bar for a person to see at a glance; nothing where nobody watches, or nothing is limited. */
function usageBar({ percent }: QuotaUsage, style: Style): string {
  if (!style.isTerminal || percent === null) {
    return '';
  }
  const width = Math.min(barWidthMax, Math.max(barWidthMin, style.width - besideBar));
  const share = Math.min(1, Math.max(0, Number(percent) / 100));
  // Full means used up: 99.9 % leaves the last block empty.
  const filled = Math.floor(share * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

function stateColor(state: QuotaState, style: Style): (text: string) => string {
  switch (state) {
    case 'ok':
      return style.green;
    case 'warning':
      return style.yellow;
    case 'critical':
    case 'exceeded':
      return style.red;
  }
}
