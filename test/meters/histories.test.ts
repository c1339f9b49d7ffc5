import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import fc from '../fast-check.ts';
import { type Call, MeterModel, type Terms } from './meter-model.ts';

const desk = useDesk();
const runs = Number(process.env.QUOTA_TEST_HISTORIES ?? 25);
const begin = Date.parse('2026-09-03T09:00:00Z');
const plain = { models: null, rounding: null, creditSeconds: null };
const services: Record<string, Record<string, Terms>> = {
  llm: {
    llm_tokens: { ...plain, unit: 'token' },
    gpt: { ...plain, unit: 'token', models: ['gpt-4*', 'o3_mini'] },
    out: { ...plain, unit: 'token' },
    asked: { ...plain, unit: 'request', models: ['*-large'] },
  },
  dub: {
    dub_seconds: { ...plain, unit: 'second' },
    credits: { ...plain, unit: 'credit', creditSeconds: 60, rounding: 1 },
  },
};

const models = [
  'gpt-4',
  'GPT-4o',
  'gpt-3.5',
  'o3_mini',
  'O3_mini',
  'o3xmini',
  'a-large',
  '50%',
  null,
] as const;
const patterns = ['gpt-4*', '*', 'O3_mini', '*-large', 'g*4*', '50%', 'gpt*o', 'none'];
type Step = { hours: number } & (
  | {
      kind: 'record' | 'row';
      key: string;
      model: string | null;
      seconds: number;
      tokens: number;
      out: number | null;
      error: boolean;
      ago: number;
    }
  | { kind: 'delete'; key: string }
  | { kind: 'reset' }
  | { kind: 'meter'; models: string[] | null; rounding: number | null; credit: number; meter: number }
);

const told = {
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  model: fc.constantFrom(...models),
  seconds: fc.integer({ min: 0, max: 400 }),
  tokens: fc.integer({ min: 0, max: 5000 }),
  out: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 900 })),
  error: fc.boolean(),
  ago: fc.constantFrom(0, 0, 0, 20, 500),
};
const hours = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 30 }) },
  { weight: 1, arbitrary: fc.integer({ min: 300, max: 900 }) },
);
const of = (kind: Step['kind'], more: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ kind: fc.constant(kind), hours, ...more }) as fc.Arbitrary<Step>;
const step = fc.oneof(
  { weight: 8, arbitrary: of('record', told) },
  { weight: 4, arbitrary: of('row', told) },
  { weight: 1, arbitrary: of('delete', { key: told.key }) },
  { weight: 1, arbitrary: of('reset') },
  {
    weight: 3,
    arbitrary: of('meter', {
      models: fc.oneof(fc.constant(null), fc.subarray(patterns, { minLength: 1, maxLength: 3 })),
      rounding: fc.constantFrom(null, 1, 10, 250),
      credit: fc.constantFrom(60, 30, 7),
      meter: fc.nat({ max: 3 }),
    }),
  },
);

let client: pg.Client;
beforeAll(async () => {
  for (const [service, meters] of Object.entries(services)) {
    await desk.query('insert into quota.plans (key, service, name, is_default) values ($1, $2, $1, true)', [
      `${service}-free`,
      service,
    ]);
    for (const [key, { unit, models, rounding, creditSeconds }] of Object.entries(meters)) {
      await desk.query(
        `insert into quota.meters (key, service, unit, models, rounding, credit_seconds) values ($1, $2, $3, $4, $5, $6)`,
        [key, service, unit, models, rounding, creditSeconds],
      );
      await desk.query(
        `insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, reset_anchor) values ($1, $2, 20000, '1 month', 'calendar')`,
        [`${service}-free`, key],
      );
    }
  }
  client = new pg.Client(desk.url);
  await client.connect();
});
afterAll(() => client.end());

interface Life {
  service: string;
  user: string;
  model: MeterModel;
  now: number;
}

const setClock = (now: number) =>
  client.query(`select set_config('quota.as_of', $1, true)`, [new Date(now).toISOString()]);

/** Usage as a call of the door, and as a plain row of an app: both count alike. */
async function tell(life: Life, next: Step & { kind: 'record' | 'row' }): Promise<void> {
  const { service, user, model, now } = life;
  const inSeconds = service === 'dub';
  // Late, but never of before a reset: that would be nothing, which is another property.
  const ago = Math.max(now - next.ago * 3_600_000, begin);
  const at = Math.max(ago, model.since(ago));
  const status = next.error ? 'error' : 'completed';
  const others: Record<string, number> = inSeconds || next.out === null ? {} : { out: next.out };
  const quantities: Record<string, number> = inSeconds ? {} : { tokens: next.tokens, ...others };
  const call: Call = { ...next, at, status, seconds: inSeconds ? next.seconds : 0, quantities };
  const key = `${user} ${next.key}`;
  if (next.kind === 'row') {
    const isThere = model.calls.has(next.key);
    const toldAt = model.calls.get(next.key)?.at ?? now;
    if (toldAt < model.since(toldAt)) {
      return;
    }
    const values = [key, service, next.model, status, call.seconds, JSON.stringify(quantities)];
    if (isThere) {
      await client.query(
        `update quota.call_logs set model = $3, status = $4, duration_seconds = $5, quantities = $6
         where provider_call_id = $1 and service = $2`,
        values,
      );
    } else {
      await client.query(
        `insert into quota.call_logs (user_id, provider, provider_call_id, service, model, status, duration_seconds, quantities, started_at)
         values (quota.find_user($7), $2, $1, $2, $3, $4, $5, $6, $8)`,
        [...values, user, new Date(at)],
      );
    }
    model.calls.set(next.key, { ...call, at: model.calls.get(next.key)?.at ?? at });
    return;
  }
  const { rows } = await client.query(
    `select recorded from quota.record($1, $2, $3, $4, p_model => $5, p_status => $6, p_started_at => $7, p_quantities => $8)`,
    [
      user,
      service,
      key,
      inSeconds ? next.seconds : next.tokens,
      next.model,
      status,
      new Date(at),
      JSON.stringify(others),
    ],
  );
  expect(rows[0].recorded).toBe(!model.calls.has(next.key));
  if (rows[0].recorded) {
    model.calls.set(next.key, call);
  }
}

/** What the dry run says, row by row, must be what the change does and nothing else. */
async function changeMeter(life: Life, next: Step & { kind: 'meter' }): Promise<void> {
  const { service, model, now } = life;
  const keys = Object.keys(services[service] ?? {});
  const key = keys[next.meter % keys.length] ?? '';
  const before = model.present(key);
  const terms: Terms = {
    ...before,
    models: next.models,
    rounding: before.unit === 'credit' ? 1 : next.rounding,
    creditSeconds: before.unit === 'credit' ? next.credit : null,
  };
  const definition = JSON.stringify([{ key, service, isLive: false, ...terms }]);
  const figures = `select user_id, meter, period_start, used, cost, calls from quota.usage_quotas where meter = $1`;
  const old = await client.query(figures, [key]);
  const planned = await client.query(
    `select user_id, meter, period_start, used_after as used, cost_after as cost, calls_after as calls
     from quota.meter_changes($1)`,
    [definition],
  );
  await client.query('select quota.hold_meters(array[$1])', [key]);
  await client.query(
    'update quota.meters set models = $2, rounding = $3, credit_seconds = $4 where key = $1',
    [key, terms.models, terms.rounding, terms.creditSeconds],
  );
  await client.query('select quota.recount_meters(array[$1])', [key]);
  const fresh = await client.query(figures, [key]);
  const text = (row: Record<string, unknown>) =>
    JSON.stringify([row.period_start, Number(row.used), Number(row.cost), row.calls]);
  const was = new Set(old.rows.map(text));
  const changed = fresh.rows.map(text).filter((row) => !was.has(row));
  const opened = changed.filter((row) => row.endsWith(',0,0,0]'));
  expect([...planned.rows.map(text)].sort()).toEqual(
    changed.filter((row) => !opened.includes(row) || planned.rows.map(text).includes(row)).sort(),
  );
  if (
    JSON.stringify([before.models, before.rounding, before.creditSeconds]) !==
    JSON.stringify([terms.models, terms.rounding, terms.creditSeconds])
  ) {
    model.change(key, terms, now);
  }
}

async function compare({ service, user, model }: Life): Promise<void> {
  const { rows } = await client.query<{ meter: string; month: string; used: string; facts: string }>(
    `select q.meter, to_char(q.period_start, 'YYYY-MM') as month, (q.used * 1000)::bigint::text as used,
       (f.used * 1000)::bigint::text as facts
     from quota.usage_quotas q
     join quota.usage_from_facts(array[quota.find_user($1)]) f using (user_id, meter, period_start)
     join quota.meters m on m.key = q.meter and m.service = $2
     where q.user_id = quota.find_user($1) order by 1, 2`,
    [user, service],
  );
  const months = [
    ...new Set([...model.calls.values()].map(({ at }) => new Date(at).toISOString().slice(0, 7))),
  ];
  const expected = Object.keys(services[service] ?? {})
    .flatMap((meter) => months.map((month) => ({ meter, month, used: String(model.used(meter, month)) })))
    .filter(({ used }) => used !== '0');
  expect(rows.filter(({ used }) => used !== '0').map(({ facts: _, ...row }) => row)).toEqual(
    expected.sort((a, b) => `${a.meter} ${a.month}`.localeCompare(`${b.meter} ${b.month}`)),
  );
  expect(rows.filter(({ used, facts }) => used !== facts)).toEqual([]);
}

async function live(service: string, steps: readonly Step[]): Promise<void> {
  const life: Life = { service, user: 'ada', model: new MeterModel(services[service] ?? {}), now: begin };
  await client.query('begin');
  try {
    await setClock(begin);
    await client.query(`select quota.ensure_user('ada')`);
    for (const next of steps) {
      life.now += next.hours * 3_600_000;
      await setClock(life.now);
      if (next.kind === 'record' || next.kind === 'row') {
        await tell(life, next);
      } else if (next.kind === 'delete') {
        const call = life.model.calls.get(next.key);
        if (call !== undefined && call.at >= life.model.since(call.at)) {
          await client.query('delete from quota.call_logs where provider_call_id = $1', [`ada ${next.key}`]);
          life.model.calls.delete(next.key);
        }
      } else if (next.kind === 'reset') {
        await client.query(`select quota.reset_meters(quota.find_user('ada'), $1, 'because')`, [
          Object.keys(services[service] ?? {}),
        ]);
        life.model.reset(life.now);
      } else if (next.kind === 'meter') {
        await changeMeter(life, next);
      }
      await compare(life);
    }
  } finally {
    await client.query('rollback');
  }
}

test.each(['llm', 'dub'])(
  'whatever is told, changed, reset and defined anew of %s, each period counts what its meters said',
  async (service) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 18 }), (steps) => live(service, steps)),
      { numRuns: runs },
    );
  },
  600_000,
);
