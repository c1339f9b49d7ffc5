import type { MeterChange } from '../allowances/meters/apply-meters.ts';
import type { CountChange } from '../allowances/meters/meter-store.ts';
import { counted } from '../values/counted.ts';

/** What text is coloured with; left out: not at all. */
interface Colours {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
}

/** The first ones, for a person; every other format has all. */
const countsShownMax = 20;
const plain: Colours = { bold: String, dim: String, green: String, red: String };

/** `~ premium_messages  chat, message`, and the differences under it. */
export function meterLines(meters: readonly MeterChange[], style: Colours = plain): string[] {
  const field = ({ path, before, after }: MeterChange['changes'][number]) =>
    before === null
      ? `    ${path}: ${style.green(after ?? '')}`
      : `    ${path}: ${style.red(before)} → ${after === null ? 'left out' : style.green(after)}`;
  return meters
    .filter(({ action }) => action !== 'unchanged')
    .flatMap(({ key, service, unit, action, changes }) => [
      `${style.bold(`${action === 'create' ? '+' : '~'} ${key}`)}  ${style.dim(`${service}, ${unit}`)}`,
      ...changes.map(field),
    ]);
}

/** Which running periods count otherwise, and whom that blocks or frees. */
export function countLines(counts: readonly CountChange[], style: Colours = plain): string[] {
  if (counts.length === 0) {
    return [];
  }
  const users = new Set(counts.map(({ externalId }) => externalId)).size;
  const used = counts.filter(({ exceeded }) => exceeded.after && !exceeded.before).length;
  const freed = counts.filter(({ exceeded }) => exceeded.before && !exceeded.after).length;
  const more = counts.length - countsShownMax;
  return [
    `counted anew: ${counted(counts.length, 'running period')} of ${counted(users, 'user')}; ${used} used up by it, ${freed} freed`,
    ...counts.slice(0, countsShownMax).map((count) => {
      const { externalId, meter, exceeded } = count;
      const effect = exceeded.before === exceeded.after ? '' : exceeded.after ? '  used up' : '  freed';
      return `    ${externalId}  ${meter}  ${count.used.before} → ${count.used.after}${effect}`;
    }),
    ...(more > 0 ? [style.dim(`    … ${more} more; --output csv has all`)] : []),
  ];
}
