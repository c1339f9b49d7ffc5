import type pg from 'pg';

export interface AttachedExport {
  source: string;
  sha256: string;
  lines: number;
}

export async function selectAttached(client: pg.ClientBase, id: string): Promise<AttachedExport[]> {
  const { rows } = await client.query<AttachedExport>(
    `select e.source, e.sha256, e.lines
     from quota.reconciliation_exports x join quota.billing_exports e on e.id = x.export_id
     where x.reconciliation_id = $1 order by e.id`,
    [id],
  );
  return rows;
}

/** Whether an export has a line of the month of a reconciliation, or speaks of it and says that nothing was billed. */
export async function hasLineOfMonth(client: pg.ClientBase, id: string, exportId: number): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `select exists (
       select 1 from quota.reconciliations r
       join quota.billing_lines l on l.export_id = $2
         and (l.invoice_month = r.month
           or (coalesce(l.started_at, l.created_at, l.day::timestamp at time zone 'UTC') >= r.month::timestamp at time zone 'UTC'
             and coalesce(l.started_at, l.created_at, l.day::timestamp at time zone 'UTC')
               < (r.month + interval '1 month') at time zone 'UTC'))
       where r.id = $1)
     or exists (
       select 1 from quota.reconciliations r join quota.billing_exports e on e.id = $2
       where r.id = $1 and case when e.covered_from is null then e.lines = 0
         else e.covered_from < (r.month + interval '1 month') at time zone 'UTC' and e.covered_until > r.month::timestamp at time zone 'UTC'
       end) as has`,
    [id, exportId],
  );
  return rows[0]?.has === true;
}

/** Returns whether the export was not attached before. */
export async function attachExport(client: pg.ClientBase, id: string, exportId: number): Promise<boolean> {
  const { rowCount } = await client.query(
    'insert into quota.reconciliation_exports values ($1, $2) on conflict do nothing',
    [id, exportId],
  );
  return rowCount === 1;
}

/** Takes other readings of the files of these exports from a month; they stay stored. Returns how many. */
export async function detachOtherReadings(
  client: pg.ClientBase,
  id: string,
  kept: readonly number[],
): Promise<number> {
  const { rowCount } = await client.query(
    `delete from quota.reconciliation_exports x
     using quota.billing_exports former, quota.billing_exports e
     where x.reconciliation_id = $1 and former.id = x.export_id and e.id = any ($2) and x.export_id <> all ($2)
       and e.provider = former.provider and e.sha256 = former.sha256`,
    [id, kept],
  );
  return rowCount ?? 0;
}

/** The currencies of the exports of a month. */
export async function selectCurrencies(client: pg.ClientBase, id: string): Promise<string[]> {
  const { rows } = await client.query<{ currency: string }>(
    `select distinct e.currency
     from quota.reconciliation_exports x join quota.billing_exports e on e.id = x.export_id
     where x.reconciliation_id = $1 and e.currency is not null order by 1`,
    [id],
  );
  return rows.map(({ currency }) => currency);
}

export interface RepeatingExport {
  source: string;
  lines: number;
  /** How many of them were billed before. */
  repetitions: number;
  /** Of these, sums and fees. */
  sums: number;
}

/** The exports of a month that have lines which were billed before, and how many. */
export async function selectRepeated(client: pg.ClientBase, id: string): Promise<RepeatingExport[]> {
  const { rows } = await client.query<RepeatingExport>(
    `select e.source, e.lines, i.repetitions, i.sums
     from (
       select i.export_id, count(*)::integer as repetitions, count(*) filter (where l.kind <> 'call')::integer as sums
       from quota.reconciliation_items i join quota.billing_lines l on l.export_id = i.export_id and l.line = i.line
       where i.reconciliation_id = $1 and i.kind = 'duplicate_line' group by 1
     ) i join quota.billing_exports e on e.id = i.export_id order by e.id`,
    [id],
  );
  return rows;
}

/** A day of which an export that repeats states more than what counts. */
export interface LargerDay {
  source: string;
  day: string;
  stated: string;
  counted: string;
}

/** The days of a month whose sums an export states higher than the exports that count, by more than a cent. */
export async function selectLargerDays(client: pg.ClientBase, id: string): Promise<LargerDay[]> {
  const { rows } = await client.query<LargerDay>(
    `with sums as (
       select l.export_id, l.day, sum(l.cost) as stated, bool_or(i.kind = 'duplicate_line') as repeats,
         sum(sum(l.cost) filter (where i.kind is distinct from 'duplicate_line')) over (partition by l.day) as counted
       from quota.reconciliation_exports x
       join quota.billing_lines l on l.export_id = x.export_id and l.kind = 'aggregate' and l.cost is not null
       left join quota.reconciliation_items i
         on i.reconciliation_id = $1 and i.export_id = l.export_id and i.line = l.line and i.kind = 'duplicate_line'
       where x.reconciliation_id = $1
       group by 1, 2
     )
     select e.source, s.day::text as day, s.stated, coalesce(s.counted, 0) as counted
     from sums s join quota.billing_exports e on e.id = s.export_id
     where s.repeats and s.stated > coalesce(s.counted, 0) + 0.01 order by e.id, s.day`,
    [id],
  );
  return rows;
}

/** Takes all but these exports from a month; they stay stored. Returns how many. */
export async function detachOthers(
  client: pg.ClientBase,
  id: string,
  kept: readonly number[],
): Promise<number> {
  const { rowCount } = await client.query(
    'delete from quota.reconciliation_exports where reconciliation_id = $1 and export_id <> all ($2)',
    [id, kept],
  );
  return rowCount ?? 0;
}

/** Takes the exports of a format from a month; they stay stored. Returns how many. */
export async function detachFormat(client: pg.ClientBase, id: string, format: string): Promise<number> {
  const { rowCount } = await client.query(
    `delete from quota.reconciliation_exports x using quota.billing_exports e
     where x.reconciliation_id = $1 and e.id = x.export_id and e.format = $2`,
    [id, format],
  );
  return rowCount ?? 0;
}

/** Takes these exports from a month; they stay stored. Returns how many. */
export async function detachExports(
  client: pg.ClientBase,
  id: string,
  exportIds: readonly number[],
): Promise<number> {
  const { rowCount } = await client.query(
    'delete from quota.reconciliation_exports where reconciliation_id = $1 and export_id = any ($2)',
    [id, exportIds],
  );
  return rowCount ?? 0;
}
