create or replace function quota.fold_parts(export integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(null);
  drop table if exists pg_temp.call_parts, pg_temp.long_resources;
  create temp table call_parts on commit drop as
  select l.*, row_number() over (
    partition by l.external_id, l.charge, l.started_at, l.ended_at, l.cost, l.quantity
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
  insert into quota.billing_lines (
    export_id, line, kind, external_id, model, status, started_at, ended_at, duration_seconds, cost,
    description, raw, charge, invoice_month)
  select export, min(p.line), 'call', p.external_id,
    case when count(distinct p.model) = 1 then min(p.model) end, 'ended',
    min(p.started_at), max(p.ended_at),
    -- A part that is metered in time says how long the call was; the others only when.
    coalesce(max(p.duration_seconds) filter (where p.unit ~ '^seconds?$'),
      max(p.duration_seconds) filter (where p.unit ~ '^(minute|hour)s?$'), max(p.duration_seconds)),
    sum(p.cost), (array_agg(p.description order by p.line))[1],
    json_build_object('parts', json_agg(json_build_object(
      'line', p.line, 'sku', p.charge::json ->> 'sku', 'quantity', p.quantity,
      'unit', p.unit, 'cost', p.cost) order by p.line)),
    (jsonb_agg(distinct quota.part_key(p.charge, p.started_at, p.ended_at)))::text, min(p.invoice_month)
  from pg_temp.call_parts p
  where p.copy = 1 group by p.external_id;
  return (select count(*) from quota.billing_lines l where l.export_id = export and l.kind = 'call');
end $$;
comment on function quota.fold_parts(integer) is
  'Makes one line of the rows that state one call by its parts (a row per meter of FOCUS), in an export that '
  'no month has yet; how many calls it has.';
