import { CellFault, decimalCell, instantCell, requiredCell } from '../../files/cells.ts';
import { jsonRows } from '../../files/json/json-rows.ts';
import type { Input } from '../../files/open-input.ts';
import { secondsBetween } from '../../values/instant.ts';
import { type BillingLine, rawObject, textOrNull } from './billing-line.ts';
import { type ExportReader, hasMembers, linesFromRows, type ReaderSettings } from './export-reader.ts';
import { watchPages } from './pages.ts';

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
  recognises: (shape) =>
    ['orgId', 'createdAt', 'assistantId', 'startedAt', 'endedReason', 'costBreakdown', 'phoneNumberId'].some(
      (member) => hasMembers(shape, ['results'], 'id', member),
    ) || hasMembers(shape, [], 'results', 'metadata'),
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
  return linesFromRows(input, rows, settings.badLines, (row, number, lines) => {
    lines.push(callLine(row, number));
  });
}

/** The line of a call whose members stand in `row` in the order of `callFields`, as text. */
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
    cost: decimalCell(cost, 'cost', utc),
    currency: 'USD',
    description: null,
    day: null,
    raw: rawObject({ type, endedReason }, { costBreakdown, costs: costBreakdown === '' ? costs : '' }),
  };
}
