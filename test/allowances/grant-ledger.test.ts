import type pg from 'pg';
import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import fc from '../fast-check.ts';

const desk = useDesk();
const runs = Number(process.env.QUOTA_TEST_HISTORIES ?? 200);

const hour = 3_600_000;
const signup = Date.parse('2026-01-15T09:00:00Z');
const iso = (at: number) => new Date(at).toISOString();

/** One thing that happens to a user; the hours are those that passed since the one before. */
type Step = { hours: number } & (
  | { kind: 'call'; seconds: number; lateHours: number }
  | { kind: 'grant'; seconds: number; livesHours: number | null }
  | { kind: 'revoke'; which: number }
  | { kind: 'resetJob' }
  | { kind: 'reap' }
  | { kind: 'manualReset' }
  | { kind: 'zone'; zone: string }
  | { kind: 'plan'; plan: string }
);

const hours = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 48 }) },
  { weight: 2, arbitrary: fc.integer({ min: 49, max: 900 }) },
  { weight: 1, arbitrary: fc.integer({ min: 901, max: 2_300 }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      hours,
      seconds: fc.integer({ min: 1, max: 700 }),
      lateHours: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 900 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      hours,
      seconds: fc.integer({ min: 1, max: 900 }),
      livesHours: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 1_500 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), hours, which: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resetJob' as const), hours }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reap' as const), hours }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('manualReset' as const), hours }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('zone' as const),
      hours,
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/Los_Angeles', 'Pacific/Auckland'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('plan' as const),
      hours,
      plan: fc.constantFrom('ledger-month', 'ledger-ever', 'ledger-large', 'ledger-weeks'),
    }),
  },
);

interface Grant {
  id: string;
  quantity: number;
  createdAt: number;
  endsAt: number;
}
interface Period {
  start: number;
  end: number;
  limit: number;
  superseded: boolean;
  supersededAt: number;
}
interface Use {
  at: number;
  seconds: number;
  /** Of a correction: the period that it belongs to. */
  periodStart: number | null;
}

/** What the plain model remembers of one user. */
class History {
  readonly grants: Grant[] = [];
  readonly uses: Use[] = [];

  used(period: Period, until: number): number {
    return this.uses
      .filter(({ at, periodStart }) =>
        periodStart === null ? at >= period.start && at < period.end : periodStart === period.start,
      )
      .filter(({ at }) => until >= period.end || at < until)
      .reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** What each grant gave, by a walk through all hours at which anything begins or ends. */
  given(periods: readonly Period[], now: number): Map<string, { before: number; running: number }> {
    const given = new Map(this.grants.map(({ id }) => [id, { before: 0, running: 0 }]));
    const inOrder = [...this.grants].sort((a, b) => a.endsAt - b.endsAt || Number(a.id) - Number(b.id));
    for (const { period, from, to } of this.stretches(periods, now)) {
      const all = this.used(period, Number.POSITIVE_INFINITY);
      const beyond = (until: number) => Math.max(Math.min(this.used(period, until), all) - period.limit, 0);
      let taken = 0;
      for (const grant of inOrder) {
        const sums = given.get(grant.id) ?? { before: 0, running: 0 };
        const until = Math.min(to, grant.endsAt);
        if (grant.endsAt <= from || grant.createdAt >= period.end || all <= period.limit) {
          continue;
        }
        const covered = beyond(until) - (from <= period.start ? 0 : beyond(from)) - taken;
        const share = Math.max(0, Math.min(grant.quantity - sums.before - sums.running, covered));
        taken += share;
        sums[to > now ? 'running' : 'before'] += share;
      }
    }
    return given;
  }

  /** Each instant belongs to one period: one that holds, the earliest; else the one that was given up last. */
  stretches(periods: readonly Period[], now: number) {
    const begun = periods.filter(({ start }) => start <= now);
    const bounds = [...new Set(begun.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
    const found: { period: Period; from: number; to: number }[] = [];
    for (const [index, from] of bounds.slice(0, -1).entries()) {
      const to = bounds[index + 1] ?? from;
      const [period] = begun
        .filter(({ start, end }) => start <= from && end >= to)
        .sort(
          (a, b) =>
            Number(a.superseded) - Number(b.superseded) ||
            (a.superseded ? b.supersededAt - a.supersededAt : 0) ||
            a.start - b.start,
        );
      const last = found.at(-1);
      if (period !== undefined && last?.period === period && last.to === from) {
        last.to = to;
      } else if (period !== undefined && from <= now) {
        found.push({ period, from, to });
      }
    }
    return found;
  }
}

async function readPeriods(client: pg.Client, userId: string): Promise<Period[]> {
  const { rows } = await client.query<Record<string, string | null>>(
    `select extract(epoch from nullif(period_start, '-infinity')) * 1000 as start,
       extract(epoch from nullif(period_end, 'infinity')) * 1000 as "end", limit_quantity as "limit", superseded::text,
       extract(epoch from closed_at) * 1000 as closed
     from quota.usage_quotas where user_id = $1`,
    [userId],
  );
  return rows.map(({ start, end, limit, superseded, closed }) => ({
    start: start === null ? Number.NEGATIVE_INFINITY : Number(start),
    end: end === null ? Number.POSITIVE_INFINITY : Number(end),
    limit: Number(limit),
    superseded: superseded === 'true',
    supersededAt: Number(closed),
  }));
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
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'ledger-month')`,
    [userId],
  );
  const history = new History();
  for (const [index, next] of steps.entries()) {
    now += next.hours * hour + 60_000; // Never two things at one instant.
    await clock();
    await act(client, { history, userId, name, now, index }, next);
  }
  await compare(client, { history, userId, name, now });
}

interface Standing {
  history: History;
  userId: string;
  name: string;
  now: number;
}

async function act(client: pg.Client, standing: Standing & { index: number }, next: Step): Promise<void> {
  const { history, userId, name, now, index } = standing;
  switch (next.kind) {
    case 'call': {
      const at = Math.max(now - next.lateHours * hour - 700_000, signup + 1_000);
      history.uses.push({ at, seconds: next.seconds, periodStart: null });
      await client.query(
        `insert into quota.call_logs (user_id, service, provider, provider_call_id, status, started_at, ended_at, duration_seconds)
         values ($1, 'voice', 'test', $2, 'completed', $3, $3, $4)`,
        [userId, `${name}-${index}`, iso(at), next.seconds],
      );
      return;
    }
    case 'grant': {
      const endsAt =
        next.livesHours === null ? Number.POSITIVE_INFINITY : now + next.livesHours * hour + 30_000;
      const { rows } = await client.query<{ id: string }>(
        `insert into quota.grants (user_id, meter, quantity, expires_at, reason) values ($1, 'voice_seconds', $2, $3, 'test')
         returning id`,
        [userId, next.seconds, next.livesHours === null ? null : iso(endsAt)],
      );
      history.grants.push({ id: rows[0]?.id ?? '', quantity: next.seconds, createdAt: now, endsAt });
      return;
    }
    case 'revoke': {
      const grant = history.grants[next.which % Math.max(history.grants.length, 1)];
      if (grant !== undefined) {
        await client.query(`select quota.revoke_grant($1, 'test')`, [grant.id]);
        grant.endsAt = Math.min(grant.endsAt, now);
      }
      return;
    }
    case 'resetJob':
      await client.query(`select quota.reset_due('signup', 100, gen_random_uuid(), $1)`, [userId]);
      return;
    case 'reap':
      await client.query(`select quota.reap_grants(100, $1)`, [userId]);
      return;
    case 'manualReset':
      await manualReset(client, standing);
      return;
    case 'zone':
      await client.query(
        `update quota.subscriptions set timezone = $2, anchor_local = (anchor_local at time zone timezone) at time zone $2
         where user_id = $1`,
        [userId, next.zone],
      );
      return;
    case 'plan':
      await client.query(`select quota.change_plan(array[$1::uuid], $2, 'test')`, [userId, next.plan]);
      return;
  }
}

async function manualReset(client: pg.Client, { userId }: Standing): Promise<void> {
  await client.query(`select quota.lock_allowance($1, 'voice')`, [userId]);
  await client.query(
    `insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
     select c.user_id, c.meter, c.period_start, 'reset', -c.used, 0, 'test'
     from quota.current_quotas($1) c where c.used > 0`,
    [userId],
  );
}

/** Resets, and what a change of zone carries along: they are facts, as calls are. */
async function readAdjustments(client: pg.Client, userId: string): Promise<Use[]> {
  const { rows } = await client.query<{ start: string | null; quantity: string; at: string }>(
    `select extract(epoch from nullif(period_start, '-infinity')) * 1000 as start, quantity,
       extract(epoch from created_at) * 1000 as at
     from quota.adjustments where user_id = $1`,
    [userId],
  );
  return rows.map(({ start, quantity, at }) => ({
    at: Number(at),
    seconds: Number(quantity),
    periodStart: start === null ? Number.NEGATIVE_INFINITY : Number(start),
  }));
}

async function compare(client: pg.Client, { history, userId, now }: Standing): Promise<void> {
  history.uses.push(...(await readAdjustments(client, userId)));
  const given = history.given(await readPeriods(client, userId), now);
  const { rows: ledger } = await client.query(
    `select l.id, l.given::float8 as before, l.given_running::float8 as running
     from quota.grant_ledger($1, 'voice_seconds') l order by l.id`,
    [userId],
  );
  const expected = [...given]
    .map(([id, sums]) => ({ id, ...sums }))
    .sort((a, b) => Number(a.id) - Number(b.id));
  expect(ledger).toEqual(expected);
  // By sets, which is put down by itself, it is the same.
  const { rows: bySets } = await client.query(
    `select g.granted - quota.granted_now($1, 'voice_seconds') as difference
     from quota.granted_of(array[$1::uuid], array['voice_seconds']) g`,
    [userId],
  );
  expect(bySets).toEqual([{ difference: expect.stringMatching(/^0(\.0*)?$/) }]);
  for (const { id, before, running } of ledger) {
    const quantity = history.grants.find((grant) => grant.id === id)?.quantity ?? 0;
    expect(before + running).toBeLessThanOrEqual(quantity);
  }
  const left = history.grants
    .filter(({ endsAt }) => endsAt > now)
    .reduce((sum, { id, quantity }) => sum + quantity - (given.get(id)?.before ?? 0), 0);
  const ended = history.grants
    .filter(({ endsAt }) => endsAt <= now)
    .reduce((sum, { id }) => sum + (given.get(id)?.running ?? 0), 0);
  const { rows } = await client.query<{ used: string; limit: string; remaining: string; allowed: boolean }>(
    `select c.allowed, c.used, c."limit", c.remaining
     from quota.check((select external_id from quota.users where id = $1), 'voice') c`,
    [userId],
  );
  const [answer] = rows;
  const allowance = Number(answer?.limit) + left + ended - Number(answer?.used);
  expect(Number(answer?.remaining)).toBe(Math.max(allowance, 0));
  expect(answer?.allowed).toBe(allowance > 0);

  // What is kept of it, and judged by, is the same once time alone has been followed up.
  await client.query('select quota.reap_grants(100, $1)', [userId]);
  const { rows: kept } = await client.query<{ granted: number; exhausted: boolean }>(
    `select q.granted::float8 as granted, q.exhausted_at is not null as exhausted from quota.usage_quotas q
     where q.user_id = $1 and not q.superseded and q.period_start <= quota.now() and q.period_end > quota.now()`,
    [userId],
  );
  expect(kept).toEqual(kept.length === 0 ? [] : [{ granted: left + ended, exhausted: allowance <= 0 }]);
}

// A call that began while a grant lived and is told after its end: it takes what the grant had left.
const toldAfterTheEndOfAGrant: Step[] = [
  { kind: 'grant', hours: 2, seconds: 40, livesHours: null },
  { kind: 'call', hours: 9, seconds: 590, lateHours: 0 },
  { kind: 'revoke', hours: 1, which: 0 },
  { kind: 'call', hours: 1, seconds: 35, lateHours: 2 },
];

const plans = ['ledger-month', 'ledger-large', 'ledger-ever', 'ledger-weeks'];

test('whatever happens to a user, in any order, what grants gave is what the facts say, and never more', async () => {
  await desk.query(
    `insert into quota.plans (key, service, name) select k, 'voice', k from unnest($1::text[]) k`,
    [plans],
  );
  await desk.query(
    `insert into quota.plan_limits (plan, meter, limit_quantity, reset_every, reset_anchor, on_exceeded)
     values ('ledger-month', 'voice_seconds', 600, '1 month', 'signup', 'block'),
       ('ledger-large', 'voice_seconds', 1500, '1 month', 'signup', 'block'),
       ('ledger-ever', 'voice_seconds', 1000, null, 'signup', 'block'),
       ('ledger-weeks', 'voice_seconds', 300, '10 days', 'signup', 'block')`,
  );
  await desk.session((client) =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), (steps) =>
        liveThrough(client, steps),
      ),
      { numRuns: runs, examples: [[toldAfterTheEndOfAGrant]] },
    ),
  );
  const { checks } = JSON.parse((await desk.at('2030-01-01T00:00:00Z').run('doctor', '--json')).stdout);
  const counts = Object.fromEntries(
    checks.map(({ check, count }: Record<string, unknown>) => [check, count]),
  );
  expect(counts).toMatchObject({ usage: 0, coverage: 0, grants: 0 });
}, 900_000);

test('the doctor finds an extra allowance that nobody granted, and one that was taken away', async () => {
  await desk.addUser({ externalId: 'eve', createdAt: '2026-09-05T09:00:00Z' });
  const now = desk.at('2026-09-07T00:00:00Z');
  await now.json('user', 'grant', 'eve', 'voice_seconds', '300', '--reason', 'sorry', '--yes');
  const found = async () => {
    const { checks } = JSON.parse((await now.run('doctor', '--user', 'eve', '--json')).stdout);
    return checks.find(({ check }: Record<string, unknown>) => check === 'grants');
  };
  expect(await found()).toMatchObject({ count: 0 });
  await desk.query(`update quota.usage_quotas set granted = 9000 where granted = 300`);
  expect(await found()).toMatchObject({
    count: 1,
    findings: [{ externalId: 'eve', granted: '9000.000', grantedByFacts: '300.000' }],
  });
});
