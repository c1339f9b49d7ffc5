import type pg from 'pg';
import { isDiscrepancy, type Kind, kinds, type Resolution } from './kinds.ts';

/** Why more or less was billed than logged, as far as bill and logs tell. */
export type Cause =
  | 'billed-again'
  | 'never-began'
  | 'not-logged'
  | 'not-ours'
  | 'not-billed'
  | 'duration'
  | 'cost'
  | 'day'
  | 'running'
  | 'other-user'
  | 'cost-unknown';

/** Discrepancies of one kind, cause and resolution. Sums are exact decimals. */
export interface CauseSums {
  id: string;
  kind: Kind;
  cause: Cause;
  resolution: Resolution | null;
  count: number;
  billed: string;
  logged: string;
  /** Of those that were billed more than logged, by how much; and the other way round. */
  overCount: number;
  over: string;
  underCount: number;
  under: string;
}

/**
 * A month that was reconciled a moment ago is in no statistics: the planner would expect one row of it, and look through
 * all lines for each of what may be many thousands. Of a case it expects half the rows, and joins by hashing.
 */
const stored = `
  select d.reconciliation_id, d.kind, d.export_id, d.line, d.log_id, d.billed, d.logged, d.resolution
  from quota.discrepancies d where case when d.reconciliation_id = any ($1) then d.is_current end`;

/** A trial stores items and no discrepancies; resolutions are those of what was found before and is the same. */
const tried = `
  select i.reconciliation_id, i.kind, i.export_id, i.line, i.log_id, i.billed, i.logged, d.resolution
  from quota.reconciliation_items i
  left join quota.discrepancies d on d.reconciliation_id = i.reconciliation_id and d.kind = i.kind and d.is_current
    and coalesce(d.export_id, 0) = coalesce(i.export_id, 0) and coalesce(d.line, 0) = coalesce(i.line, 0)
    and coalesce(d.log_id, 0) = coalesce(i.log_id, 0) and coalesce(d.day, 'epoch') = coalesce(i.day, 'epoch')
    and coalesce(d.model, '') = coalesce(i.model, '') and d.billed = i.billed and d.logged = i.logged
  where case when i.reconciliation_id = any ($1) then i.kind in (${kinds
    .filter(isDiscrepancy)
    .map((kind) => `'${kind}'`)
    .join(', ')}) end`;

/** What differs in some months, by what it comes from. */
export async function selectCauses(
  client: pg.ClientBase,
  ids: readonly string[],
  { isTrial = false } = {},
): Promise<CauseSums[]> {
  const { rows } = await client.query<CauseSums>(
    `select d.reconciliation_id as id, d.kind, d.cause, d.resolution, count(*)::integer as count,
       sum(d.billed)::text as billed, sum(d.logged)::text as logged,
       (count(*) filter (where d.billed > d.logged))::integer as "overCount",
       coalesce(sum(d.billed - d.logged) filter (where d.billed > d.logged), 0)::text as over,
       (count(*) filter (where d.billed < d.logged))::integer as "underCount",
       coalesce(sum(d.logged - d.billed) filter (where d.billed < d.logged), 0)::text as under
     from (
       select x.*, case
           when x.kind = 'duplicate_line' then 'billed-again'
           -- Money can be compared only where both sides state it.
           when (l.export_id is not null and l.cost is null) or (g.id is not null and g.cost is null) then 'cost-unknown'
           when l.kind = 'call' and l.status = 'ended' and l.started_at is null and l.cost > 0
             and coalesce(l.duration_seconds, 0) = 0 then 'never-began'
           when x.kind = 'unlogged' and a.user_id is null and l.assistant_id is not null then 'not-ours'
           when x.kind = 'unlogged' then 'not-logged'
           when x.kind = 'unbilled' then 'not-billed'
           when x.kind = 'duration_mismatch' then 'duration'
           when x.kind = 'cost_mismatch' then 'cost'
           when x.kind = 'aggregate_mismatch' then 'day'
           when x.kind = 'unsettled' then 'running'
           else 'other-user'
         end as cause
       from (${isTrial ? tried : stored}) x
       left join quota.billing_lines l on l.export_id = x.export_id and l.line = x.line
       left join quota.call_logs g on g.id = x.log_id
       left join quota.assistants a on a.provider_assistant_id = l.assistant_id
     ) d
     group by d.reconciliation_id, d.kind, d.cause, d.resolution
     order by d.reconciliation_id, d.kind, d.cause, d.resolution nulls first`,
    [ids],
  );
  return rows;
}
