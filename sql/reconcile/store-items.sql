-- The answer is stored only where it differs from what is stored, so that running again changes nothing.

create or replace function quota.store_items(reconciliation uuid) returns bigint
language plpgsql
as $$
declare
  changed bigint;
begin
  if not exists (select 1 from quota.reconciliation_items i where i.reconciliation_id = reconciliation)
    and not exists (select 1 from quota.reconciliation_matches m where m.reconciliation_id = reconciliation)
  then
    return quota.insert_items(reconciliation, 'pg_temp.computed_rows', 'pg_temp.computed_plain');
  end if;

  drop table if exists pg_temp.changed_items;
  create temp table changed_items on commit drop as
  select i.place, i.pack, i.e as was_export, i.n as was_line,
    c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed, c.logged
  from (
    select i.*, coalesce(i.export_id, 0) as e, coalesce(i.line, 0) as n,
      case when i.line is null then i.log_id end as g,
      coalesce(i.day, 'epoch') as d, coalesce(i.model, '') as m
    from quota.stored_items(reconciliation) i
  ) i
  full join (
    select c.*, coalesce(c.export_id, 0) as e, coalesce(c.line, 0) as n,
      case when c.line is null then c.log_id end as g,
      coalesce(c.day, 'epoch') as d, coalesce(c.model, '') as m
    from (
      select * from pg_temp.computed_rows
      union all
      select p.log_id, p.export_id, p.line, null, null, null, p.kind, p.billed, p.logged
      from pg_temp.computed_plain p
    ) c
  ) c on c.e = i.e and c.n = i.n and coalesce(c.g, 0) = coalesce(i.g, 0) and c.d = i.d and c.m = i.m
  where (i.kind, i.log_id, i.log_month, i.billed, i.logged)
    is distinct from (c.kind, c.log_id, c.log_month, c.billed, c.logged);
  get diagnostics changed = row_count;

  delete from quota.reconciliation_items i using pg_temp.changed_items c where i.ctid = c.place;
  -- What else was packed with a match that is none any more is packed anew.
  with opened as (
    delete from quota.reconciliation_matches m
    where m.ctid in (select c.pack from pg_temp.changed_items c)
    returning m.*
  )
  insert into pg_temp.changed_items (log_id, export_id, line, kind, billed, logged)
  select u.log_id, o.export_id, u.line, 'matched', u.billed, coalesce(u.logged, u.billed)
  from opened o
    cross join lateral unnest(o.lines, o.log_ids, o.billed, o.logged) as u(line, log_id, billed, logged)
  where (o.export_id, u.line) not in (
    select c.was_export, c.was_line from pg_temp.changed_items c where c.pack is not null);
  perform quota.insert_items(reconciliation, 'pg_temp.changed_items');
  return changed;
end $$;
comment on function quota.store_items(uuid) is
  'Brings reconciliation_items and reconciliation_matches to computed_plain and '
  'computed_rows; how many differed.';

create or replace function quota.stored_items(reconciliation uuid)
returns table (
  place tid, pack tid, log_id bigint, export_id integer, line integer, log_month date, day date, model text,
  kind text, billed numeric, logged numeric)
language sql stable
as $$
  select i.ctid, null::tid, i.log_id, i.export_id, i.line, i.log_month, i.day, i.model, i.kind, i.billed,
    i.logged
  from quota.reconciliation_items i where i.reconciliation_id = reconciliation
  union all
  select null, m.ctid, u.log_id, m.export_id, u.line, null, null, null, 'matched', u.billed,
    coalesce(u.logged, u.billed)
  from quota.reconciliation_matches m
    cross join lateral unnest(m.lines, m.log_ids, m.billed, m.logged) as u(line, log_id, billed, logged)
  where m.reconciliation_id = reconciliation
$$;
comment on function quota.stored_items(uuid) is
  'The answer that a month has, with the places of its rows: an item, or what it is packed in.';

create or replace function quota.insert_items(
  reconciliation uuid, items regclass, plain regclass default null)
returns bigint
language plpgsql
-- A pack is made by hashing the few packs; sorting a million lines for it takes as long as the join.
set enable_sort = off
as $$
declare
  is_plain constant text := 'c.kind = ''matched'' and c.log_month is null and c.line is not null
    and c.log_id is not null';
  matches text := format('select c.export_id, c.line, c.log_id, c.billed, c.logged from %s c where %s',
    items, is_plain);
  inserted bigint;
begin
  execute format('
    insert into quota.reconciliation_items
      (reconciliation_id, log_id, export_id, line, log_month, day, model, kind, billed, logged)
    select $1, c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed, c.logged
    from %s c where c.kind is not null and not (%s)', items, is_plain) using reconciliation;
  get diagnostics inserted = row_count;
  if plain is not null then
    matches := format('select p.export_id, p.line, p.log_id, p.billed, p.logged from %s p union all %s',
      plain, matches);
  end if;
  -- Some are logged in other amounts that agree: apart, the others need not say both.
  execute format('
    with packs as (
      insert into quota.reconciliation_matches
        (reconciliation_id, export_id, lines, log_ids, billed, logged, billed_sum, logged_sum)
      select $1, c.export_id, array_agg(c.line), array_agg(c.log_id), array_agg(c.billed),
        array_agg(c.logged) filter (where c.billed <> c.logged), sum(c.billed), sum(c.logged)
      from (%s) c group by c.export_id, c.line / 1024, c.billed <> c.logged
      returning cardinality(lines) as lines
    )
    select $2 + coalesce(sum(p.lines), 0) from packs p', matches)
    into inserted using reconciliation, inserted;
  return inserted;
end $$;
comment on function quota.insert_items(uuid, regclass, regclass) is
  'Stores items of a temporary table, in rows of their own or, where a line matches a log, packed together '
  'with those of a table of such alone; how many.';
