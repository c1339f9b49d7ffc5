import { type Html, html, noHtml } from './html.ts';

/** Geometry only: what is exact stands beside the bar as text. */
export interface BarRange {
  min: number;
  max: number;
}

/** From zero to the largest of the values, or from the smallest where some are below zero. */
export const rangeOf = (values: readonly number[]): BarRange => ({
  min: Math.min(0, ...values),
  max: Math.max(0, ...values),
});

/** A bar from zero; of a range with negative values it goes to either side. Nothing but zero is invisible. */
export function bar(value: number, { min, max }: BarRange, style: 'signed' | 'plain' = 'signed'): Html {
  const whole = max - min;
  if (whole <= 0 || !Number.isFinite(whole)) {
    return noHtml;
  }
  const share = (size: number) => (100 * size) / whole;
  const zero = share(-min);
  const width = value === 0 ? 0 : Math.max(share(Math.abs(value)), 0.6);
  const start = value < 0 ? Math.max(zero - width, 0) : Math.min(zero, 100 - width);
  const colour = style === 'plain' ? 'first' : value < 0 ? 'below' : 'above';
  const line = min < 0 ? html`<line x1="${percent(zero)}" x2="${percent(zero)}" y1="0" y2="14"/>` : noHtml;
  return html`<svg class="bar" width="100%" height="14" aria-hidden="true"><rect class="${colour}" x="${percent(start)}" y="2" width="${percent(width)}" height="10" rx="1"/>${line}</svg>`;
}

export const percent = (value: number): string => `${Number(value.toFixed(3))}%`;
