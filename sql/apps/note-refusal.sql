create or replace function quota.note_refusal(p_service text, p_plan text, p_reason text) returns void
language sql
as $$
  insert into quota.refusals as r (day, service, plan, reason, slot, refused)
  values ((quota.now() at time zone 'UTC')::date, p_service, coalesce(p_plan, ''), p_reason,
    pg_backend_pid() % 16, 1)
  on conflict (day, service, plan, reason, slot) do update set refused = r.refused + 1
$$;
comment on function quota.note_refusal(text, text, text) is
  'Counts one refusal; at most those of the same connection, nearly, wait for each other.';
