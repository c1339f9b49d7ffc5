import type pg from 'pg';
import type { MeterDefinition } from './meter.ts';

/** A `MeterDefinition`, of the row m. */
const definition = `m.key, m.service, m.unit, m.models, trim_scale(m.rounding)::text as rounding,
  trim_scale(m.credit_seconds)::text as "creditSeconds", m.is_live as "isLive",
  (select json_build_object('key', t.key, 'field', t.field, 'value', t.value, 'onChange', t.on_change)
    from quota.cache_templates t where t.meter = m.key and t.product is null) as redis`;

/** All meters, by key. */
export async function selectMeters(client: pg.ClientBase): Promise<MeterDefinition[]> {
  const { rows } = await client.query<MeterDefinition>(
    `select ${definition} from quota.meters m order by m.key`,
  );
  return rows;
}

/** A meter with what only the database knows of it. */
export interface StoredMeter {
  definition: MeterDefinition;
  /** Keys of the plans that limit it. */
  plans: string[];
  /** Since when it counts as it does; null: ever. */
  changedAt: string | null;
}

/** All meters with who uses them, by service and key. */
export async function selectStoredMeters(client: pg.ClientBase): Promise<StoredMeter[]> {
  const { rows } = await client.query<MeterDefinition & { plans: string[]; changedAt: Date | null }>(
    `select ${definition}, m.changed_at as "changedAt",
       array(select l.plan from quota.plan_limits l where l.meter = m.key order by l.plan) as plans
     from quota.meters m order by m.service, m.key`,
  );
  return rows.map(({ plans, changedAt, ...meter }) => ({
    definition: meter,
    plans,
    changedAt: changedAt?.toISOString() ?? null,
  }));
}

/** Keeps other changes of meters out, and what these meters count as it is, until the transaction ends. */
export async function lockMeters(client: pg.ClientBase, changed: readonly string[]): Promise<void> {
  await client.query('select from quota.meters order by key for no key update');
  await client.query('select quota.hold_meters($1)', [changed]);
}

export async function upsertMeters(client: pg.ClientBase, meters: readonly MeterDefinition[]): Promise<void> {
  await client.query(
    `insert into quota.meters (key, service, unit, models, rounding, credit_seconds, is_live)
     select key, service, unit, models, rounding, credit_seconds, is_live from quota.meter_definitions($1)
     on conflict (key) do update
     set models = excluded.models, rounding = excluded.rounding, credit_seconds = excluded.credit_seconds,
       is_live = excluded.is_live`,
    [JSON.stringify(meters)],
  );
}

/** A period that counts otherwise under changed meters. Quantities and money are exact decimals as text. */
export interface CountChange {
  externalId: string;
  meter: string;
  /** ISO 8601; null: the bound of a lifetime. */
  period: { start: string | null; end: string | null };
  used: { before: string; after: string };
  cost: { before: string; after: string };
  calls: { before: number; after: number };
  exceeded: { before: boolean; after: boolean };
}

/** What running periods, and those to come, would count otherwise if meters were defined so. */
export async function selectCountChanges(
  client: pg.ClientBase,
  meters: readonly MeterDefinition[],
): Promise<CountChange[]> {
  const { rows } = await client.query<CountChange>(
    `select u.external_id as "externalId", c.meter,
       json_build_object('start', ${isoInstant('c.period_start')}, 'end', ${isoInstant('c.period_end')}) as period,
       json_build_object('before', trim_scale(c.used_before)::text, 'after', trim_scale(c.used_after)::text) as used,
       json_build_object('before', trim_scale(c.cost_before)::text, 'after', trim_scale(c.cost_after)::text) as cost,
       json_build_object('before', c.calls_before, 'after', c.calls_after) as calls,
       json_build_object('before', c.exceeded_before and not c.superseded,
         'after', c.exceeded_after and not c.superseded) as exceeded
     from quota.meter_changes($1) c join quota.users u on u.id = c.user_id
     order by c.meter, u.external_id, c.period_start`,
    [JSON.stringify(meters)],
  );
  return rows;
}

const isoInstant = (column: string) =>
  `case when isfinite(${column}) then to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end`;

/** Counts the running periods of meters by what these are now, and enforces them. */
export async function recountMeters(client: pg.ClientBase, meters: readonly string[]): Promise<void> {
  await client.query('select quota.recount_meters($1)', [meters]);
}

/** Keys of the plans that limit any of these meters. */
export async function selectPlansOf(client: pg.ClientBase, meters: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ plan: string }>(
    'select distinct plan from quota.plan_limits where meter = any ($1) order by plan',
    [meters],
  );
  return rows.map(({ plan }) => plan);
}
