import type pg from 'pg';
import { readRows } from '../../db/cursor.ts';
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
  const { sql, values } = userListQuery(request, after);
  for await (const { orderPercent, orderName, ...row } of readRows<EntryRow>(
    client,
    sql,
    values,
    'in turn',
  )) {
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
const percentOf = 'quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)';
const isExhausted = 'quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)';

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
 * Users with a meter in one of the states, found by sets: the few among a million. The state is asked of what has reached
 * a threshold. What is not open has nothing used, and is beyond a limit of nothing.
 */
const alarmedUsers = (states: readonly string[], bind: Bind) => `
  select q.user_id from quota.usage_quotas q
  where ${isRunning} and (${percentOf} >= any (q.warn_at) or ${isExhausted})
    and quota.quota_state(${percentOf}, ${isExhausted}, q.warn_at) = any (${bind(states)})
  ${
    states.includes('exceeded')
      ? `union
         select z.user_id from quota.subscriptions z
         where z.plan in (select plan from quota.plan_limits where limit_quantity = 0 or cost_limit = 0)`
      : ''
  }`;

/** What every user of a service has used, by sets, to put them in order. */
const fullestPercents = (among: string) => `
  select q.user_id, m.service, max(${percentOf}) as percent
  from quota.usage_quotas q join quota.meters m on m.key = q.meter
  where ${isRunning} ${among}
  group by q.user_id, m.service`;

const isAlarm = (states: readonly string[]) => states.length > 0 && !states.includes('ok');

/** Materialized: inlined, each parallel worker would make the whole set again. */
function preparedSets({ states, order }: UserListRequest, bind: Bind): string {
  const among = isAlarm(states) ? 'and q.user_id in (select user_id from alarmed)' : '';
  const sets = [
    ...(isAlarm(states) ? [`alarmed as materialized (${alarmedUsers(states, bind)})`] : []),
    ...(order === 'percent' ? [`fullest as materialized (${fullestPercents(among)})`] : []),
  ];
  return sets.length > 0 ? `with ${sets.join(', ')}` : '';
}

/** Who is listed, in which order; what is said of them is looked up once the page is cut. */
function listedKeys(request: UserListRequest, after: ListPosition | undefined, bind: Bind): string {
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
    conditions.push('s.user_id in (select user_id from alarmed)');
  }
  if (search !== undefined) {
    const text = bind(search);
    const found = ['external_id', 'email', 'name'].map(
      (column) => `strpos(lower(u.${column}), lower(${text})) > 0`,
    );
    conditions.push(`(${found.join(' or ')})`);
  }
  const percent = isByPercent ? 'coalesce(f.percent, 0)' : '0::numeric';
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
       left join fullest f on f.user_id = s.user_id and f.service = s.service`
    : 'quota.users u left join quota.subscriptions s on s.user_id = u.id';
  return `
    select ${isByPercent ? 's.user_id' : 'u.id'} as user_id, s.service, s.plan, ${percent} as percent, ${name} as name,
      ${service} as place
    from ${source}
    where ${conditions.join(' and ') || 'true'}`;
}

function userListQuery(request: UserListRequest, after: ListPosition | undefined) {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const { states, limit, order } = request;
  const keys = listedKeys(request, after, bind);
  const positionOf = (a: string) =>
    `${order === 'percent' ? `${a}.percent desc, ` : ''}${a}.name, ${a}.place`;
  // The state of a meter is dear to know: asked for after all that is cheap, where that leaves few, and in their order,
  // so that a page is full after a few of them.
  const fence = states.includes('ok') ? '' : `order by ${positionOf('l')} offset 0`;
  const chosen =
    states.length > 0
      ? `select k.* from (select * from (${keys}) l ${fence}) k cross join lateral (${fullestMeter}) n where n.state = any (${bind(states)})`
      : keys;
  const sql = `${preparedSets(request, bind)}
    select u.id, u.external_id as "externalId", u.email, u.name, k.service, k.plan, n.meter, n.unit,
      n.limit_quantity::text as limit, n.granted::numeric(20,3)::text as granted, n.used::numeric(20,3)::text as used,
      greatest(n.limit_quantity + n.granted - n.used, 0)::numeric(20,3)::text as remaining, n.percent::text as percent,
      n.state, n.runs_out_at as "runsOutAt", s.limit_enforced_at as "limitEnforcedAt", s.next_reset_at as "nextResetAt",
      k.percent::text as "orderPercent", k.name::text as "orderName"
    from (
      select * from (${chosen}) c order by ${positionOf('c')} ${limit === undefined ? '' : `limit ${bind(limit)}`}
    ) k
    join quota.users u on u.id = k.user_id
    left join quota.subscriptions s on s.user_id = k.user_id and s.service = k.service
    left join lateral (${fullestMeter}) n on true
    order by ${positionOf('k')}`;
  return { sql, values };
}
