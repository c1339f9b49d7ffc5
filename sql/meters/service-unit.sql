create or replace function quota.service_unit(p_service text) returns text
language sql stable
as $$
  select m.unit from (
    select case when m.credit_seconds is not null then 'second' else m.unit end as unit
    from quota.meters m where m.service = p_service) m
  order by array_position('{second,message,token,credit,byte,request}', m.unit)
  limit 1
$$;
comment on function quota.service_unit(text) is
  'What the quantity of a call of a service is in, where one number is told: seconds where a meter counts '
  'time, else messages, tokens, credits, bytes or requests, the first of which there is a meter. Null: '
  'unknown service.';
