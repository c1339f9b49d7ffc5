import { parseLimitedState } from '../../enforcement/limited-state.ts';
import { QuotaError } from '../../errors.ts';
import { type Entry, EntryFields, entriesOf, isRecord } from '../files/entry-fields.ts';
import { type Path, type PlanDocument, type PlanProblem, planFileError } from '../files/plan-document.ts';
import * as fields from '../files/plan-fields.ts';
import type { MeterDefinition } from '../meters/meter.ts';
import { readMeterSection } from '../meters/read-meters.ts';
import { checkPlans } from './check-plans.ts';
import type { KnownTerms, PlacedPlan } from './placed-plan.ts';
import type { PlanDefinition } from './plan.ts';
import { readLimit } from './read-limit.ts';

/** What a file of plans defines. */
interface DefinedPlans {
  plans: PlanDefinition[];
  meters: MeterDefinition[];
}

/**
 * The plans of a file: one plan with its `key`, or `plans:` with a list or with plans by key, and beside it `meters:`.
 * @throws badInputError with every error of the file and its place
 */
export function readPlans(document: PlanDocument, stored: KnownTerms): DefinedPlans {
  const problems: PlanProblem[] = [];
  const { content } = document;
  const meters =
    isRecord(content) && 'meters' in content && !('key' in content)
      ? readMeterSection(content.meters, stored.meters, problems)
      : [];
  const isDefined = (key: string) => meters.some((meter) => meter.key === key);
  const known = { ...stored, meters: [...stored.meters.filter(({ key }) => !isDefined(key)), ...meters] };
  const entries = planEntries(document.content, problems);
  const placed = entries.map((entry) => readPlan(document, entry, known, problems));
  checkPlans(
    placed.filter((plan) => plan !== undefined),
    known,
    problems,
  );
  if (problems.length > 0) {
    throw planFileError(document, problems);
  }
  return { plans: placed.flatMap((entry) => (entry === undefined ? [] : [entry.plan])), meters };
}

function planEntries(content: unknown, problems: PlanProblem[]): Entry[] {
  if (isRecord(content) && 'key' in content) {
    return [{ path: [], key: undefined, value: content }];
  }
  if (!isRecord(content) || !('plans' in content)) {
    problems.push({ path: [], message: 'must have "plans": a list of plans, or plans by key' });
    return [];
  }
  for (const name of Object.keys(content).filter((name) => name !== 'plans' && name !== 'meters')) {
    problems.push({
      path: [name],
      message: 'there is no such field; the plans stand under "plans", meters under "meters"',
    });
  }
  return entriesOf(content.plans, ['plans'], 'plans', problems);
}

const planFields = [
  'key',
  'service',
  'name',
  'timezone',
  'max_assistants',
  'enforce_max_assistants',
  'max_file_bytes',
  'max_concurrent',
  'max_session_seconds',
  'lease_seconds',
  'allowed_models',
  'default',
  'anonymous',
  'upgrade_to',
  'limited_state',
  'features',
  'limits',
];
const planAliases = {
  is_default: 'default',
  max_session: 'max_session_seconds',
  max_file: 'max_file_bytes',
  lease: 'lease_seconds',
};
/** Printed by `plan show`, decided by the database. */
const shownOnly = ['version', 'subscribers'];

function readPlan(
  document: PlanDocument,
  { path, key, value }: Entry,
  known: KnownTerms,
  problems: PlanProblem[],
): PlacedPlan | undefined {
  if (!isRecord(value)) {
    problems.push({ path, message: 'must be a plan: fields with their values' });
    return undefined;
  }
  const places = new EntryFields(value, path, problems, planAliases);
  const problemsBefore = problems.length;
  const planKey =
    places.take('key', fields.readKey, key ?? null) ?? places.fail(path, 'a plan needs a "key"');
  if (key !== undefined && planKey === key) {
    fields.readKey(key, (message) => places.fail(path, message));
  }
  const service =
    places.take('service', readService(known), null) ?? missing(places, 'service', problemsBefore, problems);
  const limitedStatePlace = places.place('limited_state');
  const featuresPlace = places.place('features');
  const limits = places.take('limits', (given) => given, null);
  const limitPaths = new Map<string, Path>();
  const plan = {
    key: planKey,
    service,
    name: places.take('name', fields.readText, planKey),
    timezone: places.take('timezone', readTimezone(known), null),
    maxAssistants: places.take('max_assistants', fields.readCount, null),
    enforceMaxAssistants: places.take('enforce_max_assistants', fields.readFlag, false),
    maxFileBytes: places.take('max_file_bytes', fields.readBytes, null),
    maxConcurrent: places.take('max_concurrent', fields.readCount, null),
    maxSessionSeconds: places.take('max_session_seconds', fields.readPositiveSeconds, null),
    leaseSeconds: places.take('lease_seconds', fields.readLease, null),
    allowedModels: places.take('allowed_models', fields.readModels, null),
    isDefault: places.take('default', fields.readFlag, false),
    anonymous: places.take('anonymous', fields.readFlag, false),
    upgradeTo: places.take('upgrade_to', fields.readKey, null),
    limitedState: places.take(
      'limited_state',
      (_, fail) => readLimitedState(document.json(limitedStatePlace), fail),
      null,
    ),
    features: places.take(
      'features',
      (_, fail) => fields.readFeatures(document.json(featuresPlace), fail),
      {},
    ),
    limits: entriesOf(
      limits,
      places.place('limits') === path ? [...path, 'limits'] : path,
      'limits',
      problems,
    ).flatMap((entry) => readLimit(entry, service, known, { problems, limitPaths })),
  };
  for (const name of shownOnly) {
    places.take(name, (given) => given, null);
  }
  places.refuseRest(planFields);
  plan.limits.sort((a, b) => a.meter.localeCompare(b.meter));
  return planKey === undefined ? undefined : { plan: plan as PlanDefinition, path, limitPaths };
}

function missing(places: EntryFields, name: string, before: number, problems: PlanProblem[]): undefined {
  const isReported = problems.slice(before).some(({ path }) => path.at(-1) === name);
  return isReported ? undefined : places.fail(places.path, `needs a "${name}"`);
}

const readService =
  ({ meters }: KnownTerms): fields.FieldReader<string> =>
  (value, fail) => {
    const services = [...new Set(meters.map(({ service }) => service))].sort();
    return services.find((service) => service === value) ?? fail(`must be one of ${services.join(', ')}`);
  };

const readTimezone =
  ({ timezones }: KnownTerms): fields.FieldReader<string> =>
  (value, fail) =>
    timezones.find((zone) => zone.toLowerCase() === String(value).toLowerCase()) ??
    fail(`"${value}" is not a time zone; write it like Europe/Berlin or UTC`);

/** By the rules of the provider, before it refuses the limit of every assistant. */
const readLimitedState: fields.FieldReader<Record<string, unknown>> = (value, fail) => {
  try {
    return parseLimitedState(value, 'the plan');
  } catch (error) {
    return fail(error instanceof QuotaError ? (error.detail ?? error.message) : String(error));
  }
};
