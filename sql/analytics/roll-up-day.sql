create or replace function quota.roll_up_day(p_day date) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  written integer;
begin
  perform quota.refuse_other_users(null);
  -- Two at once would both insert.
  perform 1 from quota.analytics_days d where d.day = p_day for update;
  if not found then
    raise exception 'the day % was not claimed', p_day using errcode = '55000';
  end if;
  -- The marks first: what they stand for is visible to the sums that follow.
  delete from quota.analytics_changes c where c.day = p_day;
  -- Users whose calls of the day are gone keep a zero until the end.
  update quota.usage_analytics a set calls = 0 where a.day = p_day;
  insert into quota.usage_analytics as a
    (day, service, plan, model, user_id, calls, errors, seconds, messages, premium_messages, cost, tokens,
    bytes)
  select f.day, f.service, coalesce(former.plan, s.plan, ''), f.model, f.user_id, f.calls, f.errors,
    f.seconds, f.messages, f.premium_messages, f.cost, f.tokens, f.bytes
  from quota.summarize_days(array[p_day]) f
  -- The day by its value: joined by f.day, all rows of the day are merged with all, for the planner takes
  -- days for many.
  left join (
    select distinct a.user_id, a.service, a.plan from quota.usage_analytics a where a.day = p_day) former
    on former.user_id = f.user_id and former.service = f.service
  left join quota.subscriptions s on s.user_id = f.user_id and s.service = f.service
  on conflict (user_id, day, service, plan, model) do update
  set calls = excluded.calls, errors = excluded.errors, seconds = excluded.seconds,
    messages = excluded.messages,
    premium_messages = excluded.premium_messages, cost = excluded.cost,
    tokens = excluded.tokens, bytes = excluded.bytes;
  get diagnostics written = row_count;
  delete from quota.usage_analytics a where a.day = p_day and a.calls = 0;
  perform quota.add_up_day(p_day);
  update quota.analytics_days d set rolled_at = quota.now(), by_model = true where d.day = p_day;
  return written;
end $$;
comment on function quota.roll_up_day(date) is
  'Rolls a claimed day up anew and takes the marks of its changes; returns the rows written.';
