-- R3, enforcement in the database: every change of call_logs reaches the quotas, alerts, exhaustion and the
-- provider queue in the same transaction, one set operation per statement.
--
-- Longer than other functions: the rows of a change can be read by the statements of its trigger function
-- alone. To hand them to others they would have to be put into arrays, of a million calls when a month is
-- loaded.

create or replace function quota.call_logs_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  one record;
  users uuid[];
  services text[];
  spans quota.span_cover;
  uncovered quota.usage_span[];
  opened quota.opened_periods;
  deltas quota.usage_delta[];
begin
  if tg_op = 'INSERT' then
    -- One call into open periods is what apps do all day: it takes a third of the time of the sets below.
    select n.user_id, n.service, n.model, n.status, n.started_at, n.duration_seconds, n.messages, n.cost,
      n.file_size_bytes, n.quantities, (select count(*) from (select from new_rows limit 2) first_two) as rows
    into one from new_rows n limit 1;
    if not found or one.rows = 1 and quota.count_call(one.user_id, one.service, one.model, one.status,
      one.started_at, one.duration_seconds, one.messages, one.cost, one.file_size_bytes, one.quantities) then
      return null;
    end if;
    select array_agg(c.user_id), array_agg(c.service) into users, services
    from (select distinct user_id, service from new_rows) c;
  elsif tg_op = 'UPDATE' then
    select array_agg(c.user_id), array_agg(c.service) into users, services
    from (select user_id, service from new_rows union select user_id, service from old_rows) c;
  else
    select array_agg(c.user_id), array_agg(c.service) into users, services
    from (select distinct user_id, service from old_rows) c;
  end if;

  -- Keeps resets and other writers of these users out until this transaction ends. Users who had no
  -- subscription may have calls of any time: then everything of these users was counted.
  if quota.lock_subscriptions(users, services) then
    return null;
  end if;

  -- First what is open; what is to be opened counts all that it holds.
  if tg_op <> 'INSERT' then
    select array_agg(d.delta) into deltas
    from (
      select (d.user_id, d.meter, d.period_start, sum(d.used), 0, sum(d.cost),
        sum(d.calls))::quota.usage_delta as delta
      from old_rows o
      cross join lateral quota.deltas_of(
        -1, o.user_id, o.service, o.model, o.status, o.started_at, o.duration_seconds, o.messages, o.cost,
        o.file_size_bytes, o.quantities) d
      group by d.user_id, d.meter, d.period_start
    ) d;
  end if;
  if tg_op <> 'DELETE' then
    -- Who loads many calls has none of these periods yet, and who adds some has all of them: which it is,
    -- the first and the last call show. Only what lies between is looked at call by call.
    spans := quota.spans_covered(array(
      select (n.user_id, m.key, min(n.first), max(n.last))::quota.usage_span
      from (
        select r.user_id, r.service, r.model, min(r.started_at) as first, max(r.started_at) as last
        from new_rows r group by r.user_id, r.service, r.model
      ) n
      join quota.meter_terms m on m.service = n.service and quota.counts_model(m.models, m.patterns, n.model)
        and n.first < m.until
      group by n.user_id, m.key));
    if spans.has_quotas then
      select deltas || array_agg(d.delta) into deltas
      from (
        select (d.user_id, d.meter, d.period_start, sum(d.used), 0, sum(d.cost),
          sum(d.calls))::quota.usage_delta as delta
        from new_rows n
        cross join lateral quota.deltas_of(
          1, n.user_id, n.service, n.model, n.status, n.started_at, n.duration_seconds, n.messages, n.cost,
          n.file_size_bytes, n.quantities) d
        group by d.user_id, d.meter, d.period_start
      ) d;
    end if;
    uncovered := spans.uncovered;
    if spans.partly is not null then
      select uncovered || array_agg((u.user_id, u.meter, u.first, u.last)::quota.usage_span) into uncovered
      from (
        select n.user_id, m.key as meter, min(n.started_at) as first, max(n.started_at) as last
        from new_rows n
        join quota.meter_terms m on m.service = n.service
          and quota.counts_model(m.models, m.patterns, n.model) and n.started_at < m.until
        where (n.user_id, m.key) in (select p.user_id, p.meter from unnest(spans.partly) p)
          and not exists (
            select from quota.usage_quotas q
            where q.user_id = n.user_id and q.meter = m.key and quota.contains(q, n.started_at)
              and not q.superseded)
        group by n.user_id, m.key
      ) u;
    end if;
    if uncovered is not null then
      opened := quota.open_periods(uncovered);
      -- Rare: a former plan's period that begins where one of the present plan does becomes that one.
      if opened.has_revived then
        perform quota.refresh_quotas(users, services, false);
        return null;
      end if;
    end if;
  end if;
  perform quota.apply_usage(deltas, opened);
  return null;
end $$;

-- Whoever makes up a history writes what its calls come to himself, once, as it stands in the end: the owner
-- alone can.
create or replace trigger call_logs_inserted after insert on quota.call_logs
  referencing new table as new_rows
  for each statement when (not coalesce(current_setting('quota.makes_history', true) = 'with periods'
    and has_schema_privilege(session_user, 'quota', 'create with grant option'), false))
  execute function quota.call_logs_changed();
create or replace trigger call_logs_updated after update on quota.call_logs
  referencing old table as old_rows new table as new_rows
  for each statement execute function quota.call_logs_changed();
create or replace trigger call_logs_deleted after delete on quota.call_logs
  referencing old table as old_rows
  for each statement execute function quota.call_logs_changed();
