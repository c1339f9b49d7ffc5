import { literal } from './expression.ts';
import { holdOthers } from './hold-links-store.ts';
import {
  countsExpression,
  fieldsOf,
  keyExpression,
  type PlacedSource,
  rowExpression,
  functionSettings as settings,
  takers,
} from './row-expression.ts';

/** Longer than this no statement of the app waits for anything of ours: then its rows wait instead. */
const lockTimeout = '250ms';

/** As many rows of one statement are tried one by one when all together cannot be taken. */
const oneByOneMax = 100;

/**
 * What the triggers of the app's table run. Nothing that it names of ours is looked up before it is inside the
 * block that catches everything: whatever is broken, the app's statement goes on.
 */
export function liveFunction(id: number, placed: PlacedSource, timezone: string): string {
  const { source } = placed;
  const row = rowExpression(placed, timezone);
  const countsAlone = source.kind === 'calls' && source.fields.user !== undefined;
  const key = keyExpression(source);
  const oldKeys = `array(select ${key} from old_rows r)`;
  const formerKeys = `(select ${key} from old_rows r except select ${key} from new_rows r) o(key)`;
  const bury = (rows: string, operation: string, how = 'bury_row') =>
    `perform quota.${how}(${id}, ${key}, '${operation}', to_jsonb(r), sqlerrm) from ${rows} r;`;
  const buryFormer = (how = 'bury_row') =>
    `perform quota.${how}(${id}, o.key, 'remove', null, sqlerrm) from ${formerKeys};`;
  // Who takes up one of these rows at this moment has read it as it was before: what comes after that is written after it.
  // Links of calls that are not there yet are made by who counts them, or takes them back.
  const hold = (keys: string) =>
    source.kind === 'calls'
      ? `perform from quota.adopt_links l where l.source = ${id} and l.key = any (${keys}) order by l.key for update;`
      : holdOthers(id, source.kind, keys);
  const isTakenBack = source.kind === 'assistants' || source.kind === 'jobs';
  const holdFormer = (keys: string) => (isTakenBack ? hold(keys) : '');
  // A wait that is over at the moment at which another begins is told by the server as if somebody had cancelled the
  // statement. Who has done so before ours can have waited for too long, or to many rows, is heard.
  const caught = `when others or assert_failure or query_canceled then`;
  const heed = `if sqlstate = '57014' and (many > ${oneByOneMax} or clock_timestamp() < began + interval ${literal(lockTimeout)}) then
      raise;
    end if;`;
  const count = (rows: string) =>
    `select count(*) into many from (select from ${rows} limit ${oneByOneMax + 1}) n;`;
  return `create or replace function quota_adopt.source_${id}_live() returns trigger
language plpgsql ${settings} set lock_timeout = ${literal(lockTimeout)}
as $fn$
declare
  began timestamptz := clock_timestamp();
  many bigint;
  one text;
  ${countsAlone ? 'told record;\n  whose uuid;\n  log bigint;' : ''}
begin
  begin
    if tg_op = 'DELETE' then
      ${holdFormer(oldKeys)}
      ${isTakenBack || source.onDelete === 'remove' ? `perform quota.forget_rows(${id}, ${oldKeys});` : 'null;'}
      return null;
    end if;
    ${countsAlone ? countOne(id, placed, timezone) : ''}
    ${hold(`array(select ${key} from new_rows r)`)}
    if tg_op = 'UPDATE' then
      ${holdFormer(`array(select o.key from ${formerKeys})`)}
      -- A row whose key was changed is not there under its former one, and leaves its call to the new one.
      perform quota.forget_rows(${id}, array_agg(o.key))
      from ${formerKeys} having count(*) > 0;
    end if;
    perform quota.${takers[source.kind]}(${id}, array_agg(${row})) from new_rows r having count(*) > 0;
    return null;
  exception ${caught}
    if tg_op = 'DELETE' then
      ${count('old_rows')}
    else
      ${count('new_rows')}
    end if;
    ${heed}
    if tg_op = 'DELETE' then
      ${bury('old_rows', 'remove')}
      return null;
    end if;
    if many = 1 or many > ${oneByOneMax} or sqlstate in ('55P03', '40P01', '57014') then
      ${bury('new_rows', 'take')}
      if tg_op = 'UPDATE' then
        ${buryFormer()}
      end if;
      return null;
    end if;
  end;
  if tg_op = 'UPDATE' then
    for one in select o.key from ${formerKeys} loop
      begin
        ${holdFormer('array[one]')}
        perform quota.forget_rows(${id}, array[one]);
      exception ${caught}
        ${heed}
        perform quota.bury_row(${id}, one, 'remove', null, sqlerrm);
      end;
    end loop;
  end if;
  -- One of several rows cannot be taken: the others are.
  for one in select ${key} from new_rows r loop
    begin
      ${hold('array[one]')}
      perform quota.${takers[source.kind]}(${id}, array_agg(${row})) from new_rows r where ${key} = one;
    exception ${caught}
      ${heed}
      perform quota.bury_row(${id}, one, 'take', to_jsonb(r), sqlerrm) from new_rows r where ${key} = one;
    end;
  end loop;
  return null;
exception ${caught}
  ${heed}
  begin
    -- Who takes these rows up at this moment holds what is known of them, and has read them as they were before.
    if tg_op = 'DELETE' then
      ${bury('old_rows', 'remove', 'bury_again')}
      return null;
    end if;
    ${bury('new_rows', 'take', 'bury_again')}
    if tg_op = 'UPDATE' then
      ${buryFormer('bury_again')}
    end if;
  exception ${caught}
    ${heed}
    null; -- Not even that could be kept: the row is found by the next backfill, and missed by verify until then.
  end;
  return null;
end $fn$`;
}

/**
 * Counts one new row of a user who is known, which is what apps write all day. Making a statement ready costs more than
 * what it does: these are few and plain, and know the columns of the source. What is not so is for the sets.
 */
function countOne(id: number, placed: PlacedSource, timezone: string): string {
  const { source } = placed;
  const { user, service, ...fields } = fieldsOf(placed, timezone);
  const columns = Object.entries(fields).map(([name, value]) => [
    name === 'assistant' ? 'assistant_id' : name,
    value,
  ]);
  const isTold = ([, value]: string[]) => !/^(nullif\()?null::/.test(value ?? '');
  const told = columns.filter(isTold);
  const hasCallId = told.some(([name]) => name === 'provider_call_id');
  return `if tg_op = 'INSERT' then
      select ${keyExpression(source)} as key, ${countsExpression(source)} as is_there, ${user} as user_name,
        ${told.map(([name, value]) => `${value} as ${name}`).join(', ')},
        (select count(*) from (select from new_rows limit 2) n) as rows
      into told from new_rows r limit 1;
      if told.rows = 1 and told.is_there and told.status in ('active', 'completed', 'error')
        and told.started_at <= quota.now() + interval '1 day'
      then
        select u.id, nextval('quota.call_logs_id_seq') into whose, log from quota.users u
        where u.external_id = told.user_name and u.erased_at is null${
          hasCallId
            ? `
          and not exists (
            select from quota.call_logs o
            where o.provider = told.provider and o.provider_call_id = told.provider_call_id)`
            : ''
        };
        if found then
          insert into quota.adopt_links (source, key, call_log_id) values (${id}, told.key, log) on conflict do nothing;
          if found then
            insert into quota.call_logs (id, user_id, service, ${told.map(([name]) => name).join(', ')})
            overriding system value
            values (log, whose, ${service}, ${told.map(([name]) => `told.${name}`).join(', ')});
            if exists (select from quota.adopt_mirrors) then
              perform quota.refresh_mirrors(array[whose], ${service});
            end if;
            return null;
          end if;
        end if;
      end if;
    end if;`;
}

/** The statements that put the triggers of a source on the app's table, or on a partition of it. */
export const triggerStatements = (id: number, relation: string): string[] => [
  `create trigger quota_adopt_${id}_insert after insert on ${relation} referencing new table as new_rows
   for each statement execute function quota_adopt.source_${id}_live()`,
  `create trigger quota_adopt_${id}_update after update on ${relation}
   referencing old table as old_rows new table as new_rows
   for each statement execute function quota_adopt.source_${id}_live()`,
  `create trigger quota_adopt_${id}_delete after delete on ${relation} referencing old table as old_rows
   for each statement execute function quota_adopt.source_${id}_live()`,
];
