import type { MeterAllowance } from '../allowances/grants/grant-store.ts';
import { quantityFormat } from './quantity-text.ts';

/** A meter in one line: `2:00 used of 10:00 minutes and 5:00 granted, 13:00 left`. */
export function allowanceText(allowance: MeterAllowance | null): string {
  if (allowance === null) {
    return 'no plan yet';
  }
  const { used, limit, granted, remaining, unit } = allowance;
  const format = quantityFormat(unit, limit ?? used);
  const extra = Number(granted) === 0 ? '' : ` and ${format.text(granted)} granted`;
  return limit === null || remaining === null
    ? `${format.text(used)} ${format.unit} used, no limit`
    : `${format.text(used)} used of ${format.text(limit)} ${format.unit}${extra}, ${format.text(remaining)} left`;
}

/** `5:00 minutes`, `1 message`. */
export function measuredText(quantity: string, unit: string): string {
  const format = quantityFormat(unit, quantity);
  return `${format.text(quantity)} ${format.unit}`;
}

/** `5:00 minutes of voice_seconds`, `20 messages`. */
export function amountText(quantity: string, { unit, meter }: { unit: string; meter: string }): string {
  const format = quantityFormat(unit, quantity);
  return meter.replace(/s$/, '') === format.unit.replace(/s$/, '')
    ? `${format.text(quantity)} ${format.unit}`
    : `${format.text(quantity)} ${format.unit} of ${meter}`;
}
