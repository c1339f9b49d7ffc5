create or replace function quota.refuse_impossible_start(
  p_estimate numeric, p_grace interval, p_started_at timestamptz)
returns void
language plpgsql stable
as $$
begin
  perform quota.refuse_impossible(p_estimate, null, p_started_at);
  if p_grace < interval '0' or p_grace > interval '1 day' then
    raise exception 'a grace is no time at all to a day, not %', p_grace using errcode = 'QT003';
  elsif p_started_at < quota.now() - interval '7 days' then
    raise exception 'a session that began on % cannot run any more', p_started_at
      using errcode = 'QT004', hint = 'No call lasts longer than 7 days: record it as one that is over.';
  end if;
end $$;
comment on function quota.refuse_impossible_start(numeric, interval, timestamptz) is
  'Raises QT003 on a negative estimate and on a grace that is negative or longer than a day, QT004 on a '
  'start to come or of more than 7 days ago.';
