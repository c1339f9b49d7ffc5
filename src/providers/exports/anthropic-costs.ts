import { CellFault, decimalCell, instantCell, requiredCell } from '../../files/cells.ts';
import type { Input } from '../../files/input.ts';
import { batchIn, jsonRows } from '../../files/json/json-rows.ts';
import { shiftDecimal } from '../../values/decimal-math.ts';
import { type BillingLine, emptyLine, rawObject, textOrNull } from './billing-line.ts';
import { chargeOf, modelKey, recordOf } from './charge.ts';
import type { ExportReader, ReaderSettings } from './export-reader.ts';
import { amountIn, linesFromRows, type RejectPart, readParts } from './lines-from-rows.ts';
import { watchPages } from './pages.ts';
import { hasMembers } from './shape.ts';

const utc = { assumeUtc: true };

const resultShape = {
  fields: [
    'amount',
    'currency',
    'cost_type',
    'description',
    'model',
    'token_type',
    'service_tier',
    'workspace_id',
  ],
};

/**
 * The answers of Anthropic's `GET /v1/organizations/cost_report`: buckets of a day, whose amounts are decimal
 * text in CENTS (`"123.45"` is $1.2345). Priority-tier cost is not in it. The result is one line per bucket
 * and group; a result that cannot be read is left out by itself.
 */
export const anthropicCosts: ExportReader = {
  format: 'anthropic-costs',
  title: 'Anthropic cost report (the answers of /v1/organizations/cost_report)',
  provider: 'anthropic',
  statesMoney: true,
  recognises: (shape) =>
    hasMembers(shape, ['data'], 'starting_at', 'results') ||
    (hasMembers(shape, [], 'data', 'has_more', 'next_page') && !hasMembers(shape, [], 'object')),
  lines: (input: Input, settings: ReaderSettings) => {
    const pages = watchPages(input, settings, { more: ['has_more'] });
    const fields = ['starting_at', 'ending_at', 'results'];
    const shape = { fields, nested: ['results'], envelopes: ['data'], ...pages.shape };
    const rows = pages.watch(jsonRows(input, shape, settings.badLines));
    let count = 0;
    const readBucket = (row: string[], lines: BillingLine[], reject: RejectPart) => {
      const [starting = '', ending = '', results = ''] = row;
      if (results === '') {
        throw new CellFault('results', 'is missing: this is not a bucket of a cost report');
      }
      const startedAt = requiredCell(instantCell(starting, 'starting_at', utc), 'starting_at');
      const endedAt = instantCell(ending, 'ending_at', utc);
      settings.covers(startedAt, endedAt);
      const read = (result: string[], text: string) => {
        count += 1;
        const line = costLine(result, count, startedAt, endedAt);
        lines.push({ ...line, charge: chargeOfResult(result, recordOf(text)) });
      };
      const amountOf = ([amount]: string[]) => inDollars(amountIn(amount));
      readParts(batchIn(results, resultShape, 'results'), 'results', reject, { read, amountOf });
    };
    return linesFromRows(input, rows, settings.badLines, {
      read: (row, { reject }, lines) => readBucket(row, lines, reject),
    });
  },
};

const inDollars = (cents: string | null) => (cents === null ? null : shiftDecimal(cents, -2));

/** What the console calls kinds of tokens, in the words of the API: a bill may come by both ways. */
const tokenTypes: Readonly<Record<string, string | undefined>> = {
  input_no_cache: 'uncached_input_tokens',
  input_cache_read: 'cache_read_input_tokens',
  input_cache_write_5m: 'cache_creation.ephemeral_5m_input_tokens',
  input_cache_write_1h: 'cache_creation.ephemeral_1h_input_tokens',
  output: 'output_tokens',
};

export const tokenTypeOf = (text: string): string => tokenTypes[text] ?? text;

function costLine(row: string[], lineNumber: number, startedAt: string, endedAt: string | null): BillingLine {
  const [amount = '', currency = '', costType = '', description = '', model = ''] = row;
  const [tokenType = '', serviceTier = '', workspaceId = ''] = row.slice(5);
  const line = emptyLine(lineNumber, 'anthropic', 'aggregate');
  line.startedAt = startedAt;
  line.endedAt = endedAt;
  line.day = startedAt.slice(0, 10);
  line.cost = shiftDecimal(requiredCell(decimalCell(amount, 'amount', utc), 'amount'), -2);
  line.currency = currency.toUpperCase() || 'USD';
  line.model = textOrNull(model);
  line.description = textOrNull(description);
  line.raw = rawObject({ costType, tokenType, serviceTier, workspaceId });
  return line;
}

function chargeOfResult(result: string[], record: string | null): string {
  const [, , , description = '', model = '', tokenType = '', , workspaceId = ''] = result;
  // Grouped by description or not at all: what has no model, such as searches, is told by its words.
  const item = model === '' ? description.toLowerCase() : '';
  const grouped = { model: modelKey(model), tokens: tokenTypeOf(tokenType), item };
  return chargeOf({
    ...(description === '' ? {} : grouped),
    workspaceId: textOrNull(workspaceId),
    row: record,
  });
}
