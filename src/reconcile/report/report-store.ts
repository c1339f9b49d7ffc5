import type pg from 'pg';
import { countedLines, countedLogs, monthBounds } from '../match/counted-store.ts';
import type { Kind, Resolution } from '../match/kinds.ts';
import { discrepancyColumns, discrepancyJoins, type Entry, utc } from '../resolve/discrepancy-store.ts';

/** Sums as exact decimals; difference is billed − logged. */
export interface Sums {
  count: number;
  billed: string;
  logged: string;
  difference: string;
}

/** An export with where it came from. Instants are ISO 8601 UTC. */
export interface ReportExport {
  source: string;
  format: string;
  sha256: string;
  lines: number;
  billed: string;
  currency: string | null;
  loadedAt: string;
  loadedBy: string;
}

export async function selectReportExports(client: pg.ClientBase, id: string): Promise<ReportExport[]> {
  const { rows } = await client.query<ReportExport>(
    `select e.source, e.format, e.sha256, e.lines, e.billed, e.currency, ${utc('e.loaded_at')} as "loadedAt",
       e.loaded_by as "loadedBy"
     from quota.reconciliation_exports x join quota.billing_exports e on e.id = x.export_id
     where x.reconciliation_id = $1 order by e.id`,
    [id],
  );
  return rows;
}

export interface DaySums extends Sums {
  /** UTC; null where a fee names no day. */
  day: string | null;
}

/** Joins and sums over a month of millions in memory, until the transaction ends. */
export async function allowMemory(client: pg.ClientBase): Promise<void> {
  await client.query("set local work_mem = '128MB'");
}

/** The totals by day: by the clock of the bill where there is a line, else by that of the log. */
export async function selectDays(client: pg.ClientBase, id: string): Promise<DaySums[]> {
  const { rows } = await client.query<DaySums>(
    `with items as (
       select coalesce(i.day, l.day, (coalesce(l.started_at, l.created_at) at time zone 'UTC')::date) as day, i.billed, i.logged
       from quota.reconciled_items i
       left join quota.billing_lines l on l.export_id = i.export_id and l.line = i.line
         and l.export_id = any (array(select x.export_id from quota.reconciliation_exports x where x.reconciliation_id = $1))
       where i.reconciliation_id = $1 and i.kind not in ('outside_month', 'duplicate_line')
         and (i.line is not null or i.log_id is null)
       union all
       select (g.started_at at time zone 'UTC')::date, i.billed, i.logged
       from quota.reconciliation_items i join quota.call_logs g on g.id = i.log_id
       where i.reconciliation_id = $1 and i.line is null and i.kind not in ('outside_month', 'duplicate_line')
     )
     select day::text as day, count(*)::integer as count, sum(billed) as billed, sum(logged) as logged,
       sum(billed) - sum(logged) as difference
     from items group by items.day order by items.day`,
    [id],
  );
  return rows;
}

/** The seconds of the bill and those that were logged, by the day on which a call began. */
export async function selectDaySeconds(client: pg.ClientBase, id: string): Promise<DaySums[]> {
  const { rows } = await client.query<DaySums>(
    `with month as (
       ${monthBounds} where r.id = $1
     ), sums as (
       select coalesce(l.day, (coalesce(l.started_at, l.created_at) at time zone 'UTC')::date) as day,
         l.duration_seconds as billed, null::numeric as logged
       from ${countedLines}
       union all
       select (g.started_at at time zone 'UTC')::date, null, g.duration_seconds
       from ${countedLogs}
     )
     select day::text as day, greatest(count(billed), count(logged))::integer as count, coalesce(sum(billed), 0) as billed,
       coalesce(sum(logged), 0) as logged, coalesce(sum(billed), 0) - coalesce(sum(logged), 0) as difference
     from sums group by sums.day order by sums.day`,
    [id],
  );
  return rows;
}

export interface UserSums extends Sums {
  /** External id; null: of assistants that nobody here has, or of sums that name no user. */
  user: string | null;
  open: number;
}

/** Whose calls differ, the largest difference first, either way; and how many users there are. */
export async function selectUsers(
  client: pg.ClientBase,
  id: string,
  countMax: number,
): Promise<{ users: UserSums[]; total: number }> {
  const { rows } = await client.query<UserSums & { total: number }>(
    `select u.external_id as "user", d.count, d.open, d.billed, d.logged, d.billed - d.logged as difference,
       d.total
     from (
       select coalesce(user_id, owner_id) as user_id, count(*)::integer as count,
         count(*) filter (where resolution is null)::integer as open, sum(billed) as billed, sum(logged) as logged,
         count(*) over ()::integer as total
       from quota.discrepancies where reconciliation_id = $1 and is_current group by 1
     ) d
     left join quota.users u on u.id = d.user_id
     order by abs(d.billed - d.logged) desc, d.count desc, u.external_id limit $2`,
    [id, countMax],
  );
  return { users: rows.map(({ total: _, ...sums }) => sums), total: rows[0]?.total ?? 0 };
}

export interface KindDetail extends Sums {
  kind: Kind;
  open: number;
  /** What is not among `entries`. */
  rest: Sums;
}

/** Discrepancies of the last run, each kind from its largest difference on. */
const ranked = `
  ranked as materialized (
    select d.*, row_number() over (partition by d.kind order by abs(d.billed - d.logged) desc,
      abs(coalesce(d.billed_seconds, 0) - coalesce(d.logged_seconds, 0)) desc, d.id) as place
    from quota.discrepancies d where d.reconciliation_id = $1 and d.is_current
  )`;

/** What differs, by kind; `rest` is what is beyond the first `entriesMax` of each. */
export async function selectKindDetails(
  client: pg.ClientBase,
  id: string,
  entriesMax: number,
): Promise<KindDetail[]> {
  const { rows } = await client.query<KindDetail>(
    `with ${ranked}, sums as (
       select kind, count(*)::integer as count, count(*) filter (where resolution is null)::integer as open,
         sum(billed) as billed, sum(logged) as logged, count(*) filter (where place > $2)::integer as rest_count,
         coalesce(sum(billed) filter (where place > $2), 0) as rest_billed,
         coalesce(sum(logged) filter (where place > $2), 0) as rest_logged
       from ranked group by kind
     )
     select kind, count, open, billed, logged, billed - logged as difference,
       json_build_object('count', rest_count, 'billed', rest_billed::text, 'logged', rest_logged::text,
         'difference', (rest_billed - rest_logged)::text) as rest
     from sums`,
    [id, entriesMax],
  );
  return rows;
}

/** The first `entriesMax` of each kind, from the largest difference on. */
export async function selectEntries(client: pg.ClientBase, id: string, entriesMax: number): Promise<Entry[]> {
  const { rows } = await client.query<Entry>(
    `with ${ranked}
     select ${discrepancyColumns} from ranked d ${discrepancyJoins} where d.place <= $2 order by d.kind, d.place`,
    [id, entriesMax],
  );
  return rows;
}

/** What was resolved and is no longer found: calls that were back-filled, logs that were corrected. */
export async function selectSettled(client: pg.ClientBase, id: string, entriesMax: number): Promise<Entry[]> {
  const { rows } = await client.query<Entry>(
    `select ${discrepancyColumns} from quota.discrepancies d ${discrepancyJoins}
     where d.reconciliation_id = $1 and not d.is_current
     order by abs(d.billed - d.logged) desc, d.id limit $2`,
    [id, entriesMax],
  );
  return rows;
}

export interface StateSums extends Sums {
  /** Null: nobody has resolved it. */
  resolution: Resolution | null;
  /** Of `count`, those that the last run no longer found. */
  settled: number;
}

export async function selectStates(client: pg.ClientBase, id: string): Promise<StateSums[]> {
  const { rows } = await client.query<StateSums>(
    `select resolution, count(*)::integer as count, count(*) filter (where not is_current)::integer as settled,
       sum(billed) as billed, sum(logged) as logged, sum(billed) - sum(logged) as difference
     from quota.discrepancies where reconciliation_id = $1
     group by resolution order by resolution nulls first`,
    [id],
  );
  return rows;
}

/** Something that was done to a month. */
export interface ReportEvent {
  at: string;
  actor: string;
  action: string;
  reason: string | null;
  after: Record<string, unknown> | null;
}

/** The latest first. */
export async function selectEvents(
  client: pg.ClientBase,
  { provider, month }: { provider: string; month: string },
  countMax: number,
): Promise<ReportEvent[]> {
  const { rows } = await client.query<ReportEvent>(
    `select ${utc('a.at')} as at, a.actor, a.action, quota.audit_reason(a) as reason, a.after
     from quota.audit_log a
     where a.subject = $1
       and a.action in ('reconciliation.run', 'reconciliation.close', 'reconciliation.reopen', 'discrepancy.resolve')
     order by a.id desc limit $2`,
    [`${provider} ${month}`, countMax],
  );
  return rows;
}
