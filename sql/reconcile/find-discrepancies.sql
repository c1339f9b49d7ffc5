create or replace function quota.find_discrepancies() returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.differing_items, pg_temp.computed_discrepancies;
  create temp table differing_items on commit drop as
  select * from pg_temp.computed_rows c
  where c.kind not in ('matched', 'not_connected', 'outside_month', 'fee');
  analyze pg_temp.differing_items;

  -- The subject names the call, not the place in a file: a newer export of the month keeps what was resolved.
  create temp table computed_discrepancies on commit drop as
  select x.*, case when x.occurrence > 1 then x.about || ' #' || x.occurrence else x.about end as subject
  from (
    select y.*, row_number() over (
      partition by y.kind, y.about order by y.billed, y.export_id, y.line, y.log_id) as occurrence
    from (
      select x.*, coalesce(
        'call ' || x.external_id, 'line ' || x.export_id || ':' || x.line, 'log ' || x.log_id,
        concat_ws(' ', 'day', x.day, x.model)) as about
      from (
    select c.kind, c.export_id, c.line, c.log_id, c.day, c.model,
      coalesce(l.external_id, g.provider_call_id) as external_id,
      coalesce(g.user_id, a.user_id) as user_id, a.user_id as owner_id,
      coalesce(l.assistant_id, g.assistant_id) as assistant_id,
      coalesce(l.started_at, l.created_at, g.started_at, c.day::timestamp at time zone 'UTC') as started_at,
      coalesce(l.duration_seconds, d.billed_seconds) as billed_seconds,
      coalesce(g.duration_seconds, d.logged_seconds) as logged_seconds,
      d.billed_quantity, d.logged_quantity, c.billed, c.logged
    from pg_temp.differing_items c
    left join pg_temp.loose_lines l on l.export_id = c.export_id and l.line = c.line
    -- By an array of numbers, so that logs of shards are asked for these alone.
    left join (
      select * from quota.call_logs
      where id = any (array(select d.log_id from pg_temp.differing_items d where d.log_id is not null))
    ) g on g.id = c.log_id
    left join quota.assistants a on a.provider_assistant_id = l.assistant_id
    left join pg_temp.computed_days d on d.day = c.day and coalesce(d.model, '') = coalesce(c.model, '')
      and c.export_id is null
      ) x
    ) y
  ) x;
  analyze pg_temp.computed_discrepancies;
end $$;
comment on function quota.find_discrepancies() is
  'Makes the temporary table computed_discrepancies: what of computed_rows does not fit, with what is known '
  'about it.';
