create or replace function quota.fold_parts(export integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(null);
  drop table if exists pg_temp.call_parts, pg_temp.long_resources;
  create temp table call_parts on commit drop as
  select l.*, row_number() over (
    partition by l.external_id, l.charge, l.started_at, l.ended_at, l.cost, l.quantity, l.invoice_month
    order by l.line) as copy
  from quota.billing_lines l
  where l.export_id = export and l.kind = 'call' and l.external_id in (
    select external_id from quota.billing_lines where export_id = export and kind = 'call'
    group by 1 having count(*) > 1);
  create temp table long_resources on commit drop as
  select p.external_id from pg_temp.call_parts p
  group by 1 having max(p.ended_at) - min(p.started_at) > interval '1 day';
  delete from quota.billing_lines l using pg_temp.call_parts p where l.export_id = export and l.line = p.line;

  -- What runs for days is no call: its rows are sums of their days.
  insert into quota.billing_lines (
    export_id, line, kind, assistant_id, model, started_at, ended_at, duration_seconds, quantity,
    unit, cost, description, day, raw, charge, invoice_month)
  select p.export_id, p.line, 'aggregate', p.external_id, p.model, p.started_at, p.ended_at,
    case when p.unit ~ '^(second|minute|hour)s?$' then p.duration_seconds end, p.quantity, p.unit, p.cost,
      p.description,
    (p.started_at at time zone 'UTC')::date, p.raw, p.charge, p.invoice_month
  from pg_temp.call_parts p where p.external_id in (select external_id from pg_temp.long_resources);
  delete from pg_temp.call_parts p where p.external_id in (select external_id from pg_temp.long_resources);

  insert into quota.billing_lines (
    export_id, line, kind, external_id, model, status, started_at, ended_at, duration_seconds,
    quantity, unit, cost, description, raw, charge, invoice_month)
  select p.export_id, p.line, 'call', p.external_id, p.model, 'repeated', p.started_at, p.ended_at,
    p.duration_seconds,
    p.quantity, p.unit, p.cost, p.description, p.raw, p.charge, p.invoice_month
  from pg_temp.call_parts p where p.copy > 1;
  -- What is on another invoice is a line of its own, of the same call: it follows the first
  -- (quota.mark_parts), which alone says how long the call was.
  insert into quota.billing_lines (
    export_id, line, kind, external_id, model, status, started_at, ended_at, duration_seconds, cost,
    description, raw, charge, invoice_month)
  select export, min(p.line), 'call', p.external_id, c.model, 'ended', c.started_at, c.ended_at,
    case when min(p.line) = c.line then c.duration_seconds end,
    sum(p.cost), (array_agg(p.description order by p.line))[1],
    json_build_object('parts', json_agg(json_build_object(
      'line', p.line, 'sku', p.charge::json ->> 'sku', 'quantity', p.quantity,
      'unit', p.unit, 'cost', p.cost) order by p.line)),
    (jsonb_agg(distinct quota.part_key(p.charge, p.started_at, p.ended_at, p.invoice_month)))::text,
    p.invoice_month
  from pg_temp.call_parts p
  join (
    select w.external_id, min(w.line) as line, min(w.started_at) as started_at, max(w.ended_at) as ended_at,
      case when count(distinct w.model) = 1 then min(w.model) end as model,
      -- A part that is metered in time says how long the call was; the others only when.
      coalesce(max(w.duration_seconds) filter (where w.unit ~ '^seconds?$'),
        max(w.duration_seconds) filter (where w.unit ~ '^(minute|hour)s?$'), max(w.duration_seconds))
        as duration_seconds
    from pg_temp.call_parts w where w.copy = 1 group by w.external_id
  ) c using (external_id)
  where p.copy = 1
  group by p.external_id, p.invoice_month, c.line, c.model, c.started_at, c.ended_at, c.duration_seconds;
  return (select count(*) from quota.billing_lines l where l.export_id = export and l.kind = 'call');
end $$;
comment on function quota.fold_parts(integer) is
  'Makes one line of the rows that state one call by its parts (a row per meter of FOCUS), for each invoice '
  'that has some, in an export that no month has yet; how many such lines it has.';
