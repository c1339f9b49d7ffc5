import type pg from 'pg';
import { notFoundError } from '../../errors.ts';
import type { CellFormat } from '../../files/cells.ts';
import type { DateOrder } from '../../values/spreadsheet.ts';

/** How the CSV of somebody is read. */
export interface SavedMapping {
  /** `theirs=ours` pairs. */
  columns: string[];
  provider: string | null;
  dateOrder: DateOrder | null;
  assumeUtc: boolean;
  decimal: NonNullable<CellFormat['decimal']> | null;
  currency: string | null;
  feesWithoutDate: boolean;
}

/** @throws notFoundError naming the mappings that there are */
export async function selectMapping(client: pg.ClientBase, name: string): Promise<SavedMapping> {
  const { rows } = await client.query<SavedMapping & { name: string }>(
    `select name, columns, provider, date_order as "dateOrder", assume_utc as "assumeUtc", decimal_sign as decimal, currency,
       fees_without_date as "feesWithoutDate"
     from quota.export_mappings order by name`,
  );
  const found = rows.find((row) => row.name === name);
  if (found === undefined) {
    throw notFoundError(`no mapping "${name}" has been saved`, {
      suggestion:
        rows.length > 0
          ? `one of ${rows.map((row) => row.name).join(', ')}`
          : `save one: --map … --save-mapping ${name}`,
    });
  }
  const { name: _, ...mapping } = found;
  return mapping;
}

/** Keeps a mapping under a name; writes nothing where it is kept like that already. */
export async function saveMapping(client: pg.ClientBase, name: string, mapping: SavedMapping): Promise<void> {
  await client.query(
    `insert into quota.export_mappings as m
       (name, columns, provider, date_order, assume_utc, decimal_sign, currency, fees_without_date)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (name) do update
     set columns = excluded.columns, provider = excluded.provider, date_order = excluded.date_order,
       assume_utc = excluded.assume_utc, decimal_sign = excluded.decimal_sign, currency = excluded.currency,
       fees_without_date = excluded.fees_without_date, saved_at = quota.now(), saved_by = quota.actor()
     where (m.columns, m.provider, m.date_order, m.assume_utc, m.decimal_sign, m.currency, m.fees_without_date)
       is distinct from (excluded.columns, excluded.provider, excluded.date_order, excluded.assume_utc,
         excluded.decimal_sign, excluded.currency, excluded.fees_without_date)`,
    [
      name,
      mapping.columns,
      mapping.provider,
      mapping.dateOrder,
      mapping.assumeUtc,
      mapping.decimal,
      mapping.currency,
      mapping.feesWithoutDate,
    ],
  );
}
