import type pg from 'pg';
import { expect, test } from 'vitest';
import { withClient } from '../../src/db/client.ts';
import { useDesk } from '../desk/desk.ts';
import fc from '../fast-check.ts';
import { type Rules, SessionModel } from './session-model.ts';

const desk = useDesk();
const runs = Number(process.env.QUOTA_TEST_HISTORIES ?? 150);
const signup = Date.parse('2026-11-01T09:00:00Z');
const limit = 600;
const leases = { voice: 90, transcription: 3600 } as const;
type Service = keyof typeof leases;

type Step = { seconds: number; key: string } & (
  | { kind: 'start'; estimate: number | null }
  | { kind: 'touch' | 'end' | 'record' | 'row' | 'bill'; told: number }
  | { kind: 'reap' | 'delete' }
);

const key = fc.constantFrom('a', 'b', 'c', 'd');
const told = fc.integer({ min: 0, max: 300 });
const passed = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 80 }) },
  { weight: 2, arbitrary: fc.integer({ min: 81, max: 1_200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1_201, max: 90_000 }) },
);
const step = (kind: Step['kind'], more: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ kind: fc.constant(kind), seconds: passed, key, ...more }) as fc.Arbitrary<Step>;
const steps: fc.Arbitrary<Step>[] = [
  step('start', { estimate: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 400 })) }),
  step('touch', { told }),
  step('end', { told }),
  step('record', { told }),
  step('row', { told }),
  step('bill', { told }),
  step('reap'),
  step('delete'),
];
const weights = [6, 6, 3, 2, 1, 1, 2, 1];
const history = fc.record({
  service: fc.constantFrom<Service>('voice', 'transcription'),
  steps: fc.array(fc.oneof(...steps.map((arbitrary, at) => ({ arbitrary, weight: weights[at] ?? 1 }))), {
    minLength: 2,
    maxLength: 14,
  }),
});

/** A lease that nobody has settled is over, and what is used is all that was asked for. */
const usedUpBeforeItsStart: Step[] = [
  { kind: 'start', seconds: 1, key: 'c', estimate: 1 },
  { kind: 'touch', seconds: 1201, key: 'c', told: 1 },
  { kind: 'start', seconds: 90, key: 'c', estimate: 1 },
];

interface Life {
  client: pg.ClientBase;
  service: Service;
  user: string;
  model: SessionModel;
}

const row = async <Row extends pg.QueryResultRow>(
  { client }: Life,
  sql: string,
  values: unknown[],
): Promise<Row | string> => {
  try {
    return (await client.query<Row>(sql, values)).rows[0] as Row;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

/** Does a step, and holds its answer against the model's. */
async function act(life: Life, next: Step, now: number): Promise<void> {
  const { model, user, service } = life;
  const name = `${user} ${next.key}`;
  switch (next.kind) {
    case 'start': {
      const answer = await row<{ allowed: boolean; cap: number | null }>(
        life,
        'select allowed, cap_seconds::float8 as cap from quota.start_session($1, $2, $3, p_estimate => $4)',
        [user, service, name, next.estimate],
      );
      const expected = model.start(next.key, next.estimate, now);
      expect(answer).toEqual(typeof expected === 'string' ? expected : { cap: null, ...expected });
      return;
    }
    case 'touch': {
      const answer = await row(
        life,
        `select running, progress::float8, remaining::float8, cap_seconds::float8 as cap, action is not null as "isOver"
         from quota.touch_session($1, $2, $3)`,
        [user, name, next.told],
      );
      const expected = model.touch(next.key, next.told, now);
      if (typeof expected === 'string') {
        expect(answer).toBe(expected);
      } else {
        expect(answer).toMatchObject(expected);
      }
      return;
    }
    case 'end':
    case 'record': {
      const isRecord = next.kind === 'record';
      const answer = await row(
        life,
        `select recorded, differs, stored_quantity::float8 as stored from ${
          isRecord ? 'quota.record($1, $2, $3, $4)' : 'quota.end_session($1, $3, $4, p_provider => $2)'
        }`,
        [user, service, name, next.told],
      );
      expect(answer).toEqual(model.end(next.key, next.told, now, isRecord));
      return;
    }
    case 'row':
      if (model.row(next.key, next.told)) {
        await life.client.query(
          `update quota.call_logs set status = 'completed', duration_seconds = $2::numeric,
             ended_at = started_at + $2::float8 * interval '1 second' where provider_call_id = $1`,
          [name, next.told],
        );
      }
      return;
    case 'bill':
      if (model.bill(next.key, next.told)) {
        await life.client.query(
          `update quota.call_logs set status = 'completed', duration_seconds = $2, settled_by = 'bill'
           where provider_call_id = $1`,
          [name, next.told],
        );
      }
      return;
    case 'delete':
      model.remove(next.key);
      await life.client.query('delete from quota.call_logs where provider_call_id = $1', [name]);
      return;
    case 'reap':
      model.reap(now);
      await life.client.query('select quota.reap_sessions(100, null, quota.find_user($1))', [user]);
      return;
  }
}

async function compare(life: Life, next: Step, now: number, before: number): Promise<void> {
  const { model, user, service } = life;
  const { rows } = await life.client.query(
    `select c.used::float8, c.remaining::float8,
       (select coalesce(json_object_agg(l.provider_call_id, coalesce(l.settled_by, l.status)), '{}')
        from quota.call_logs l where l.user_id = u.id) as settled,
       (select count(*)::integer from quota.concurrent_processing p where p.user_id = u.id) as leases
     from quota.users u cross join quota.check(u.external_id, $2) c where u.external_id = $1`,
    [user, service],
  );
  const settled = [...model.sessions].map(([name, { settledBy }]) => [
    `${user} ${name}`,
    settledBy === null ? 'active' : settledBy === 'end' ? 'completed' : settledBy,
  ]);
  expect(rows).toEqual([
    {
      used: model.used(),
      remaining: model.remaining(now),
      settled: Object.fromEntries(settled),
      leases: [...model.sessions.values()].filter(({ lease }) => lease !== null).length,
    },
  ]);
  // Nothing is given that is not there: a start never takes more than was left.
  if (next.kind === 'start') {
    expect(model.committed(now)).toBeLessThanOrEqual(Math.max(limit, before));
  }
}

let users = 0;

async function liveThrough(client: pg.ClientBase, service: Service, past: readonly Step[]): Promise<void> {
  users += 1;
  const rules: Rules = { limit, isLive: service === 'voice', leaseSeconds: leases[service] };
  const life = { client, service, user: `user ${users}`, model: new SessionModel(rules) };
  let now = 0;
  const clock = () =>
    client.query(`select set_config('quota.as_of', $1, false)`, [new Date(signup + now * 1000)]);
  await clock();
  await client.query(
    `with u as (insert into quota.users (external_id, created_at) values ($1, quota.now()) returning id)
     insert into quota.subscriptions (user_id, service, plan) select id, $2, 'session-' || $2 from u`,
    [life.user, service],
  );
  for (const next of past) {
    const before = life.model.committed(now);
    now += next.seconds;
    await clock();
    await act(life, next, now);
    await compare(life, next, now, before);
  }
}

test('whatever is told of sessions, in any order: nothing overspent, nothing counted twice, who knows best wins', async () => {
  await desk.query(
    `insert into quota.plans (key, service, name) values ('session-voice', 'voice', 'V'), ('session-transcription', 'transcription', 'T')`,
  );
  await desk.query(
    `insert into quota.plan_limits (plan, meter, limit_quantity)
     select 'session-' || m.service, m.key, $1 from quota.meters m where m.service in ('voice', 'transcription')`,
    [limit],
  );
  await withClient(desk.url, (client) =>
    fc.assert(
      fc.asyncProperty(history, ({ service, steps: past }) => liveThrough(client, service, past)),
      { numRuns: runs, examples: [[{ service: 'voice', steps: usedUpBeforeItsStart }]] },
    ),
  );
  expect(await desk.differences()).toEqual([]);
}, 600_000);
