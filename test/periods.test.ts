import { readFileSync } from 'node:fs';
import pg from 'pg';
import { Temporal } from 'temporal-polyfill';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.ts';
import fc from './fast-check.ts';

interface Vector {
  id: string;
  anchorLocal: string;
  every: string;
  timezone: string;
  at: string;
  start: string;
  end: string;
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('../fixtures/vectors/periods.json', import.meta.url), 'utf8'),
);

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client(database.url);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** The period of `quota.period_at`, bounds in epoch milliseconds. */
async function periodAt(anchorLocal: string, every: string, timezone: string, at: string) {
  const { rows } = await client.query<{ start: Date; end: Date }>(
    `select lower(p) as start, upper(p) as "end" from quota.period_at($1, $2, $3, $4) p`,
    [anchorLocal, every, timezone, at],
  );
  return { start: rows[0]?.start.getTime(), end: rows[0]?.end.getTime() };
}

test('the cases of other billing systems hold', async () => {
  expect(vectors).toHaveLength(212);
  const { rows } = await client.query<{ id: string; start: Date; end: Date }>(
    `select v->>'id' as id, lower(p) as start, upper(p) as "end"
    from jsonb_array_elements($1) with ordinality as e(v, position)
    cross join lateral quota.period_at(
      (v->>'anchorLocal')::timestamp, (v->>'every')::interval, v->>'timezone', (v->>'at')::timestamptz) p
    order by position`,
    [JSON.stringify(vectors)],
  );
  expect(rows).toEqual(
    vectors.map(({ id, start, end }) => ({ id, start: new Date(start), end: new Date(end) })),
  );
});

/** Zones with DST, half-hour shifts, midnights that do not exist, a day that does not exist, odd offsets. */
const timezones = [
  'UTC',
  'Europe/Berlin',
  'Europe/Dublin',
  'America/New_York',
  'America/St_Johns',
  'America/Santiago',
  'America/Asuncion',
  'America/Havana',
  'America/Sao_Paulo',
  'Asia/Beirut',
  'Asia/Tehran',
  'Asia/Kathmandu',
  'Africa/Cairo',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
];

interface Length {
  years?: number;
  months?: number;
  weeks?: number;
  days?: number;
}

/** As Temporal has it: `weeks` and `years` are days and months to both. */
const everies: { every: string; duration: Length }[] = [
  { every: '1 day', duration: { days: 1 } },
  { every: '10 days', duration: { days: 10 } },
  { every: '1 week', duration: { weeks: 1 } },
  { every: '2 weeks', duration: { weeks: 2 } },
  { every: '1 month', duration: { months: 1 } },
  { every: '3 months', duration: { months: 3 } },
  { every: '7 months', duration: { months: 7 } },
  { every: '1 year', duration: { years: 1 } },
  { every: '4 years', duration: { years: 4 } },
  { every: '1 month 10 days', duration: { months: 1, days: 10 } },
];

/** Month ends are where the rules part: half of all anchors are on the 29th, 30th or 31st. */
const anchors = fc
  .record({
    year: fc.integer({ min: 2000, max: 2023 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.oneof(fc.integer({ min: 1, max: 28 }), fc.constantFrom(29, 30, 31)),
    hour: fc.oneof(fc.constantFrom(0, 0, 1, 2), fc.integer({ min: 0, max: 23 })),
    minute: fc.constantFrom(0, 0, 15, 30, 59),
  })
  .map((fields) => Temporal.PlainDateTime.from(fields, { overflow: 'constrain' }));

/** Only years whose rules every edition of the time zone database agrees on. */
const instants = fc
  .integer({ min: Date.UTC(2000, 0, 1) / 1000, max: Date.UTC(2024, 0, 1) / 1000 })
  .map((seconds) => Temporal.Instant.fromEpochMilliseconds(seconds * 1000));

const multiple = (duration: Length, times: number) =>
  Temporal.Duration.from(
    Object.fromEntries(Object.entries(duration).map(([unit, value]) => [unit, value * times])),
  );

/**
 * Boundary k by Temporal. Of two instants with the same local time PostgreSQL takes the second, and a local time that
 * the clocks skipped moves on by what they skipped: `later` is both.
 */
const boundary = (anchor: Temporal.PlainDateTime, duration: Length, k: number, timezone: string) =>
  anchor.add(multiple(duration, k)).toZonedDateTime(timezone, { disambiguation: 'later' }).epochMilliseconds;

function expectedPeriod(anchor: Temporal.PlainDateTime, duration: Length, timezone: string, at: number) {
  const { months = 0, days = 0, weeks = 0, years = 0 } = duration;
  const meanDays = (years * 12 + months) * 30.436875 + weeks * 7 + days;
  const anchoredAt = boundary(anchor, duration, 0, timezone);
  let k = Math.floor((at - anchoredAt) / (meanDays * 86_400_000)) - 2;
  while (boundary(anchor, duration, k + 1, timezone) <= at) {
    k += 1;
  }
  return { start: boundary(anchor, duration, k, timezone), end: boundary(anchor, duration, k + 1, timezone) };
}

test('every period is the one that Temporal finds', async () => {
  const cases = fc.record({
    anchor: anchors,
    unit: fc.constantFrom(...everies),
    timezone: fc.constantFrom(...timezones),
    at: instants,
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ anchor, unit, timezone, at }) => {
      const expected = expectedPeriod(anchor, unit.duration, timezone, at.epochMilliseconds);
      expect(await periodAt(anchor.toString(), unit.every, timezone, at.toString())).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});

test('a period contains its first instant and not its end, and the next one begins there', async () => {
  const cases = fc.record({
    anchor: anchors,
    unit: fc.constantFrom(...everies),
    timezone: fc.constantFrom(...timezones),
    at: instants,
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ anchor, unit, timezone, at }) => {
      const find = (instant: number) =>
        periodAt(anchor.toString(), unit.every, timezone, new Date(instant).toISOString());
      const period = await find(at.epochMilliseconds);
      const { start = Number.NaN, end = Number.NaN } = period;
      expect(await find(start)).toEqual(period);
      expect(await find(end - 1)).toEqual(period);
      expect((await find(end)).start).toBe(end);
    }),
    { numRuns: 200 },
  );
});

test('a lifetime has no interval; an interval of nothing is refused', async () => {
  const lifetime = await client.query(
    `select quota.period_at('2026-01-31', null, 'UTC', now())::text as period`,
  );
  expect(lifetime.rows).toEqual([{ period: '[-infinity,infinity)' }]);
  for (const every of ['0 days', '-1 month', '1 month -1 day']) {
    await expect(periodAt('2026-01-31', every, 'UTC', '2026-06-01T00:00:00Z')).rejects.toMatchObject({
      code: '22023',
    });
  }
});
