import type pg from 'pg';
import { expect, test } from 'vitest';
import type { AlertTarget } from '../../src/alerts/alert-target.ts';
import { deliverAlerts } from '../../src/alerts/deliver-alerts.ts';
import { useDesk } from '../desk/desk.ts';
import fc from '../fast-check.ts';
import type { Told } from './alert-desk.ts';

const desk = useDesk();
const runs = Number(process.env.QUOTA_TEST_HISTORIES ?? 75);
const signup = Date.parse('2026-01-15T09:00:00Z');
const hour = 3_600_000;
const iso = (at: number) => new Date(at).toISOString();
const warnAt = [50, 80, 100];
const plans = { 'small-month': 600, 'large-month': 1_500, 'small-ever': 900 };

/** One thing that happens to a user; the hours are those that passed since the one before. */
type Step = { hours: number } & (
  | { kind: 'call' | 'grant'; seconds: number }
  | { kind: 'correct'; seconds: number }
  | { kind: 'plan'; plan: string }
  | { kind: 'reset' | 'resetJob' | 'deliver' | 'fail' }
);
const hours = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 900 }) },
);
const of = <Kind extends Step['kind'], More extends object>(
  kind: Kind,
  more: { [Key in keyof More]: fc.Arbitrary<More[Key]> },
) => fc.record({ kind: fc.constant(kind), hours, ...more });
const seconds = fc.integer({ min: 1, max: 500 });
const step = fc.oneof(
  { weight: 6, arbitrary: of('call', { seconds }) },
  { weight: 2, arbitrary: of('grant', { seconds }) },
  { weight: 1, arbitrary: of('correct', { seconds }) },
  { weight: 2, arbitrary: of('plan', { plan: fc.constantFrom(...Object.keys(plans)) }) },
  { weight: 1, arbitrary: of('reset', {}) },
  { weight: 1, arbitrary: of('resetJob', {}) },
  { weight: 4, arbitrary: of('deliver', {}) },
  { weight: 1, arbitrary: of('fail', {}) },
) as fc.Arbitrary<Step>;

/** What is true of a user at this instant, from the facts. */
interface Truth {
  periodStart: string;
  used: number;
  allowance: number;
  percent: string;
  reached: number[];
}

async function readTruth(client: pg.Client, userId: string): Promise<Truth | null> {
  const { rows } = await client.query<{
    start: string;
    used: string;
    plan: keyof typeof plans;
    granted: string;
  }>(
    `select f.period_start::text as start, f.used, s.plan, quota.granted_now(q.user_id, q.meter) as granted
     from quota.usage_from_facts(array[$1::uuid]) f
     join quota.usage_quotas q using (user_id, meter, period_start) join quota.subscriptions s using (user_id)
     where not q.superseded and q.period_start <= quota.now() and q.period_end > quota.now()`,
    [userId],
  );
  const [row] = rows;
  if (row === undefined) {
    return null;
  }
  const used = Number(row.used);
  const allowance = plans[row.plan] + Number(row.granted);
  const percent = Math.round((10_000 * used) / allowance) / 100;
  const shown = used < allowance ? Math.min(percent, 99.99) : percent;
  return {
    periodStart: row.start,
    used,
    allowance,
    percent: shown.toFixed(2),
    reached: warnAt.filter((threshold) => (threshold < 100 ? percent >= threshold : used >= allowance)),
  };
}

/** Which thresholds of each period hold, of which allowance, and whether somebody was told. */
class Model {
  readonly #periods = new Map<string, Map<number, { allowance: number; told: boolean }>>();

  follow(truth: Truth | null): Map<number, { allowance: number; told: boolean }> {
    const standing = this.#periods.get(truth?.periodStart ?? '') ?? new Map();
    if (truth === null) {
      return new Map();
    }
    this.#periods.set(truth.periodStart, standing);
    for (const threshold of warnAt) {
      const before = standing.get(threshold);
      if (!truth.reached.includes(threshold)) {
        standing.delete(threshold);
      } else if (before === undefined || !before.told || truth.allowance > before.allowance) {
        standing.set(threshold, { allowance: truth.allowance, told: false });
      }
    }
    return standing;
  }
}

let users = 0;

async function liveThrough(client: pg.Client, steps: readonly Step[]): Promise<void> {
  users += 1;
  const name = `user-${users}`;
  let now = signup;
  const clock = () => client.query(`select set_config('quota.as_of', $1, false)`, [iso(now)]);
  await clock();
  const { rows } = await client.query<{ id: string }>(
    `insert into quota.users (external_id, timezone, created_at) values ($1, 'UTC', $2) returning id`,
    [name, iso(now)],
  );
  const userId = rows[0]?.id ?? '';
  await client.query(
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'small-month')`,
    [userId],
  );
  const model = new Model();
  for (const [index, next] of [...steps, { kind: 'deliver' as const, hours: 7 }].entries()) {
    now += next.hours * hour + 60_000;
    await clock();
    // What time alone has ended is followed up by the job; only then is the model that of a single change.
    await client.query('select quota.reap_grants(100, $1)', [userId]);
    model.follow(await readTruth(client, userId));
    const told = await act(client, { userId, name, now, index }, next);
    const truth = await readTruth(client, userId);
    const standing = model.follow(truth);
    if (told !== null) {
      const due = [...standing].filter(([, { told: isTold }]) => !isTold).map(([threshold]) => threshold);
      expect(told.map(({ threshold }) => threshold).sort((a, b) => a - b)).toEqual(due.sort((a, b) => a - b));
      for (const alert of told) {
        expect(alert).toMatchObject({ percent: truth?.percent, user: { externalId: name } });
        expect([Number(alert.used), Number(alert.limit)]).toEqual([truth?.used, truth?.allowance]);
        standing.set(alert.threshold, { allowance: truth?.allowance ?? 0, told: true });
      }
    }
  }
  const { rows: wrong } = await client.query(
    `select from quota.usage_quotas q where q.user_id = $1 and not q.superseded
       and q.period_start <= quota.now() and q.period_end > quota.now() and quota.alerts_differ(q)`,
    [userId],
  );
  expect(wrong).toEqual([]);
  // Of any period: who lists what has reached something finds it by its marks.
  const { rows: unmarked } = await client.query(
    `select from quota.usage_quotas q where q.user_id = $1 and quota.marks_differ(q) and q.alerted is not null`,
    [userId],
  );
  expect(unmarked).toEqual([]);
}

interface Moment {
  userId: string;
  name: string;
  now: number;
  index: number;
}

/** What a receiver was told; null, if this is nothing to do with receivers. */
async function act(client: pg.Client, moment: Moment, next: Step): Promise<Told[] | null> {
  const { userId, name, now, index } = moment;
  switch (next.kind) {
    case 'call':
      await client.query(`select quota.record($1, 'voice', $2, $3)`, [
        name,
        `${name}-${index}`,
        next.seconds,
      ]);
      return null;
    case 'correct':
      // What is told more than a day late is of the past.
      await client.query(
        `update quota.call_logs l set duration_seconds = $2
         where l.id = (
           select max(id) from quota.call_logs where user_id = $1 and ended_at > quota.now() - interval '1 day')`,
        [userId, next.seconds],
      );
      return null;
    case 'grant':
      await client.query(
        `insert into quota.grants (user_id, meter, quantity, expires_at, reason)
         values ($1, 'voice_seconds', $2, $3, 'test')`,
        [userId, next.seconds, next.seconds % 3 === 0 ? iso(now + next.seconds * hour) : null],
      );
      return null;
    case 'plan':
      await client.query(`select quota.change_plan(array[$1::uuid], $2, 'test')`, [userId, next.plan]);
      return null;
    case 'reset':
      await client.query(`select quota.lock_allowance($1, 'voice')`, [userId]);
      await client.query(
        `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
         select c.user_id, c.meter, c.period_start, 'reset', -c.used, 0, 'test'
         from quota.current_quotas($1) c where c.used > 0`,
        [userId],
      );
      return null;
    case 'resetJob':
      await client.query(`select quota.reset_due('signup', 100, gen_random_uuid(), $1)`, [userId]);
      return null;
    case 'fail':
      // The wait of what failed is over by the next step.
      await tell(client, () => Promise.reject(new Error('no pager')));
      await client.query(
        `update quota.alert_deliveries set next_attempt_at = quota.now() where user_id = $1`,
        [userId],
      );
      return null;
    case 'deliver': {
      const told: Told[] = [];
      await tell(client, async (body) => void told.push(JSON.parse(body)));
      return told;
    }
  }
}

async function tell(client: pg.Client, receive: (body: string) => Promise<void>): Promise<void> {
  const target: AlertTarget = { name: 'test', send: ({ body }) => receive(body) };
  const delivery = { target, maxAgeSeconds: 400 * 86_400, redact: (text: string) => text };
  await deliverAlerts(client, { ...delivery, signal: new AbortController().signal }, 20);
}

test('whatever happens to a user, in any order, what is told is what is true, once per allowance', async () => {
  await desk.query(
    `insert into quota.plans (key, service, name) select k, 'voice', k from unnest($1::text[]) k`,
    [Object.keys(plans)],
  );
  await desk.query(
    `insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, warn_at)
     select p.key, 'voice_seconds', p.quantity, case when p.key like '%-month' then interval '1 month' end, $3
     from unnest($1::text[], $2::numeric[]) p(key, quantity)`,
    [Object.keys(plans), Object.values(plans), warnAt],
  );
  await desk.session((client) =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), (steps) =>
        liveThrough(client, steps),
      ),
      { numRuns: runs },
    ),
  );
}, 600_000);
