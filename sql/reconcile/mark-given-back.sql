create or replace function quota.mark_given_back(exports integer[]) returns void
language plpgsql
as $$
begin
  drop table if exists pg_temp.given_back, pg_temp.charged_again;
  create temp table given_back on commit drop as
  select c.ctid as place, l.export_id, quota.call_of_line(l) as call_id, -l.cost as cost,
    row_number() over (partition by l.export_id, quota.call_of_line(l), l.cost order by l.line) as nth
  from pg_temp.computed_rows c
  join quota.billing_lines l on l.export_id = c.export_id and l.line = c.line
  where c.kind = 'fee' and l.cost < 0 and quota.call_of_line(l) is not null;
  if not exists (select 1 from pg_temp.given_back) then
    return;
  end if;
  analyze pg_temp.given_back;
  -- One charge of a call is none too many, be it that of another file.
  create temp table charged_again on commit drop as
  select l.export_id, l.external_id, l.cost, l.line, c.kind, row_number() over (
    partition by l.export_id, l.external_id
    order by c.kind is not distinct from 'duplicate_line', l.cost, l.line) as place
  from quota.billing_lines l
  left join pg_temp.computed_rows c on c.export_id = l.export_id and c.line = l.line
  where l.export_id = any (exports) and l.kind = 'call'
    and l.external_id = any (array(select g.call_id from pg_temp.given_back g));
  update pg_temp.computed_rows c set kind = 'duplicate_line'
  from pg_temp.given_back g
  join (
    select a.*, row_number() over (partition by a.export_id, a.external_id, a.cost order by a.line) as nth
    from pg_temp.charged_again a where a.place > 1 and a.kind = 'duplicate_line'
  ) a on a.export_id = g.export_id and a.external_id = g.call_id and a.cost = g.cost and a.nth = g.nth
  where c.ctid = g.place;
end $$;
comment on function quota.mark_given_back(integer[]) is
  'Puts credits of computed_rows that give back what their file charged once more for the same call beside '
  'that charge, which counts in no sum: alone in it, the credit would take off what was charged once.';

create or replace function quota.call_of_line(l quota.billing_lines) returns text
language sql immutable parallel safe
as $$ select coalesce(l.external_id, nullif(l.charge::json ->> 'resource', '')) $$;
comment on function quota.call_of_line(quota.billing_lines) is
  'The call that a charge or a credit is of; FOCUS names it as a resource.';
