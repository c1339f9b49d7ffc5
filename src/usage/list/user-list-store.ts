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
  const isInTurn = await goesByName(client, request);
  const rows = readParts<EntryRow>(
    client,
    partsOf(request, after).map(
      (part) => (rowsBefore) => userListQuery(request, { after, part, rowsBefore, isInTurn }),
    ),
    isInTurn ? 'in turn' : 'sorted first',
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

/** Of so many users one is in a state that is asked for, or more: then a page is full soon, going by name. */
const usersEach = 20;

/**
 * Whether the list is read by going down the index of names. It is of no use to find the few that are beyond something, which
 * are sorted; how many those are is told by the index that finds them.
 */
async function goesByName(client: pg.ClientBase, request: UserListRequest): Promise<boolean> {
  const { order, states, services, plans, limited, search } = request;
  if (order === 'percent' || !isAlarm(states)) {
    return order !== 'percent';
  }
  if (services.length + plans.length > 0 || limited || search !== undefined) {
    return false;
  }
  const values: unknown[] = [];
  const { rows } = await client.query<{ are_many: boolean }>(
    `select count(*) * ${usersEach} > (select u.reltuples from pg_class u where u.oid = 'quota.users'::regclass) as are_many
     from (${inStates(states, (value) => `$${values.push(value)}`)}) found`,
    values,
  );
  return rows[0]?.are_many ?? false;
}

type Bind = (value: unknown) => string;

/** How a part of the list is read. */
interface Reading {
  after: ListPosition | undefined;
  part: ListPart;
  rowsBefore: number;
  isInTurn: boolean;
}

/** The quotas of the running periods that are open; what is not open has nothing used. */
const isRunning = `not q.superseded and q.period_start <= (select quota.now()) and q.period_end > (select quota.now())`;
const percentOf = (q: string) =>
  `quota.percent_used(${q}.used, ${q}.limit_quantity + ${q}.granted, ${q}.cost, ${q}.cost_limit)`;
const isExhausted = (q: string) =>
  `quota.is_exhausted(${q}.used, ${q}.limit_quantity + ${q}.granted, ${q}.cost, ${q}.cost_limit)`;

/** By themselves ("offset 0"): a planner that is told what is asked of them takes reading them by an index for cheaper. */
const running = (columns: string) => `
  select q.user_id, q.meter, ${columns} from (select * from quota.usage_quotas q where ${isRunning} offset 0) q`;

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
 * Running quotas in one of the states, warning or beyond, found by what they are marked with: the few among a million. Where
 * that is to be looked at (null), what they come to tells. By each part alone an index has all that is asked of it.
 */
function inStates(states: readonly string[], bind: Bind, beside?: string): string {
  const isMarked = `${isRunning} and (q.exhausted_at is not null or q.alerted is distinct from 0)`;
  const others = states.filter((state) => state !== 'exceeded');
  const levels = others.length > 0 ? bind(others) : undefined;
  const either = (exceeded: string, other: (levels: string) => string) =>
    [
      ...(states.includes('exceeded') ? [exceeded] : []),
      ...(levels === undefined ? [] : [`not (${exceeded}) and ${other(levels)}`]),
    ].join(' or ');
  const columns = `q.user_id, q.meter ${beside === undefined ? '' : `, ${beside}`}`;
  return `
    select ${columns} from quota.usage_quotas q
    where ${isMarked} and q.alerted is not null
      and (${either('q.exhausted_at is not null', (of) => `quota.alert_level(q.alerted, q.warn_at) = any (${of})`)})
    union all
    select ${columns} from (select * from quota.usage_quotas q where ${isMarked} and q.alerted is null offset 0) q
    where ${either(isExhausted('q'), (of) => `quota.quota_state(${percentOf('q')}, false, q.warn_at) = any (${of})`)}`;
}

/** Whose plan allows nothing: what is not open has nothing used, and is beyond that. */
const withoutAllowance = `
  select z.user_id, z.service from quota.subscriptions z
  where z.plan in (select plan from quota.plan_limits where limit_quantity = 0 or cost_limit = 0)`;

/** Users and services with a meter in one of the states; in the order of percent with how full it is. */
function alarmed({ states, order }: UserListRequest, bind: Bind): string {
  const percent = order === 'percent' ? `${percentOf('q')} as percent` : undefined;
  return `
    select r.user_id, m.service ${percent === undefined ? '' : ', r.percent'}
    from (${inStates(states, bind, percent)}) r join quota.meters m on m.key = r.meter
    ${states.includes('exceeded') ? `union ${percent === undefined ? withoutAllowance : fullestWithoutAllowance}` : ''}`;
}

/** The fullest may be another meter of theirs. */
const fullestWithoutAllowance = `
  select z.user_id, z.service, max(${percentOf('q')})
  from (${withoutAllowance}) z
  join quota.meters m on m.service = z.service
  left join quota.usage_quotas q on q.user_id = z.user_id and q.meter = m.key and ${isRunning}
  group by z.user_id, z.service`;

/** What users have used of a service, by sets, to put them in order. */
const fullestPercents = (quotas: string) => `
  select r.user_id, m.service, coalesce(max(r.percent), 0) as percent
  from (${quotas}) r join quota.meters m on m.key = r.meter
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
function preparedSets(request: UserListRequest, part: ListPart, bind: Bind): string {
  const { states, order } = request;
  const percent = `${percentOf('q')} as percent`;
  // A fifth of all have used up all: to touch their pages one by one is no less than to read all of them.
  const quotas = part === 'used up' ? `${running(percent)} where ${isExhausted('q')}` : running(percent);
  const fullest = isAlarm(states)
    ? 'select user_id, service, coalesce(max(percent), 0) as percent from alarmed group by user_id, service'
    : fullestPercents(quotas);
  const sets = [
    ...(isAlarm(states) ? [`alarmed as materialized (${alarmed(request, bind)})`] : []),
    ...(order === 'percent' ? [`fullest as materialized (${fullest})`] : []),
  ];
  return sets.length > 0 ? `with ${sets.join(', ')}` : '';
}

/** Who is listed, in which order; what is said of them is looked up once the page is cut. */
function listedKeys(request: UserListRequest, { after, part, isInTurn }: Reading, bind: Bind): string {
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
  // All of them are in one of the sets: these are put in order before anything is looked up.
  const areFew = isByPercent && (part === 'used up' || isAlarm(states));
  if (isAlarm(states) && !areFew) {
    const isAlarmed = '(s.user_id, s.service) in (select user_id, service from alarmed)';
    // As a value it is looked up for each user whose turn comes; else the planner joins, and sorts.
    conditions.push(isInTurn ? `(${isAlarmed}) is true` : isAlarmed);
  }
  if (search !== undefined) {
    const text = bind(search);
    const found = ['external_id', 'email', 'name'].map(
      (column) => `strpos(lower(u.${column}), lower(${text})) > 0`,
    );
    conditions.push(`(${found.join(' or ')})`);
  }
  const percent = areFew ? 'f.percent' : isByPercent ? 'coalesce(f.percent, 0)' : '0::numeric';
  if (part === 'rest') {
    conditions.push(`${percent} < 100`);
  }
  const name = areFew ? 'f.user_id' : isByPercent ? 's.user_id' : 'u.external_id';
  const service = areFew ? 'f.service' : `coalesce(s.service, '')`;
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
       ${areFew ? '' : 'left'} join fullest f on f.user_id = s.user_id and f.service = s.service`
    : 'quota.users u left join quota.subscriptions s on s.user_id = u.id';
  return `
    select ${isByPercent ? 's.user_id' : 'u.id'} as user_id, s.service, s.plan, ${percent} as percent, ${name} as name,
      ${service} as place
    from ${source}
    where ${conditions.join(' and ') || 'true'}`;
}

function userListQuery(request: UserListRequest, reading: Reading): Query {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const { states, limit, order } = request;
  const { part, rowsBefore } = reading;
  const keys = listedKeys(request, reading, bind);
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
