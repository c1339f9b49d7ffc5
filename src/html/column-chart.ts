import { percent } from './bars.ts';
import { type Html, html, noHtml } from './html.ts';

export interface ChartSeries {
  name: string;
  /** Which colour: `first` is dark, `second` light, also on paper; `signed` one for each side of zero. */
  style: 'first' | 'second' | 'signed';
  values: readonly number[];
}

export interface ColumnChart {
  title: string;
  /** What can be seen in it, for who cannot see it. */
  description: string;
  /** One per place; of many only some are shown. */
  labels: readonly string[];
  series: readonly ChartSeries[];
  /** What is told when a place is pointed at. */
  hints: readonly string[];
  /** Unique on the page. */
  id: string;
  /** Of the columns; default: 200. */
  heightPx?: number;
}

const heightDefaultPx = 200;
const labelHeightPx = 22;
const topPx = 10;
const tickSteps = [1, 2, 2.5, 5, 10];
const pxPerTick = 50;
/** Steps from here on are written `2M`: all their zeros would need more room than the scale has. */
const compactFrom = 100_000;

/**
 * Columns side by side per place, as SVG that fits every width: across it is measured in percent, so that text keeps
 * its size on a phone and on paper. The scale stands beside it, because a percentage cannot leave room for it.
 */
export function columnChart({ title, description, labels, series, hints, id, ...size }: ColumnChart): Html {
  const heightPx = size.heightPx ?? heightDefaultPx;
  const values = series.flatMap((one) => one.values);
  const ticks = ticksFor(Math.min(0, ...values), Math.max(0, ...values), heightPx);
  const y = scaleOver(ticks, heightPx);
  const slot = 100 / Math.max(labels.length, 1);
  const places = labels.map(
    (_, place) =>
      html`<g><title>${hints[place] ?? ''}</title><rect class="place" x="${percent(slot * place)}" y="${topPx}" width="${percent(slot)}" height="${heightPx}"/>${placeColumns(series, place, slot, y)}</g>
`,
  );
  const bottomPx = topPx + heightPx;
  return html`<figure class="chart"><figcaption>${title}${legend(series)}</figcaption>
<div class="plot"><div class="scale" aria-hidden="true" style="height:${bottomPx}px">${ticks.map((tick) => html`<span style="top:${y(tick).toFixed(1)}px">${tickText(tick, ticks)}</span>`)}</div>
<svg width="100%" height="${bottomPx + labelHeightPx}" role="img" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
${ticks.map((tick) => html`<line${tick === 0 ? html` class="zero"` : noHtml} x1="0" x2="100%" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}"/>`)}
${places}${placeLabels(labels, slot, bottomPx + 16)}</svg></div></figure>`;
}

type Scale = (value: number) => number;

function scaleOver(ticks: readonly number[], heightPx: number): Scale {
  const [min = 0] = ticks;
  const whole = (ticks.at(-1) ?? 0) - min || 1;
  return (value) => topPx + heightPx * (1 - (value - min) / whole);
}

function placeColumns(series: readonly ChartSeries[], place: number, slot: number, y: Scale): Html[] {
  const width = (slot * 0.76) / series.length;
  return series.map(({ style, values }, nth) => {
    const value = values[place] ?? 0;
    const x = slot * (place + 0.12) + width * nth;
    const height = value === 0 ? 0 : Math.max(Math.abs(y(value) - y(0)), 0.8);
    const top = value < 0 ? y(0) : y(0) - height;
    const colour = style === 'signed' ? (value < 0 ? 'below' : 'above') : style;
    return html`<rect class="${colour}" x="${percent(x)}" y="${top.toFixed(1)}" width="${percent(width * 0.94)}" height="${height.toFixed(1)}"/>`;
  });
}

function legend(series: readonly ChartSeries[]): Html {
  const entries = series.flatMap(({ name, style }) =>
    style === 'signed'
      ? [
          { name: `more ${name}`, style: 'above' },
          { name: `less ${name}`, style: 'below' },
        ]
      : [{ name, style }],
  );
  return html`<span class="legend">${entries.map(({ name, style }) => html`<span><i class="${style}"></i>${name}</span>`)}</span>`;
}

/** Even steps, zero among them, from the first below `min` to the first above `max`. */
export function ticksFor(min: number, max: number, heightPx = heightDefaultPx): number[] {
  const whole = max - min;
  if (!(whole > 0) || !Number.isFinite(whole)) {
    return [0];
  }
  const wanted = Math.max(2, Math.round(heightPx / pxPerTick));
  const power = 10 ** Math.floor(Math.log10(whole / wanted));
  const step = power * (tickSteps.find((candidate) => candidate * power * wanted >= whole) ?? 10);
  const first = Math.floor(min / step + 1e-9);
  const last = Math.ceil(max / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** As many digits as tell one tick from the next. */
function tickText(tick: number, ticks: readonly number[]): string {
  const step = Math.abs((ticks[1] ?? 1) - (ticks[0] ?? 0)) || 1;
  if (step >= compactFrom) {
    return tick.toLocaleString('en', { notation: 'compact', maximumFractionDigits: 1 });
  }
  const digits = Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(step) + 1e-9)));
  return tick.toLocaleString('en', { maximumFractionDigits: digits });
}

/** Few enough labels that they do not touch on a phone: each, every fifth of a month, or four dates of more. */
function placeLabels(labels: readonly string[], slot: number, y: number): Html[] {
  const count = labels.length;
  const every = count <= 12 ? 1 : count <= 31 ? 5 : Math.ceil(count / 4);
  const isShown = (place: number) =>
    every === 5 ? place === 0 || ((place + 1) % 5 === 0 && count - place > 1) : place % every === 0;
  return labels.flatMap((label, place) =>
    isShown(place) ? [html`<text x="${percent(slot * (place + 0.5))}" y="${y}">${label}</text>`] : [],
  );
}
