create or replace function quota.note_refusal(p_service text, p_plan text, p_reason text) returns void
language plpgsql
as $$
declare
  today date := quota.day_of(quota.now());
  plan_key text := coalesce(p_plan, '');
begin
  -- Any slot that nobody holds, or our own. A transaction that keeps its snapshot could be too late for one.
  if current_setting('transaction_isolation') = 'read committed' then
    update quota.refusals r set refused = r.refused + 1
    where r.day = today and r.service = p_service and r.plan = plan_key and r.reason = p_reason
      and r.slot = (
        select s.slot from quota.refusals s
        where s.day = today and s.service = p_service and s.plan = plan_key and s.reason = p_reason
        order by s.slot limit 1 for no key update skip locked);
    if found then
      return;
    end if;
  end if;
  -- All are held by transactions that have not ended, or there is none: one more, which is ours alone.
  insert into quota.refusals as r (day, service, plan, reason, slot, refused)
  values (today, p_service, plan_key, p_reason, floor(random() * 2147483647)::integer, 1)
  on conflict (day, service, plan, reason, slot) do update set refused = r.refused + 1;
end $$;
comment on function quota.note_refusal(text, text, text) is
  'Counts one refusal, and waits for nobody: not for who was refused in a transaction that is still open.';
