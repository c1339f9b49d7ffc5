import { CellFault, decimalCell, instantCell, requiredCell } from '../../files/cells.ts';
import { jsonRows, recordsIn } from '../../files/json/json-rows.ts';
import type { Input } from '../../files/open-input.ts';
import { shiftDecimal } from '../../values/decimal.ts';
import { type BillingLine, emptyLine, rawObject, textOrNull } from './billing-line.ts';
import { type ExportReader, hasMembers, linesFromRows, type ReaderSettings } from './export-reader.ts';
import { watchPages } from './pages.ts';

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
 * and group.
 */
export const anthropicCosts: ExportReader = {
  format: 'anthropic-costs',
  title: 'Anthropic cost report (the answers of /v1/organizations/cost_report)',
  provider: 'anthropic',
  recognises: (shape) =>
    hasMembers(shape, ['data'], 'starting_at', 'results') ||
    hasMembers(shape, [], 'data', 'has_more', 'next_page'),
  lines: (input: Input, settings: ReaderSettings) => {
    const pages = watchPages(input, settings, { more: ['has_more'] });
    const fields = ['starting_at', 'ending_at', 'results'];
    const shape = { fields, nested: ['results'], envelopes: ['data'], ...pages.shape };
    const rows = pages.watch(jsonRows(input, shape, settings.badLines));
    let count = 0;
    return linesFromRows(
      input,
      rows,
      settings.badLines,
      ([starting = '', ending = '', results = ''], _, lines) => {
        if (results === '') {
          throw new CellFault('results', 'is missing: this is not a bucket of a cost report');
        }
        const startedAt = requiredCell(instantCell(starting, 'starting_at', utc), 'starting_at');
        const endedAt = instantCell(ending, 'ending_at', utc);
        for (const result of recordsIn(results, resultShape, 'results')) {
          count += 1;
          lines.push(costLine(result, count, startedAt, endedAt));
        }
      },
    );
  },
};

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
