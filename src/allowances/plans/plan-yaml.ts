import { stringify } from 'yaml';
import { bytesText } from '../../values/bytes.ts';
import { durationText } from '../../values/duration.ts';
import type { LimitDefinition, PlanDefinition } from './plan.ts';

type Entries = Record<string, unknown>;

/** A plan as a file has it; what is left out means the same as what would stand there. */
export function planFields(plan: PlanDefinition, units: ReadonlyMap<string, string>): Entries {
  return withoutNulls({
    key: plan.key,
    service: plan.service,
    name: plan.name,
    timezone: plan.timezone,
    max_assistants: plan.maxAssistants,
    enforce_max_assistants: plan.enforceMaxAssistants ? true : null,
    max_file_bytes: plan.maxFileBytes === null ? null : bytesText(plan.maxFileBytes),
    max_concurrent: plan.maxConcurrent,
    max_session_seconds: plan.maxSessionSeconds === null ? null : durationText(plan.maxSessionSeconds),
    lease_seconds: plan.leaseSeconds === null ? null : durationText(plan.leaseSeconds),
    allowed_models: plan.allowedModels,
    default: plan.isDefault ? true : null,
    anonymous: plan.anonymous ? true : null,
    upgrade_to: plan.upgradeTo,
    limited_state: plan.limitedState,
    features: featureFields(plan.features ?? {}),
    limits:
      plan.limits.length === 0
        ? null
        : Object.fromEntries(plan.limits.map((limit) => [limit.meter, limitFields(limit, units)])),
  });
}

/** The terms of a meter as a file has them. */
export function limitFields(limit: LimitDefinition, units: ReadonlyMap<string, string>): Entries {
  return withoutNulls({
    limit: limit.limit === null ? null : quantityText(limit.limit, units.get(limit.meter)),
    cost_limit: number(limit.costLimit),
    unit_price: number(limit.unitPrice),
    reset_every: limit.resetEvery,
    reset_anchor: limit.resetEvery === null ? null : limit.resetAnchor,
    boundary: limit.resetEvery === null ? null : limit.boundary,
    warn_at: limit.warnAt,
    on_exceeded: limit.onExceeded,
  });
}

/** In one order, whatever that of the file was. */
const featureFields = (features: PlanDefinition['features']) => {
  const sorted = Object.entries(features).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.length === 0 ? null : Object.fromEntries(sorted);
};

const quantityText = (quantity: string, unit: string | undefined) =>
  unit === 'second' ? durationText(quantity) : unit === 'byte' ? bytesText(quantity) : number(quantity);

/** The text of a file with one plan. */
export const planYaml = (plan: PlanDefinition, units: ReadonlyMap<string, string>): string =>
  stringify(planFields(plan, units), { flowCollectionPadding: false, lineWidth: 0 });

const withoutNulls = (entries: Entries): Entries =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== null));

/** Without quotes where that loses nothing. */
const number = (text: string | null): number | string | null =>
  text !== null && String(Number(text)) === text ? Number(text) : text;
