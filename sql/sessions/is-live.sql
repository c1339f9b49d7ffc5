create or replace function quota.is_live(p_service text) returns boolean
language sql stable
as $$ select coalesce(bool_or(m.is_live), false) from quota.meters m where m.service = p_service $$;
comment on function quota.is_live(text) is
  'Whether the seconds of a service pass in real time, as those of a call do, and those of a transcript '
  'do not.';
