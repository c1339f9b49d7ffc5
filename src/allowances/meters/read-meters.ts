import { units } from '../../values/unit.ts';
import { checkCacheTemplates, readCacheTemplate } from '../files/cache-fields.ts';
import { type Entry, EntryFields, entriesOf, isRecord } from '../files/entry-fields.ts';
import { type Path, type PlanDocument, type PlanProblem, planFileError } from '../files/plan-document.ts';
import * as fields from '../files/plan-fields.ts';
import { type MeterDefinition, serviceUnit } from './meter.ts';

/**
 * The meters of a file of meters alone: one with its `key`, or `meters:` with a list or with meters by key.
 * @throws badInputError with every error of the file and its place
 */
export function readMeters(document: PlanDocument, known: readonly MeterDefinition[]): MeterDefinition[] {
  const problems: PlanProblem[] = [];
  const { content } = document;
  let meters: MeterDefinition[] = [];
  if (isRecord(content) && 'key' in content) {
    meters = readEntries([{ path: [], key: undefined, value: content }], known, problems);
  } else if (isRecord(content) && 'meters' in content) {
    for (const name of Object.keys(content).filter((name) => name !== 'meters')) {
      const message =
        name === 'plans'
          ? 'plans stand in this file, too: quota plan apply takes both'
          : 'there is no such field; the meters stand under "meters"';
      problems.push({ path: [name], message });
    }
    meters = readMeterSection(content.meters, known, problems);
  } else {
    problems.push({ path: [], message: 'must have "meters": a list of meters, or meters by key' });
  }
  if (problems.length > 0) {
    throw planFileError(document, problems, meterHint);
  }
  return meters;
}

const meterHint = 'correct the file; quota meter show KEY prints a meter in the form that is taken';

/** What stands under `meters:` in a file of meters, or of plans. */
export const readMeterSection = (
  section: unknown,
  known: readonly MeterDefinition[],
  problems: PlanProblem[],
): MeterDefinition[] => readEntries(entriesOf(section, ['meters'], 'meters', problems), known, problems);

function readEntries(
  entries: readonly Entry[],
  known: readonly MeterDefinition[],
  problems: PlanProblem[],
): MeterDefinition[] {
  const before = problems.length;
  const placed = entries.flatMap((entry) => readMeter(entry, problems));
  if (problems.length === before) {
    checkMeters(placed, known, problems);
  }
  return placed.map(({ meter }) => meter);
}

const meterFields = ['key', 'service', 'unit', 'models', 'rounding', 'credit_seconds', 'is_live', 'redis'];
const meterAliases = { live: 'is_live', round: 'rounding' };
/** Printed by `meter show` and `meter list`, decided by the database. */
const shownOnly = ['plans', 'changed_at'];

interface PlacedMeter {
  meter: MeterDefinition;
  path: Path;
}

function readMeter({ path, key, value }: Entry, problems: PlanProblem[]): PlacedMeter[] {
  if (!isRecord(value)) {
    problems.push({ path, message: 'must be a meter: fields with their values' });
    return [];
  }
  const before = problems.length;
  const places = new EntryFields(value, path, problems, meterAliases);
  const needed = <T>(name: string, read: fields.FieldReader<T>, absent: T | null) => {
    const taken = places.take(name, read, absent);
    return taken === null ? places.fail(path, `needs a "${name}"`) : taken;
  };
  if (key !== undefined) {
    fields.readKey(key, (message) => places.fail(path, message));
  }
  const unitPlace = places.place('unit');
  const meter = {
    key: needed('key', fields.readKey, key ?? null),
    service: needed('service', fields.readKey, null),
    unit: needed('unit', fields.readChoice(...units), null),
    models: places.take('models', fields.readModels, null),
  };
  const placed = {
    rounding: places.place('rounding'),
    credit: places.place('credit_seconds'),
    live: places.place('is_live'),
  };
  const rest = {
    rounding: places.take('rounding', fields.readQuantity(meter.unit ?? 'second'), null),
    creditSeconds: places.take('credit_seconds', fields.readPositiveSeconds, null),
    isLive: places.take('is_live', fields.readFlag, false),
  };
  const cachePath = places.place('redis');
  const cache = places.take('redis', (given) => given, null);
  const redis = cache === null ? null : readCacheTemplate(cache, cachePath, problems);
  for (const name of shownOnly) {
    places.take(name, (given) => given, null);
  }
  places.refuseRest(meterFields);
  if (rest.rounding === '0') {
    places.fail(placed.rounding, 'is a step of more than nothing; leave it out to count calls as they are');
  }
  if (rest.creditSeconds && meter.unit !== undefined && meter.unit !== 'credit') {
    places.fail(placed.credit, `belongs to meters in credits, not in ${meter.unit}s`);
  }
  const countsTime = meter.unit === 'second' || Boolean(rest.creditSeconds);
  if (rest.isLive && meter.unit !== undefined && !countsTime) {
    places.fail(placed.live, 'belongs to meters that count time');
  }
  const named = units.find((unit) => `${unit}s` === meter.key);
  if (named !== undefined && meter.unit !== undefined && meter.unit !== named) {
    places.fail(unitPlace, `"${meter.key}" says how ${named}s are told, and cannot count ${meter.unit}s`);
  }
  return problems.length > before ? [] : [{ meter: { ...meter, ...rest, redis } as MeterDefinition, path }];
}

/** What no field shows by itself: meters that do not fit each other, or what there is already. */
function checkMeters(
  placed: readonly PlacedMeter[],
  known: readonly MeterDefinition[],
  problems: PlanProblem[],
): void {
  const after = [
    ...known.filter(({ key }) => !placed.some(({ meter }) => meter.key === key)),
    ...placed.map(({ meter }) => meter),
  ];
  const templateOf = ({ key, redis }: MeterDefinition) =>
    redis === null ? [] : [{ meter: key, template: redis }];
  checkCacheTemplates(
    placed.flatMap(({ meter, path }) =>
      templateOf(meter).map((one) => ({ ...one, path: [...path, 'redis'] })),
    ),
    after.slice(0, after.length - placed.length).flatMap(templateOf),
    problems,
  );
  placed.forEach(({ meter, path }, index) => {
    const fail = (message: string) => problems.push({ path, message });
    const existing = known.find(({ key }) => key === meter.key);
    if (placed.findIndex((other) => other.meter.key === meter.key) < index) {
      fail(`"${meter.key}" is there twice`);
    }
    if (existing !== undefined && existing.service !== meter.service) {
      fail(`"${meter.key}" is a meter of ${existing.service} and stays one`);
    } else if (existing !== undefined && existing.unit !== meter.unit) {
      fail(`"${meter.key}" counts ${existing.unit}s, as its limits do: another unit is another meter`);
    }
    const [former, fresh] = [serviceUnit(known, meter.service), serviceUnit(after, meter.service)];
    if (former !== undefined && former !== fresh) {
      fail(
        `calls of ${meter.service} are told in ${former}s, and would be in ${fresh}s: give it a service of its own`,
      );
    }
  });
}
