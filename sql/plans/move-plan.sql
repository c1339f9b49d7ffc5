create or replace function quota.move_plan(
  p_from text, p_to text, p_reason text, p_run uuid, p_moved_by uuid default null)
returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  select quota.refuse_other_users(null);
  select count(*) from quota.change_plan(array(
    -- Locked as they are found, in the order of locks: whoever leaves the plan at this moment is not moved.
    select s.user_id from quota.subscriptions s
    where s.plan = p_from and (p_moved_by is null or exists (
      select 1 from quota.audit_log a
      where a.user_id = s.user_id and a.run_id = p_moved_by and a.action = 'plan.changed'
        and a.subject = p_from))
    order by s.user_id for no key update), p_to, p_reason, p_run)
$$;
comment on function quota.move_plan(text, text, text, uuid, uuid) is
  'Puts all users of a plan on another one, or only those that an earlier move brought there. Returns their '
  'number.';
