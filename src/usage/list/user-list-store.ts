import type pg from 'pg';
import { type Query, readParts } from '../../db/cursor.ts';
import type { UserListEntry, UserListRequest } from './user-list.ts';

/** Where a page begins: after this entry of the same order. */
export interface ListPosition {
  /** Always 0 in the order of names. */
  percent: string;
  /** The external id; in the order of percent the id, so that nobody is looked up who is not listed. */
  name: string;
  /** Empty for a user without subscription. */
  service: string;
}

type EntryRow = Omit<UserListEntry, 'runsOutAt' | 'limitEnforcedAt' | 'nextResetAt'> & {
  runsOutAt: Date | null;
  limitEnforcedAt: Date | null;
  nextResetAt: Date | null;
  orderPercent: string;
  orderName: string;
};

export interface PlacedEntry {
  entry: UserListEntry;
  position: ListPosition;
}

/** The entries in their order, as they come. */
export async function* selectUserList(
  client: pg.ClientBase,
  request: UserListRequest,
  after: ListPosition | undefined,
): AsyncGenerator<PlacedEntry> {
  const rows = readParts<EntryRow>(
    client,
    partsOf(request, after).map((part) => (rowsBefore) => userListQuery(request, after, part, rowsBefore)),
    // There is an index in the order of names alone, which is of no use to find the few that are beyond something.
    request.order === 'percent' || isAlarm(request.states) ? 'sorted first' : 'in turn',
  );
  for await (const { orderPercent, orderName, ...row } of rows) {
    yield {
      entry: {
        ...row,
        runsOutAt: row.runsOutAt?.toISOString() ?? null,
        limitEnforcedAt: row.limitEnforcedAt?.toISOString() ?? null,
        nextResetAt: row.nextResetAt?.toISOString() ?? null,
      },
      position: { percent: orderPercent, name: orderName, service: row.service ?? '' },
    };
  }
}

export async function selectPlanNames(client: pg.ClientBase): Promise<{ plan: string; service: string }[]> {
  const { rows } = await client.query<{ plan: string; service: string }>(
    'select key as plan, service from quota.plans order by service, key',
  );
  return rows;
}

type Bind = (value: unknown) => string;

/** The quotas of the running periods that are open; what is not open has nothing used. */
const isRunning = `not q.superseded and q.period_start <= (select quota.now()) and q.period_end > (select quota.now())`;
const percentOf = (q: string) =>
  `quota.percent_used(${q}.used, ${q}.limit_quantity + ${q}.granted, ${q}.cost, ${q}.cost_limit)`;
const isExhausted = (q: string) =>
  `quota.is_exhausted(${q}.used, ${q}.limit_quantity + ${q}.granted, ${q}.cost, ${q}.cost_limit)`;

/** By themselves ("offset 0"): a planner that is told what is asked of them takes reading them by an index for cheaper. */
const running = (beside?: string) => `
  select q.user_id, q.meter, q.used, q.limit_quantity, q.granted, q.cost, q.cost_limit, q.warn_at
    ${beside === undefined ? '' : `, ${beside}`}
  from quota.usage_quotas q where ${isRunning} offset 0`;

/** Of a key `k`, the meter that is nearest to its limit. */
const fullestMeter = `
  select m.key as meter, m.unit, t.limit_quantity, t.granted, t.used, p.percent,
    quota.quota_state(p.percent, quota.is_exhausted(t.used, t.limit_quantity + t.granted, t.cost, t.cost_limit), t.warn_at)
      as state,
    quota.runs_out_at(t.used, q.adjusted, t.limit_quantity + t.granted, t.cost, t.cost_limit,
      case when t.cost_limit is not null then quota.adjusted_cost(q.user_id, q.meter, q.period_start) end, q.calls,
      q.period_start, q.period_end, quota.now()) as runs_out_at
  from quota.plan_limits l
  join quota.meters m on m.key = l.meter
  left join quota.usage_quotas q on q.user_id = k.user_id and q.meter = l.meter and ${isRunning}
  cross join lateral (select
    case when q.user_id is null then l.limit_quantity else q.limit_quantity end,
    case when q.user_id is null then l.cost_limit else q.cost_limit end,
    coalesce(q.granted, 0), coalesce(q.used, 0), coalesce(q.cost, 0), coalesce(q.warn_at, l.warn_at)
  ) t(limit_quantity, cost_limit, granted, used, cost, warn_at)
  cross join lateral quota.percent_used(t.used, t.limit_quantity + t.granted, t.cost, t.cost_limit) p(percent)
  where l.plan = k.plan
  order by p.percent desc nulls last, m.key
  limit 1`;

/**
 * Users and services with a meter in one of the states, found by sets: the few among a million. What tells most apart is
 * asked first, of what is running alone. What is not open has nothing used, and is beyond a limit of nothing.
 */
function alarmed(states: readonly string[], bind: Bind): string {
  const isSo = [
    ...(states.includes('exceeded') ? ['r.is_exhausted'] : []),
    ...(states.some((state) => state !== 'exceeded')
      ? [
          `not r.is_exhausted and ${percentOf('r')} >= any (r.warn_at)
           and quota.quota_state(${percentOf('r')}, false, r.warn_at) = any (${bind(states)})`,
        ]
      : []),
  ];
  return `
    select r.user_id, m.service
    from (${running(`${isExhausted('q')} as is_exhausted`)}) r join quota.meters m on m.key = r.meter
    where ${isSo.join(' or ')}
    ${
      states.includes('exceeded')
        ? `union
           select z.user_id, z.service from quota.subscriptions z
           where z.plan in (select plan from quota.plan_limits where limit_quantity = 0 or cost_limit = 0)`
        : ''
    }`;
}

/** What users have used of a service, by sets, to put them in order. */
const fullestPercents = (quotas: string, condition = 'true') => `
  select r.user_id, m.service, max(${percentOf('r')}) as percent
  from (${quotas}) r join quota.meters m on m.key = r.meter
  where ${condition}
  group by r.user_id, m.service`;

const isAlarm = (states: readonly string[]) => states.length > 0 && !states.includes('ok');

/** A part of a list that follows the one before: in the order of percent, those who have used up all come first. */
type ListPart = 'all' | 'used up' | 'rest';

/** Whoever looks at the fullest sees those who have used up all; to find these, how full the others are is not worked out. */
function partsOf({ order, states }: UserListRequest, after: ListPosition | undefined): ListPart[] {
  if (order !== 'percent' || isAlarm(states)) {
    return ['all'];
  }
  return after !== undefined && Number(after.percent) < 100 ? ['rest'] : ['used up', 'rest'];
}

/** Materialized: inlined, each parallel worker would make the whole set again. */
function preparedSets({ states, order }: UserListRequest, part: ListPart, bind: Bind): string {
  const quotas = part === 'used up' ? `select * from (${running()}) r where ${isExhausted('r')}` : running();
  const among = isAlarm(states)
    ? '(r.user_id, m.service) in (select user_id, service from alarmed)'
    : undefined;
  const sets = [
    ...(isAlarm(states) ? [`alarmed as materialized (${alarmed(states, bind)})`] : []),
    ...(order === 'percent' ? [`fullest as materialized (${fullestPercents(quotas, among)})`] : []),
  ];
  return sets.length > 0 ? `with ${sets.join(', ')}` : '';
}

/** Who is listed, in which order; what is said of them is looked up once the page is cut. */
function listedKeys(
  request: UserListRequest,
  after: ListPosition | undefined,
  part: ListPart,
  bind: Bind,
): string {
  const { services, plans, states, limited, search, order } = request;
  const isByPercent = order === 'percent';
  const conditions: string[] = [];
  if (services.length > 0) {
    conditions.push(`s.service = any (${bind(services)})`);
  }
  if (plans.length > 0) {
    conditions.push(`s.plan = any (${bind(plans)})`);
  }
  if (limited) {
    conditions.push('s.limit_enforced_at is not null');
  }
  if (isAlarm(states)) {
    conditions.push('(s.user_id, s.service) in (select user_id, service from alarmed)');
  }
  if (search !== undefined) {
    const text = bind(search);
    const found = ['external_id', 'email', 'name'].map(
      (column) => `strpos(lower(u.${column}), lower(${text})) > 0`,
    );
    conditions.push(`(${found.join(' or ')})`);
  }
  const percent = isByPercent ? 'coalesce(f.percent, 0)' : '0::numeric';
  if (part === 'rest') {
    conditions.push(`${percent} < 100`);
  }
  const name = isByPercent ? 's.user_id' : 'u.external_id';
  const service = `coalesce(s.service, '')`;
  const searchesNames = !isByPercent || search !== undefined;
  if (after !== undefined) {
    const fromName = `${bind(after.name)}::${isByPercent ? 'uuid' : 'text'}`;
    const fromService = `${bind(after.service)}::text`;
    conditions.push(
      isByPercent
        ? `(-${percent}, ${name}, ${service}) > (-${bind(after.percent)}::numeric, ${fromName}, ${fromService})`
        : `${name} >= ${fromName} and (${name}, ${service}) > (${fromName}, ${fromService})`,
    );
  }
  const source = isByPercent
    ? `quota.subscriptions s ${searchesNames ? 'join quota.users u on u.id = s.user_id' : ''}
       ${part === 'used up' ? '' : 'left'} join fullest f on f.user_id = s.user_id and f.service = s.service`
    : 'quota.users u left join quota.subscriptions s on s.user_id = u.id';
  return `
    select ${isByPercent ? 's.user_id' : 'u.id'} as user_id, s.service, s.plan, ${percent} as percent, ${name} as name,
      ${service} as place
    from ${source}
    where ${conditions.join(' and ') || 'true'}`;
}

function userListQuery(
  request: UserListRequest,
  after: ListPosition | undefined,
  part: ListPart,
  rowsBefore: number,
): Query {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const { states, limit, order } = request;
  const keys = listedKeys(request, after, part, bind);
  const positionOf = (a: string) =>
    `${order === 'percent' ? `${a}.percent desc, ` : ''}${a}.name, ${a}.place`;
  // The state of a meter is dear to know: asked for after all that is cheap, where that leaves few, and in their order,
  // so that a page is full after a few of them.
  const fence = states.includes('ok') ? '' : `order by ${positionOf('l')} offset 0`;
  const chosen =
    states.length > 0
      ? `select k.* from (select * from (${keys}) l ${fence}) k cross join lateral (${fullestMeter}) n where n.state = any (${bind(states)})`
      : keys;
  const sql = `${preparedSets(request, part, bind)}
    select u.id, u.external_id as "externalId", u.email, u.name, k.service, k.plan, n.meter, n.unit,
      n.limit_quantity::text as limit, n.granted::numeric(20,3)::text as granted, n.used::numeric(20,3)::text as used,
      greatest(n.limit_quantity + n.granted - n.used, 0)::numeric(20,3)::text as remaining, n.percent::text as percent,
      n.state, n.runs_out_at as "runsOutAt", s.limit_enforced_at as "limitEnforcedAt", s.next_reset_at as "nextResetAt",
      k.percent::text as "orderPercent", k.name::text as "orderName"
    from (
      select * from (${chosen}) c order by ${positionOf('c')} ${limit === undefined ? '' : `limit ${bind(limit - rowsBefore)}`}
    ) k
    join quota.users u on u.id = k.user_id
    left join quota.subscriptions s on s.user_id = k.user_id and s.service = k.service
    left join lateral (${fullestMeter}) n on true
    order by ${positionOf('k')}`;
  return { sql, values };
}
