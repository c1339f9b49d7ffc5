import type pg from 'pg';
import { isDiscrepancy, type Kind, kinds, type Resolution } from './kinds.ts';

/** Why more or less was billed than logged, as far as bill and logs tell. */
export type Cause =
  | 'billed-again'
  | 'told-again'
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
  /**
   * Of those that were billed more than logged, by how much; and the other way round. What comes again is one sum, since
   * a credit that comes again goes with the charges.
   */
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

/**
 * Which repeated lines the bill proves to be billed again: those that one file has more than once. What another file has
 * is as likely the same bill, saved later or packed; of two such files each copy is claimed once.
 */
const provenCopies = `
  select c.reconciliation_id, c.export_id, c.line, c.told from (
    select c.*, row_number() over (partition by c.reconciliation_id, c.told, c.copy order by c.export_id, c.line) as place
    from (
      select e.reconciliation_id, l.export_id, l.line, l.told, a.line is not null as is_again, row_number() over (
        partition by e.reconciliation_id, l.export_id, l.told order by a.line is not null, l.line) as copy
      from quota.reconciliation_exports e
      join told_lines l on l.export_id = e.export_id
      left join again a on a.reconciliation_id = e.reconciliation_id and a.export_id = l.export_id and a.line = l.line
      where (e.reconciliation_id, e.export_id) in (select reconciliation_id, export_id from again)
    ) c where c.copy > 1 and c.is_again
  ) c where c.place = 1`;

/** What tells a line that comes again: the call's id, else all that a sum or fee states, as the credit of a call does. */
const toldBy = `coalesce('call ' || case when l.kind = 'call' then l.external_id end, md5(
  row(l.kind, l.day, l.charge, l.started_at, l.ended_at, l.cost, l.quantity, l.description, l.model)::text))`;

/** What differs in some months, by what it comes from. */
export async function selectCauses(
  client: pg.ClientBase,
  ids: readonly string[],
  { isTrial = false } = {},
): Promise<CauseSums[]> {
  const { rows } = await client.query<CauseSums>(
    `with found as materialized (${isTrial ? tried : stored}),
     again as materialized (
       select x.reconciliation_id, x.export_id, x.line, ${toldBy} as told
       from found x join quota.billing_lines l on l.export_id = x.export_id and l.line = x.line
       where x.kind = 'duplicate_line'
     ), told_lines as (
       select l.export_id, l.line, ${toldBy} as told from quota.billing_lines l
       where l.export_id = any (array(select distinct export_id from again)) and ${toldBy} in (select told from again)
     ), proven as materialized (${provenCopies})
     select d.reconciliation_id as id, d.kind, d.cause, d.resolution, count(*)::integer as count,
       sum(d.billed)::text as billed, sum(d.logged)::text as logged,
       (count(*) filter (where d.billed > d.logged))::integer as "overCount",
       (case when d.kind = 'duplicate_line' then greatest(sum(d.billed - d.logged), 0)
         else coalesce(sum(d.billed - d.logged) filter (where d.billed > d.logged), 0) end)::text as over,
       (count(*) filter (where d.billed < d.logged))::integer as "underCount",
       (case when d.kind = 'duplicate_line' then greatest(sum(d.logged - d.billed), 0)
         else coalesce(sum(d.logged - d.billed) filter (where d.billed < d.logged), 0) end)::text as under
     from (
       select x.*, case
           when x.kind = 'duplicate_line' then case
             when p.line is not null then 'billed-again'
             -- What was given back of it goes with it.
             when l.kind = 'fee' and l.cost < 0 and (x.reconciliation_id, x.export_id, 'call ' || quota.call_of_line(l)) in (
               select reconciliation_id, export_id, told from proven) then 'billed-again'
             else 'told-again' end
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
       from found x
       left join proven p on p.reconciliation_id = x.reconciliation_id and p.export_id = x.export_id and p.line = x.line
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
