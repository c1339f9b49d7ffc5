create or replace function quota.refuse_unknown_service(p_service text) returns boolean
language plpgsql stable
as $$
begin
  if p_service is not null and not exists (select from quota.meters m where m.service = p_service) then
    raise exception 'unknown service "%"', quota.shown(p_service) using errcode = 'QT002';
  end if;
  return true;
end $$;
comment on function quota.refuse_unknown_service(text) is
  'True; raises QT002 when a service is named that no meter counts.';
