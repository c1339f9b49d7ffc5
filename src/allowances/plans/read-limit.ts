import { type Entry, EntryFields, isRecord } from '../files/entry-fields.ts';
import type { Path, PlanProblem } from '../files/plan-document.ts';
import * as fields from '../files/plan-fields.ts';
import type { KnownTerms } from './placed-plan.ts';
import type { LimitDefinition } from './plan.ts';

const limitFields = [
  'meter',
  'limit',
  'cost_limit',
  'unit_price',
  'reset_every',
  'reset_anchor',
  'boundary',
  'warn_at',
  'on_exceeded',
];
const limitAliases = { limit_quantity: 'limit', every: 'reset_every', anchor: 'reset_anchor' };

/** The terms of one meter in a plan; none where there is not even a meter. */
export function readLimit(
  { path, key, value }: Entry,
  service: string | undefined,
  { meters }: KnownTerms,
  { problems, limitPaths }: { problems: PlanProblem[]; limitPaths: Map<string, Path> },
): LimitDefinition[] {
  if (!isRecord(value)) {
    problems.push({ path, message: 'must be the terms of a meter: fields with their values' });
    return [];
  }
  const places = new EntryFields(value, path, problems, limitAliases);
  const meterPlace = places.place('meter');
  const name = places.take('meter', fields.readText, key ?? null);
  const meter = meters.find((candidate) => candidate.key === name);
  if (meter === undefined) {
    const ofService = meters.filter((candidate) => service === undefined || candidate.service === service);
    places.fail(
      meterPlace,
      `unknown meter "${name ?? ''}"; known are ${ofService.map((m) => m.key).join(', ')}`,
    );
  } else if (service !== undefined && meter.service !== service) {
    places.fail(meterPlace, `"${meter.key}" is a meter of ${meter.service}, not of ${service}`);
  } else if (limitPaths.has(meter.key)) {
    places.fail(meterPlace, `"${meter.key}" has its limit already`);
  }
  const limit = {
    meter: name,
    limit: places.take('limit', fields.readQuantity(meter?.unit ?? 'second'), null),
    costLimit: places.take('cost_limit', fields.readMoney(6), null),
    unitPrice: places.take('unit_price', fields.readMoney(10), null),
    resetEvery: places.take('reset_every', fields.readInterval, null),
    resetAnchor: places.take('reset_anchor', fields.readChoice('signup', 'calendar'), 'signup'),
    boundary: places.take('boundary', fields.readChoice('midnight', 'instant'), 'midnight'),
    warnAt: places.take('warn_at', fields.readThresholds, [80, 90, 100]),
    onExceeded: places.take(
      'on_exceeded',
      fields.readChoice('block', 'static_fallback', 'limit_assistants'),
      'block',
    ),
  };
  places.refuseRest(limitFields);
  if (typeof name !== 'string') {
    return [];
  }
  limitPaths.set(name, path);
  return [limit as LimitDefinition];
}
