import { fillFunction, layOutFunction } from './bulk-functions-store.ts';
import { literal, quoted } from './expression.ts';
import {
  keyExpression,
  keyParts,
  type PlacedSource,
  rowExpression,
  functionSettings as settings,
} from './row-expression.ts';

const takers = { users: 'take_users', assistants: 'take_assistants', calls: 'take_calls', jobs: 'take_jobs' };

/** Longer than this no statement of the app waits for anything of ours: then its rows wait instead. */
const lockTimeout = '250ms';

/** As many rows of one statement are tried one by one when all together cannot be taken. */
const oneByOneMax = 100;

/** The functions of a source, by its id: they are made when it is attached. */
export function sourceFunctions(id: number, placed: PlacedSource, timezone: string): string[] {
  const { source, table } = placed;
  const row = rowExpression(placed, timezone);
  const order = source.key.map((column) => `r.${quoted(column)}`).join(', ');
  const after = keyParts(source, table, 'p_after').join(', ');
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
  taken integer;
begin
  -- Whoever writes to one of these rows holds its link: rows are read once that is held, so that none is
  -- overwritten by what it was before.
  perform from quota.adopt_links l where l.source = ${id} and l.key = any (p_keys) order by l.key for update;
  select array_agg(${keyExpression(source)}), quota.${takers[source.kind]}(${id}, array_agg(${row}))
  into there, taken
  from unnest(p_keys) k join ${table.relation} r on (${order}) = (${keyParts(source, table, 'k').join(', ')})
  having count(*) > 0;
  return coalesce(there, '{}');
end $fn$`,
    `create or replace function quota_adopt.source_${id}_lost(p_size integer) returns text[]
language plpgsql stable ${settings}
as $fn$
begin
  return array(
    select l.key from quota.adopt_links l
    where l.source = ${id} and l.call_log_id is not null and not exists (
      select from ${table.relation} r where (${order}) = (${keyParts(source, table, 'l.key').join(', ')}))
    limit p_size);
end $fn$`,
    liveFunction(id, placed, row),
  ];
}

/**
 * What the triggers of the app's table run. Nothing that it names of ours is looked up before it is inside the
 * block that catches everything: whatever is broken, the app's statement goes on.
 */
function liveFunction(id: number, { source }: PlacedSource, row: string): string {
  const key = keyExpression(source);
  const oldKeys = `array(select ${key} from old_rows r)`;
  const forget = source.onDelete === 'remove' || source.kind === 'assistants' || source.kind === 'jobs';
  const bury = (
    rows: string,
    operation: string,
  ) => `perform quota.bury_row(${id}, ${key}, '${operation}', to_jsonb(r), sqlerrm)
      from ${rows} r;`;
  return `create or replace function quota_adopt.source_${id}_live() returns trigger
language plpgsql ${settings} set lock_timeout = ${literal(lockTimeout)}
as $fn$
declare
  many bigint;
  one text;
begin
  begin
    if tg_op = 'DELETE' then
      ${forget ? `perform quota.forget_rows(${id}, ${oldKeys});` : 'null;'}
      return null;
    end if;
    if tg_op = 'UPDATE' then
      perform from quota.adopt_links l
      where l.source = ${id} and l.key in (select ${key} from new_rows r) order by l.key for update;
    end if;
    ${
      source.kind === 'calls'
        ? `perform quota.take_written(${id}, array_agg(${row}), tg_op = 'INSERT') from new_rows r having count(*) > 0;`
        : `perform quota.${takers[source.kind]}(${id}, array_agg(${row})) from new_rows r having count(*) > 0;`
    }
    if tg_op = 'UPDATE' then
      -- A row whose key was changed is not there under its former one.
      perform quota.forget_rows(${id}, array_agg(o.key))
      from (select ${key} from old_rows r except select ${key} from new_rows r) o(key)
      having count(*) > 0;
    end if;
    return null;
  exception when others or assert_failure then
    if tg_op = 'DELETE' then
      ${bury('old_rows', 'remove')}
      return null;
    end if;
    select count(*) into many from (select from new_rows limit ${oneByOneMax + 1}) n;
    if many = 1 or many > ${oneByOneMax} or sqlstate in ('55P03', '40P01') then
      ${bury('new_rows', 'take')}
      return null;
    end if;
  end;
  -- One of several rows cannot be taken: the others are.
  for one in select ${key} from new_rows r loop
    begin
      perform quota.${takers[source.kind]}(${id}, array_agg(${row})) from new_rows r where ${key} = one;
    exception when others or assert_failure then
      perform quota.bury_row(${id}, one, 'take', to_jsonb(r), sqlerrm) from new_rows r where ${key} = one;
    end;
  end loop;
  return null;
exception when others or assert_failure then
  -- Not even that could be kept: the row is found by the next backfill, and missed by verify until then.
  return null;
end $fn$`;
}

/** The statements that put the triggers of a source on the app's table. */
export const triggerStatements = (id: number, { table }: PlacedSource): string[] => [
  `create trigger quota_adopt_${id}_insert after insert on ${table.relation} referencing new table as new_rows
   for each statement execute function quota_adopt.source_${id}_live()`,
  `create trigger quota_adopt_${id}_update after update on ${table.relation}
   referencing old table as old_rows new table as new_rows
   for each statement execute function quota_adopt.source_${id}_live()`,
  `create trigger quota_adopt_${id}_delete after delete on ${table.relation} referencing old table as old_rows
   for each statement execute function quota_adopt.source_${id}_live()`,
];
