create or replace function quota.begin_act(p_reason text, p_actor text, out former_actor text)
language plpgsql
as $$
begin
  if (quota.caller()).speaks_for <> 'all' then
    raise exception 'this connection does not speak for the company' using errcode = 'QT006';
  end if;
  if p_reason is null or btrim(p_reason) = '' or char_length(p_reason) > 1000 then
    raise exception 'an act of an operator needs a reason of 1 to 1000 characters' using errcode = 'QT003';
  end if;
  if p_actor is not null then
    perform quota.refuse_unfit_name(p_actor, 'the name of who acts');
  end if;
  former_actor := coalesce(current_setting('quota.actor', true), '');
  perform set_config('quota.actor', coalesce(p_actor, former_actor), true);
end $$;
comment on function quota.begin_act(text, text) is
  'Before an act of an operator from a back office: refuses one without a reason (QT003) or by a login of '
  'one user (QT006), and has the audit say who acts. Returns who acted before, to be set again after.';
