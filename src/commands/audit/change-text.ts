import type { AuditRow } from '../../audit/audit-log-store.ts';
import { plainDecimal } from '../../values/decimal-math.ts';

/** More members than this are for JSON. */
const changesMax = 3;
/** Characters of one value. */
const valueMax = 40;

type Members = Readonly<Record<string, unknown>>;

/**
 * What a row of the history changed, for the cell of a table: `granted 0 → 600`, `plan free → pro`. Null where the row
 * tells no figures and no names; all of it is in the other formats.
 */
export function changeText({
  action,
  before,
  after,
}: Pick<AuditRow, 'action' | 'before' | 'after'>): string | null {
  const [was, is] = [membersOf(before), membersOf(after)];
  const changes = [
    ...resolvedText(action, is),
    ...totalsText(is),
    ...meterChanges(was, is),
    ...memberChanges(was, is),
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
const memberChanges = (was: Members, is: Members): string[] =>
  Object.keys(is)
    .filter((key) => isPlain(is[key]) && isPlain(was[key]) && was[key] !== is[key] && !/id$/i.test(key))
    .filter((key) => is[key] !== null || key in was)
    .map((key) =>
      key in was ? `${key} ${valueText(was[key])} → ${valueText(is[key])}` : `${key} ${valueText(is[key])}`,
    );

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null;

function valueText(value: unknown): string {
  if (value === null || value === undefined) {
    return 'none';
  }
  const text = String(value);
  return /^-?\d+\.\d+$/.test(text) ? plainDecimal(text) : cut(text);
}

const cut = (text: string) => (text.length > valueMax ? `${text.slice(0, valueMax - 1)}…` : text);
