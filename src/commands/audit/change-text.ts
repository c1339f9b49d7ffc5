import type { AuditRow } from '../../audit/audit-log-store.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { moneyText } from '../../text/sum-text.ts';
import { wordsOfName } from '../../values/counted.ts';
import { plainDecimal } from '../../values/decimal-math.ts';
import { minuteText } from '../../values/instant.ts';

/** More members than this are for JSON. */
const changesMax = 3;
/** Characters of one value. */
const valueMax = 40;

/** In what amounts are told: money, and the unit of the meter that a row is about, where it is about one. */
interface Units {
  currency: string;
  unit: string | undefined;
}

/** Members that are quantities of the meter. */
const quantities = /^(?:used|granted|quantity|remaining|limit|adjusted|consumed|given)$/;

type Members = Readonly<Record<string, unknown>>;

/**
 * What a row of the history changed, for the cell of a table: `granted 0 → 600`, `plan free → pro`. Null where the row
 * tells no figures and no names; all of it is in the other formats.
 */
export function changeText(
  { action, before, after }: Pick<AuditRow, 'action' | 'before' | 'after'>,
  units: Units,
): string | null {
  const [was, is] = [membersOf(before), membersOf(after)];
  const changes = [
    ...resolvedText(action, is),
    ...totalsText(is),
    ...meterChanges(was, is),
    ...memberChanges(was, is, units),
  ];
  const more = changes.length - changesMax;
  return changes.length === 0
    ? null
    : `${changes.slice(0, changesMax).join(', ')}${more > 0 ? ` … and ${more} more` : ''}`;
}

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};

/** How many discrepancies were resolved, and as what. */
function resolvedText(action: string, { as, ids }: Members): string[] {
  return action === 'discrepancy.resolve' && Array.isArray(ids) ? [`${ids.length} ${String(as)}`] : [];
}

/** What a month came to. */
function totalsText({ totals }: Members): string[] {
  const { billed, difference } = membersOf(totals);
  return billed === undefined ? [] : [`billed ${String(billed)}`, `difference ${String(difference)}`];
}

/** Of a reset: what was used of each meter. */
function meterChanges(was: Members, is: Members): string[] {
  const after = new Map(metersOf(is).map(({ meter, used }) => [meter, used]));
  return metersOf(was)
    .filter(({ meter, used }) => after.has(meter) && after.get(meter) !== used)
    .map(({ meter, used }) => `${meter} ${valueText(used)} → ${valueText(after.get(meter))}`);
}

const metersOf = ({ meters }: Members): { meter: string; used: unknown }[] =>
  (Array.isArray(meters) ? meters.map(membersOf) : []).map(({ meter, used }) => ({
    meter: String(meter),
    used,
  }));

/** Members of both sides whose values differ; of what is new, those that it has. */
const memberChanges = (was: Members, is: Members, units: Units): string[] =>
  Object.keys(is)
    .filter((key) => isPlain(is[key]) && isPlain(was[key]) && was[key] !== is[key] && !/id$/i.test(key))
    .filter((key) => is[key] !== null || key in was)
    .map((key) =>
      key in was
        ? `${wordsOfName(key)} ${amountText(key, was[key], units)} → ${amountText(key, is[key], units)}`
        : `${wordsOfName(key)} ${amountText(key, is[key], units)}`,
    );

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null;

/** Costs and prices with their currency, quantities as their meter tells them. */
function amountText(key: string, value: unknown, { currency, unit }: Units): string {
  if (value === null || !/^-?\d+(\.\d+)?$/.test(String(value))) {
    return valueText(value);
  }
  if (/cost|price/i.test(key)) {
    return moneyText(String(value), { currency });
  }
  return unit !== undefined && quantities.test(key)
    ? quantityFormat(unit, String(value)).text(String(value))
    : valueText(value);
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) {
    return 'none';
  }
  if (typeof value === 'boolean') {
    return value ? 'yes' : 'no';
  }
  const text = String(value);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text)) {
    return minuteText(text);
  }
  return /^-?\d+\.\d+$/.test(text) ? plainDecimal(text) : cut(text);
}

const cut = (text: string) => (text.length > valueMax ? `${text.slice(0, valueMax - 1)}…` : text);
