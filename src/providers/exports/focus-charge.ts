import type { BillingLine } from './billing-line.ts';
import { chargeOf, modelKey, partOfDay, rowOf } from './charge.ts';
import type { FocusCell, FocusColumn } from './focus-columns.ts';

/**
 * Without what may change from one download of a bill to the next: costs, tags, the number of the invoice. `row` tells
 * rows of one file apart that agree in all that is read.
 */
export function focusCharge(cell: FocusCell, { startedAt, endedAt }: BillingLine, row: string[]): string {
  const lower = (column: FocusColumn) => cell(column)?.toLowerCase() ?? null;
  const sku = cell('SkuId') || cell('SkuPriceId') || null;
  return chargeOf({
    sku,
    meter: cell('SkuMeter'),
    model: cell('x_Model') === null ? null : modelKey(cell('x_Model') ?? ''),
    unit: lower('ConsumedUnit') || lower('PricingUnit'),
    resource: cell('ResourceId'),
    category: lower('ChargeCategory'),
    class: lower('ChargeClass'),
    item: sku === null ? lower('ChargeDescription') : '',
    service: lower('ServiceName'),
    account: cell('SubAccountId'),
    region: cell('RegionId'),
    at: startedAt === null ? null : partOfDay(startedAt, endedAt),
    row: rowOf(row),
  });
}
