/**
 * The columns of FOCUS that are read, as versions 1.0 to 1.3 call them. All but those that say when and what are
 * told of by hints, since what clouds and converters write leaves some out.
 */
export const focusColumns = [
  { name: 'BilledCost' },
  { name: 'EffectiveCost' },
  { name: 'BillingCurrency' },
  { name: 'ChargeCategory', required: true },
  { name: 'ChargePeriodStart', required: true },
  { name: 'ChargePeriodEnd' },
  { name: 'BillingPeriodStart' },
  { name: 'ServiceProviderName' },
  { name: 'ProviderName' },
  { name: 'PublisherName' },
  { name: 'InvoiceIssuerName' },
  { name: 'ServiceName' },
  { name: 'ChargeClass' },
  { name: 'ChargeDescription' },
  { name: 'ConsumedQuantity' },
  { name: 'ConsumedUnit' },
  { name: 'PricingUnit' },
  { name: 'InvoiceId' },
  { name: 'ResourceId' },
  { name: 'SkuId' },
  { name: 'SkuMeter' },
  { name: 'SkuPriceId' },
  { name: 'SubAccountId' },
  { name: 'RegionId' },
  { name: 'x_Model' },
] as const;

export type FocusColumn = (typeof focusColumns)[number]['name'];

/** The cell of a row; null: the file has no such column. */
export type FocusCell = (column: FocusColumn) => string | null;

/** Whether `--map` pairs speak of columns of FOCUS: then the file is FOCUS under other names. */
export const mapsToFocus = (mapping: readonly string[]): boolean =>
  mapping.length > 0 &&
  mapping.every((pair) => {
    const ours = pair.slice(pair.lastIndexOf('=') + 1).trim();
    return focusColumns.some(({ name }) => name === ours);
  });
