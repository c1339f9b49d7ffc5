import { requiredCell } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { jsonRows } from '../../files/json/json-rows.ts';
import { type Call, callFields, readCall } from '../vapi/call.ts';
import { type BillingLine, rawObject } from './billing-line.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { amountIn, linesFromRows } from './lines-from-rows.ts';
import { watchPages } from './pages.ts';
import { hasMembers, isEmptyList } from './shape.ts';

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
      lines.push(callLine(readCall(row), number));
    },
  });
}

/**
 * The line of a call.
 * @throws CellFault for one that has not even been created
 */
export function callLine(call: Call, lineNumber: number): BillingLine {
  const { type, endedReason, costBreakdown, costs } = call;
  if (call.startedAt === null) {
    requiredCell(call.createdAt, 'createdAt');
  }
  return {
    lineNumber,
    provider: 'vapi',
    kind: 'call',
    externalId: call.id,
    assistantId: call.assistantId,
    model: null,
    status: call.status,
    createdAt: call.createdAt,
    startedAt: call.startedAt,
    endedAt: call.endedAt,
    durationSeconds: call.seconds,
    quantity: null,
    unit: null,
    cost: call.cost,
    currency: 'USD',
    description: null,
    day: null,
    raw: rawObject({ type, endedReason }, { costBreakdown, costs: costBreakdown === '' ? costs : '' }),
    charge: null,
    invoiceMonth: null,
  };
}
