import type { PlacedSource } from './row-expression.ts';
import { keyExpression, rowExpression } from './row-expression.ts';

/** Selects the rows of a source as calls, as of now; those that wait to be understood are left out. */
export const rowsOf = (id: number, placed: PlacedSource, timezone: string): string =>
  `select (c.call).* from (
     select ${rowExpression(placed, timezone)} as call from ${placed.table.relation} r
     where not exists (select from quota.adopt_dead d where d.source = ${id} and d.key = ${keyExpression(placed.source)})
     offset 0) c`;
