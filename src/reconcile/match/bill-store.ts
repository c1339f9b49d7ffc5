import type pg from 'pg';
import type { LeftOut } from '../../files/bad-lines.ts';

/** What is on the invoice of a month, beside what was used in it. Exact decimals; billed = use + ofOtherMonths − onOtherInvoices. */
export interface Invoice {
  billed: string;
  /** Charged for the month itself: the total of the month here. */
  use: string;
  /** Corrections and charges of other months that this invoice has. */
  ofOtherMonths: string;
  /** Charged for the month, but on the invoice of another one. */
  onOtherInvoices: string;
}

/** What the bill of a month says of itself. */
export interface Bill {
  /** Of its amounts; null where it states none. */
  currency: string | null;
  /** What could not be read of its files and is missing in all sums; null if nothing is. */
  leftOut: LeftOut | null;
  /** Null where the bill does not say on which invoice a charge is: only FOCUS does. */
  invoice: Invoice | null;
}

export async function selectBill(client: pg.ClientBase, id: string): Promise<Bill> {
  const { rows } = await client.query<Bill & { hasInvoices: boolean }>(
    `select min(e.currency) as currency,
       case when sum(e.left_out_lines) > 0 then json_build_object('lines', sum(e.left_out_lines),
         'amount', sum(e.left_out_amount)::text, 'withoutAmount', sum(e.left_out_unknown)) end as "leftOut",
       coalesce(bool_or(e.format = 'focus'), false) as "hasInvoices"
     from quota.reconciliation_exports x join quota.billing_exports e on e.id = x.export_id
     where x.reconciliation_id = $1`,
    [id],
  );
  const { currency = null, leftOut = null, hasInvoices = false } = rows[0] ?? {};
  return { currency, leftOut, invoice: hasInvoices ? await selectInvoice(client, id) : null };
}

/** What was billed before counts once. What names no invoice, beside what does, is on that of its month. */
async function selectInvoice(client: pg.ClientBase, id: string): Promise<Invoice | null> {
  const { rows } = await client.query<Invoice>(
    `select coalesce(sum(l.cost) filter (where l.invoice_month = l.month or (l.invoice_month is null and l.is_used)), 0) as billed,
       coalesce(sum(l.cost) filter (where l.is_used), 0) as use,
       coalesce(sum(l.cost) filter (where l.invoice_month = l.month and not l.is_used), 0) as "ofOtherMonths",
       coalesce(sum(l.cost) filter (where l.is_used and l.invoice_month <> l.month), 0) as "onOtherInvoices"
     from (
       select l.cost, l.invoice_month, r.month,
         coalesce(coalesce(l.started_at, l.created_at, l.day::timestamp at time zone 'UTC') >= r.month::timestamp at time zone 'UTC'
           and coalesce(l.started_at, l.created_at, l.day::timestamp at time zone 'UTC')
             < (r.month + interval '1 month') at time zone 'UTC', true) as is_used
       from quota.reconciliations r
       join quota.reconciliation_exports x on x.reconciliation_id = r.id
       join quota.billing_lines l on l.export_id = x.export_id
       left join quota.reconciliation_items i
         on i.reconciliation_id = r.id and i.export_id = l.export_id and i.line = l.line and i.kind = 'duplicate_line'
       where r.id = $1 and i.kind is null
     ) l having count(l.invoice_month) > 0`,
    [id],
  );
  return rows[0] ?? null;
}
