import type { PlacedSource } from './row-expression.ts';
import { keyExpression, rowExpression } from './row-expression.ts';

/** Selects the rows of a source as calls, as of now; those that wait to be understood are left out. */
export const rowsOf = (id: number, placed: PlacedSource, timezone: string): string =>
  `select (c.call).* from (
     select ${rowExpression(placed, timezone)} as call from ${placed.table.relation} r
     where not exists (select from quota.adopt_dead d where d.source = ${id} and d.key = ${keyExpression(placed.source)})
     offset 0) c`;

/** Calls of rows that are gone and stay counted, as calls. */
export const keptOf = (id: number, { source, table }: PlacedSource): string =>
  `select l.key, true, u.external_id, g.service, g.provider, g.provider_call_id, g.assistant_id, g.model, g.status, g.started_at,
     g.ended_at, g.duration_seconds, g.messages, g.words_spoken, g.file_size_bytes, g.cost, g.error_message, g.quantities
   from quota.adopt_links l
   join quota.call_logs g on g.id = l.call_log_id
   join quota.users u on u.id = g.user_id
   where l.source = ${id} and not exists (select from ${table.relation} r where ${keyExpression(source)} = l.key)`;
