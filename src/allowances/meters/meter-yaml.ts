import { stringify } from 'yaml';
import { bytesText } from '../../values/bytes.ts';
import { durationText } from '../../values/duration.ts';
import { cacheTemplateFields } from '../files/cache-fields.ts';
import type { MeterDefinition, MeterDifference } from './meter.ts';

/** A meter as a file has it; what is left out means the same as what would stand there. */
function meterFields(meter: MeterDefinition): Record<string, unknown> {
  const { key, service, unit, models, rounding, creditSeconds, isLive, redis } = meter;
  const fields = {
    key,
    service,
    unit,
    models,
    rounding: rounding === null ? null : roundingText(unit, rounding),
    credit_seconds: creditSeconds === null ? null : durationText(creditSeconds),
    is_live: isLive ? true : null,
    redis: redis === null ? null : cacheTemplateFields(redis),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

const roundingText = (unit: string, rounding: string) =>
  unit === 'second' ? durationText(rounding) : unit === 'byte' ? bytesText(rounding) : rounding;

/** The text of a file with one meter. */
export const meterYaml = (meter: MeterDefinition): string =>
  stringify(meterFields(meter), { flowCollectionPadding: false, lineWidth: 0 });

/** Field by field, as files write them. */
export function meterDifferences(
  before: MeterDefinition | undefined,
  after: MeterDefinition,
): MeterDifference[] {
  const [old, fresh] = [before === undefined ? {} : meterFields(before), meterFields(after)];
  const text = (value: unknown) =>
    value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value);
  return [...new Set([...Object.keys(old), ...Object.keys(fresh)])]
    .map((path) => ({ path, before: text(old[path]), after: text(fresh[path]) }))
    .filter((difference) => difference.before !== difference.after);
}
