import { fillFunction, layOutFunction } from './bulk-functions-store.ts';
import { quoted } from './expression.ts';
import { holdOthers } from './hold-links-store.ts';
import { liveFunction } from './live-functions-store.ts';
import {
  compositeTypes,
  keyExpression,
  keyParts,
  type PlacedSource,
  rowExpression,
  functionSettings as settings,
  takers,
} from './row-expression.ts';

/** The functions of a source, by its id: they are made when it is attached. */
export const sourceFunctions = (id: number, placed: PlacedSource, timezone: string): string[] => [
  ...rowFunctions(id, placed, timezone, { areWritten: true }),
  liveFunction(id, placed, timezone),
];

/** Those that read the rows of its table; `areWritten`: by others, while they are taken up. */
export function rowFunctions(
  id: number,
  placed: PlacedSource,
  timezone: string,
  { areWritten }: { areWritten: boolean },
): string[] {
  const { source, table } = placed;
  const row = rowExpression(placed, timezone);
  const order = source.key.map((column) => `r.${quoted(column)}`).join(', ');
  const after = keyParts(source, table, 'p_after').join(', ');
  const asked = `unnest(p_keys) k join ${table.relation} r on (${order}) = (${keyParts(source, table, 'k').join(', ')})`;
  const holdCalls = `insert into quota.adopt_links (source, key)
  select ${id}, k from unnest(p_keys) k
  where k is not null and not exists (select from quota.adopt_links l where l.source = ${id} and l.key = k)
  order by k
  on conflict do nothing;
  perform from quota.adopt_links l where l.source = ${id} and l.key = any (p_keys) order by l.key for update;`;
  const holdWritten = areWritten ? holdOthers(id, source.kind, 'p_keys') : '';
  const endGone = `
  -- No link is kept of a job that is gone.
  perform quota.end_jobs(${id}, array(select k from unnest(p_keys) k where k <> all (coalesce(there, '{}'))));`;
  return [
    `create or replace function quota_adopt.source_${id}_keys(p_after text, p_size integer) returns text[]
language plpgsql stable ${settings}
as $fn$
begin
  return case when p_after is null
    then array(select ${keyExpression(source)} from ${table.relation} r order by ${order} limit p_size)
    else array(select ${keyExpression(source)} from ${table.relation} r where (${order}) > (${after})
      order by ${order} limit p_size) end;
end $fn$`,
    ...(source.kind === 'calls' ? [layOutFunction(id, placed, timezone), fillFunction(id, placed)] : []),
    `create or replace function quota_adopt.source_${id}_take(p_keys text[]) returns text[]
language plpgsql ${settings}
as $fn$
declare
  there text[];
  told quota.${compositeTypes[source.kind]}[];
begin
  -- Whoever writes to one of these rows holds its link: rows are read once that is held, so that none is overwritten by
  -- what it was before, and none that is gone comes back. A link that is not there yet cannot be held: it is made first.
  ${source.kind === 'calls' ? holdCalls : holdWritten}
  select array_agg(${keyExpression(source)}), array_agg(${row}) into there, told from ${asked};
  perform quota.${takers[source.kind]}(${id}, told) where told is not null;${source.kind === 'jobs' && areWritten ? endGone : ''}
  return coalesce(there, '{}');
end $fn$`,
    `create or replace function quota_adopt.source_${id}_lost(p_size integer) returns text[]
language plpgsql stable ${settings}
as $fn$
begin
  return array(
    select l.key from quota.${source.kind === 'assistants' ? 'adopt_assistants' : 'adopt_links'} l
    where l.source = ${id}${source.kind === 'calls' ? ' and l.call_log_id is not null' : ''} and not exists (
      select from ${table.relation} r where (${order}) = (${keyParts(source, table, 'l.key').join(', ')}))
    limit p_size);
end $fn$`,
  ];
}
