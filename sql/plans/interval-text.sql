create or replace function quota.interval_text(every interval) returns text
language sql immutable parallel safe
as $$
  select nullif(concat_ws(' ',
    case
      when i.months = 0 then null
      when i.months % 12 = 0 then i.months / 12 || case when i.months = 12 then ' year' else ' years' end
      else i.months || case when i.months = 1 then ' month' else ' months' end
    end,
    case when i.days <> 0 then i.days || case when i.days = 1 then ' day' else ' days' end end,
    case
      when i.seconds = 0 then null
      when i.seconds % 3600 = 0
        then i.seconds / 3600 || case when i.seconds = 3600 then ' hour' else ' hours' end
      when i.seconds % 60 = 0
        then i.seconds / 60 || case when i.seconds = 60 then ' minute' else ' minutes' end
      else i.seconds || case when i.seconds = 1 then ' second' else ' seconds' end
    end), '')
  from (select
    (extract(year from every) * 12 + extract(month from every))::integer as months,
    extract(day from every)::integer as days,
    (extract(hour from every) * 3600 + extract(minute from every) * 60 + extract(second from every))::bigint
      as seconds) i
$$;
comment on function quota.interval_text(interval) is
  'The spelling of intervals in plan files: 1 month, 7 days.';
