import { CellFault, decimalCell, instantCell, requiredCell } from '../../files/cells.ts';
import { jsonRows, recordsIn } from '../../files/json/json-rows.ts';
import type { Input } from '../../files/open-input.ts';
import { DecimalSum } from '../../values/decimal-sum.ts';
import { secondsBetween } from '../../values/instant-math.ts';
import { type BillingLine, rawObject, textOrNull } from './billing-line.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { amountIn, linesFromRows } from './lines-from-rows.ts';
import { watchPages } from './pages.ts';
import { hasMembers, isEmptyList } from './shape.ts';

/**
 * VAPI's Call object: only id, orgId, createdAt and updatedAt are always there. It has no duration: that is
 * endedAt − startedAt, both absent if the call never connected. Of open enums (status, endedReason, type) and
 * unknown members nothing is expected.
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

const utc = { assumeUtc: true };

/** The dump of `GET /call` (a list), one call per line, or the `{results, metadata}` pages of `/v2`. */
export const vapiCalls: ExportReader = {
  format: 'vapi-calls',
  title: 'VAPI calls (JSON list, JSONL, or pages with results)',
  provider: 'vapi',
  statesMoney: true,
  recognises: (shape, provider) =>
    ['orgId', 'assistantId', 'endedReason', 'costBreakdown', 'phoneNumberId', 'phoneCallProvider'].some(
      (member) => hasMembers(shape, ['results'], 'id', member),
    ) ||
    hasMembers(shape, [], 'results', 'metadata') ||
    (provider === 'vapi' &&
      (isEmptyList(shape) ||
        ['createdAt', 'startedAt'].some((member) => hasMembers(shape, ['results'], 'id', member)))),
  lines: readCalls,
};

function readCalls(input: Input, settings: ReaderSettings) {
  const pages = watchPages(input, settings, { more: ['metadata.hasNextPage'] });
  const shape = {
    fields: callFields,
    nested: ['costBreakdown', 'costs'],
    envelopes: ['results'],
    ...pages.shape,
  };
  const rows = pages.watch(jsonRows(input, shape, settings.badLines));
  return linesFromRows(input, rows, settings.badLines, {
    amountOf: (row) => amountIn(row[callFields.indexOf('cost')]),
    read: (row, { number }, lines) => {
      lines.push(callLine(row, number));
    },
  });
}

/**
 * The line of a call whose members stand in `row` in the order of `callFields`, as text.
 * @throws CellFault
 */
export function callLine(row: readonly string[], lineNumber: number): BillingLine {
  const [id = '', assistantId = '', status = '', created = '', started = '', ended = '', cost = ''] = row;
  const [type = '', endedReason = '', costBreakdown = '', costs = ''] = row.slice(7);
  if (id === '') {
    throw new CellFault('id', 'is missing: this is not a VAPI call', 'pass other formats as separate files');
  }
  const createdAt = instantCell(created, 'createdAt', utc);
  const startedAt = instantCell(started, 'startedAt', utc);
  const endedAt = instantCell(ended, 'endedAt', utc);
  if (startedAt === null) {
    requiredCell(createdAt, 'createdAt');
  }
  const durationSeconds = startedAt !== null && endedAt !== null ? secondsBetween(startedAt, endedAt) : null;
  if (durationSeconds?.startsWith('-')) {
    throw new CellFault('endedAt', 'is before startedAt');
  }
  return {
    lineNumber,
    provider: 'vapi',
    kind: 'call',
    externalId: id,
    assistantId: textOrNull(assistantId),
    model: null,
    status: textOrNull(status),
    createdAt,
    startedAt,
    endedAt,
    durationSeconds,
    quantity: null,
    unit: null,
    cost: decimalCell(cost, 'cost', utc) ?? sumOfParts(costBreakdown, costs),
    currency: 'USD',
    description: null,
    day: null,
    raw: rawObject({ type, endedReason }, { costBreakdown, costs: costBreakdown === '' ? costs : '' }),
    charge: null,
    invoiceMonth: null,
  };
}

/** What a call cost of which only the parts are stated; null if they are not either. */
export function sumOfParts(costBreakdown: string, costs: string): string | null {
  if (costBreakdown !== '') {
    const [[total = ''] = []] = recordsIn(costBreakdown, { fields: ['total'] }, 'costBreakdown');
    return decimalCell(total, 'costBreakdown.total', utc);
  }
  const parts = costs === '' ? [] : recordsIn(costs, { fields: ['cost'] }, 'costs');
  const sum = new DecimalSum();
  for (const [part = ''] of parts) {
    sum.add(decimalCell(part, 'costs.cost', utc) ?? '0');
  }
  return parts.length === 0 ? null : sum.toString();
}
