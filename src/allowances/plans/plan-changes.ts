import type { LimitDefinition, PlanDefinition } from './plan.ts';
import { limitFields, planFields } from './plan-yaml.ts';

/** One field that differs, as files write it; null: not there. */
export interface FieldDifference {
  path: string;
  before: string | null;
  after: string | null;
}

/** What applying one plan of a file does. */
export interface PlanChange {
  key: string;
  service: string;
  /** `retake`: the plan is as it is; running periods that kept former terms take its own. */
  action: 'create' | 'update' | 'retake' | 'unchanged';
  /** The version after the change. */
  version: number;
  subscribers: number;
  changes: FieldDifference[];
}

/** Field by field, limits included. */
export function planDifferences(
  before: PlanDefinition | undefined,
  after: PlanDefinition,
  units: ReadonlyMap<string, string>,
): FieldDifference[] {
  const flat = (plan: PlanDefinition | undefined) => {
    const { limits: _, ...own } = plan === undefined ? { limits: [] } : planFields(plan, units);
    const ofLimits = (plan?.limits ?? []).flatMap((limit) =>
      Object.entries(limitFields(limit, units)).map(([name, value]) => [
        `limits.${limit.meter}.${name}`,
        value,
      ]),
    );
    return new Map<string, string>(
      [...Object.entries(own), ...ofLimits].map(([path, value]) => [String(path), valueText(value)]),
    );
  };
  const [old, fresh] = [flat(before), flat(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .map((path) => ({ path, before: old.get(path) ?? null, after: fresh.get(path) ?? null }))
    .filter((difference) => difference.before !== difference.after);
}

const valueText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

/**
 * Whether running periods cannot keep their terms: a meter comes or goes, or time is cut into other periods. Their
 * calls have to be counted anew.
 */
export function isRecut(before: PlanDefinition, after: PlanDefinition): boolean {
  const cuts = ({ limits }: PlanDefinition) => JSON.stringify(limits.map(cut).sort());
  return cuts(before) !== cuts(after);
}

const cut = ({ meter, resetEvery, resetAnchor, boundary }: LimitDefinition) =>
  JSON.stringify([meter, resetEvery, ...(resetEvery === null ? [] : [resetAnchor, boundary])]);

/** Whether calls that carry no cost are priced otherwise. */
export const isRepriced = (before: PlanDefinition, after: PlanDefinition): boolean =>
  after.limits.some(
    ({ meter, unitPrice }) => before.limits.find((limit) => limit.meter === meter)?.unitPrice !== unitPrice,
  );
