import { CellFault, decimalCell, instantCell } from '../../files/cells.ts';
import { recordsIn } from '../../files/json/json-rows.ts';
import { parseDecimal } from '../../values/decimal.ts';
import { sumOf } from '../../values/decimal-sum.ts';
import { parseInstant } from '../../values/instant.ts';
import { secondsBetween } from '../../values/instant-math.ts';

/**
 * The members of VAPI's Call object that are read here, of a list, an export or a report. Only id, orgId, createdAt and
 * updatedAt are always there. Of open enums (status, endedReason, type) and unknown members nothing is expected.
 */
export const callFields = [
  'id',
  'assistantId',
  'status',
  'createdAt',
  'startedAt',
  'endedAt',
  'cost',
  'type',
  'endedReason',
  'costBreakdown',
  'costs',
] as const;

export type CallField = (typeof callFields)[number];

/** A call. Instants are ISO 8601 UTC, amounts exact decimals in US dollars; what VAPI left out is null or empty. */
export interface Call {
  id: string;
  assistantId: string | null;
  /** `ended`, `in-progress`, …: an open list. */
  status: string | null;
  createdAt: string | null;
  /** Null: it never connected. */
  startedAt: string | null;
  /** Null: it goes on. */
  endedAt: string | null;
  /** Between these; null where one of them is missing. */
  seconds: string | null;
  /** As stated, or the sum of the parts that are. */
  cost: string | null;
  type: string;
  endedReason: string;
  /** JSON, as it was sent. */
  costBreakdown: string;
  costs: string;
}

const utc = { assumeUtc: true };

/** A call whose members stand in `row` in the order of `callFields`, as text. @throws CellFault */
export function readCall(row: readonly string[]): Call {
  const [id = '', assistantId = '', status = '', created = '', started = '', ended = '', cost = ''] = row;
  const [type = '', endedReason = '', costBreakdown = '', costs = ''] = row.slice(7);
  if (id === '') {
    throw new CellFault('id', 'is missing: this is not a VAPI call', 'pass other formats as separate files');
  }
  const startedAt = instantCell(started, 'startedAt', utc);
  const endedAt = instantCell(ended, 'endedAt', utc);
  const seconds = startedAt !== null && endedAt !== null ? secondsBetween(startedAt, endedAt) : null;
  if (seconds?.startsWith('-')) {
    throw new CellFault('endedAt', 'is before startedAt');
  }
  return {
    id,
    assistantId: assistantId === '' ? null : assistantId,
    status: status === '' ? null : status,
    createdAt: instantCell(created, 'createdAt', utc),
    startedAt,
    endedAt,
    seconds,
    cost: decimalCell(cost, 'cost', utc) ?? sumOfParts(costBreakdown, costs),
    type,
    endedReason,
    costBreakdown,
    costs,
  };
}

/** What a call cost of which only the parts are stated; null if they are not either. */
function sumOfParts(costBreakdown: string, costs: string): string | null {
  if (costBreakdown !== '') {
    const [[total = ''] = []] = recordsIn(costBreakdown, { fields: ['total'] }, 'costBreakdown');
    return decimalCell(total, 'costBreakdown.total', utc);
  }
  const parts = costs === '' ? [] : recordsIn(costs, { fields: ['cost'] }, 'costs');
  const amounts = parts.map(([part = '']) => decimalCell(part, 'costs.cost', utc) ?? '0');
  return amounts.length === 0 ? null : sumOf(amounts);
}

/** A call as JSON.parse gives it. */
export type CallObject = Readonly<Record<string, unknown>>;

/** Its members as `readCall` takes them. */
export const rowOfCall = (call: CallObject): string[] => callFields.map((field) => memberText(call[field]));

const memberText = (value: unknown): string =>
  value === undefined || value === null
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

/** An instant of a call; null for what is none, which is left to `readCall` to refuse. */
export const callInstant = (value: unknown): string | null =>
  typeof value === 'string' ? parseInstant(value, utc) : null;

/** What a call cost, also where something else of it cannot be read; null where it does not say. */
export function callCost({ cost, costBreakdown, costs }: CallObject): string | null {
  if (cost !== undefined && cost !== null) {
    return parseDecimal(String(cost));
  }
  try {
    return sumOfParts(memberText(costBreakdown), memberText(costs));
  } catch (error) {
    if (!(error instanceof CellFault)) {
      throw error;
    }
    return null;
  }
}

/** Whether a call ended by a fault of whomever: `call.in-progress.error-…`, `pipeline-error-…`. */
export const endedInError = ({ endedReason }: Pick<Call, 'endedReason'>): boolean =>
  /(?:^|[.-])error(?:[.-]|$)/.test(endedReason);
