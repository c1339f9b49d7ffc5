import { parseLimitedState } from '../../enforcement/limited-state.ts';
import { QuotaError } from '../../errors.ts';
import { checkPlans } from './check-plans.ts';
import type { LimitDefinition, Meter, PlanDefinition } from './plan.ts';
import { type Path, type PlanDocument, type PlanProblem, planFileError } from './plan-document.ts';
import * as fields from './plan-fields.ts';

/** What the database knows, that a file can be held against. */
export interface KnownTerms {
  meters: readonly Meter[];
  /** Names of time zones, as the database writes them. */
  timezones: readonly string[];
  plans: readonly PlanDefinition[];
}

/** A plan of a file, with the place of each of its parts. */
export interface PlacedPlan {
  plan: PlanDefinition;
  path: Path;
  /** By meter. */
  limitPaths: Map<string, Path>;
}

/**
 * The plans of a file: one plan with its `key`, or `plans:` with a list or with plans by key.
 * @throws badInputError with every error of the file and its place
 */
export function readPlans(document: PlanDocument, known: KnownTerms): PlanDefinition[] {
  const problems: PlanProblem[] = [];
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
  return placed.flatMap((entry) => (entry === undefined ? [] : [entry.plan]));
}

interface Entry {
  path: Path;
  /** From the map that it stands in. */
  key: string | undefined;
  value: unknown;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function planEntries(content: unknown, problems: PlanProblem[]): Entry[] {
  if (isRecord(content) && 'key' in content) {
    return [{ path: [], key: undefined, value: content }];
  }
  if (!isRecord(content) || !('plans' in content)) {
    problems.push({ path: [], message: 'must have "plans": a list of plans, or plans by key' });
    return [];
  }
  for (const name of Object.keys(content).filter((name) => name !== 'plans')) {
    problems.push({ path: [name], message: 'there is no such field; the plans stand under "plans"' });
  }
  return entriesOf(content.plans, ['plans'], 'plans', problems);
}

/** A list, or a map by key. */
function entriesOf(value: unknown, path: Path, what: string, problems: PlanProblem[]): Entry[] {
  const entries = Array.isArray(value)
    ? value.map((element, index) => ({ path: [...path, index], key: undefined, value: element }))
    : isRecord(value)
      ? Object.entries(value).map(([key, element]) => ({ path: [...path, key], key, value: element }))
      : [];
  if (entries.length === 0 && (what === 'plans' || (value !== null && typeof value !== 'object'))) {
    problems.push({ path, message: `must be ${what} by key, or a list of ${what}` });
  }
  return entries;
}

/** The fields of an object by their snake_case names; `limitQuantity` is `limit_quantity`. */
class Fields {
  readonly path: Path;
  readonly #problems: PlanProblem[];
  readonly #values = new Map<string, { value: unknown; path: Path }>();

  constructor(
    value: Record<string, unknown>,
    path: Path,
    problems: PlanProblem[],
    aliases: Record<string, string>,
  ) {
    this.path = path;
    this.#problems = problems;
    for (const [name, element] of Object.entries(value)) {
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      this.#values.set(aliases[snake] ?? snake, { value: element, path: [...path, name] });
    }
  }

  fail(path: Path, message: string): undefined {
    this.#problems.push({ path, message });
  }

  place(name: string): Path {
    return this.#values.get(name)?.path ?? this.path;
  }

  /** Taken once; what is left over is unknown. Null counts as left out. */
  take<T, D>(name: string, read: fields.FieldReader<T>, absent: D): T | D | undefined {
    const found = this.#values.get(name);
    this.#values.delete(name);
    return found === undefined || found.value === null
      ? absent
      : read(found.value, (message) => this.fail(found.path, message));
  }

  refuseRest(names: readonly string[]): void {
    for (const { path } of this.#values.values()) {
      this.fail(path, `there is no such field; known are ${names.join(', ')}`);
    }
  }
}

const planFields = [
  'key',
  'service',
  'name',
  'timezone',
  'max_assistants',
  'max_file_bytes',
  'max_concurrent',
  'max_session_seconds',
  'allowed_models',
  'default',
  'anonymous',
  'upgrade_to',
  'limited_state',
  'limits',
];
const planAliases = { is_default: 'default', max_session: 'max_session_seconds', max_file: 'max_file_bytes' };
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
  const places = new Fields(value, path, problems, planAliases);
  const problemsBefore = problems.length;
  const planKey =
    places.take('key', fields.readKey, key ?? null) ?? places.fail(path, 'a plan needs a "key"');
  if (key !== undefined && planKey === key) {
    fields.readKey(key, (message) => places.fail(path, message));
  }
  const service =
    places.take('service', readService(known), null) ?? missing(places, 'service', problemsBefore, problems);
  const limitedStatePlace = places.place('limited_state');
  const limits = places.take('limits', (given) => given, null);
  const limitPaths = new Map<string, Path>();
  const plan = {
    key: planKey,
    service,
    name: places.take('name', fields.readText, planKey),
    timezone: places.take('timezone', readTimezone(known), null),
    maxAssistants: places.take('max_assistants', fields.readCount, null),
    maxFileBytes: places.take('max_file_bytes', fields.readBytes, null),
    maxConcurrent: places.take('max_concurrent', fields.readCount, null),
    maxSessionSeconds: places.take('max_session_seconds', fields.readPositiveSeconds, null),
    allowedModels: places.take('allowed_models', fields.readModels, null),
    isDefault: places.take('default', fields.readFlag, false),
    anonymous: places.take('anonymous', fields.readFlag, false),
    upgradeTo: places.take('upgrade_to', fields.readKey, null),
    limitedState: places.take(
      'limited_state',
      (_, fail) => readLimitedState(document.json(limitedStatePlace), fail),
      null,
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

function missing(places: Fields, name: string, before: number, problems: PlanProblem[]): undefined {
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

function readLimit(
  { path, key, value }: Entry,
  service: string | undefined,
  { meters }: KnownTerms,
  { problems, limitPaths }: { problems: PlanProblem[]; limitPaths: Map<string, Path> },
): LimitDefinition[] {
  if (!isRecord(value)) {
    problems.push({ path, message: 'must be the terms of a meter: fields with their values' });
    return [];
  }
  const places = new Fields(value, path, problems, limitAliases);
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
