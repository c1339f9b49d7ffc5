create or replace function quota.refusal_message(
  reason text, plan quota.plans, worst quota.allowance, others_left boolean)
returns text
language sql stable
as $$
  select case reason
    when 'quota_exceeded' then 'The ' || quota.meter_label(worst.meter, worst.unit) || ' of the plan "'
      || plan.name || '" are used up'
    when 'cost_limit_exceeded' then 'The cost limit of the plan "' || plan.name || '" is reached'
    when 'would_exceed' then 'This needs more than the ' || case worst.unit
        when 'second' then div(worst.remaining, 60) || ':'
          || lpad((trunc(worst.remaining) % 60)::text, 2, '0')
        when 'byte' then pg_size_pretty(worst.remaining) || ' of'
        else trim_scale(worst.remaining)::text end
      || ' ' || quota.meter_label(worst.meter, worst.unit) || ' that are left of the plan "' || plan.name
      || '"'
    when 'file_too_large' then 'The file is larger than the ' || pg_size_pretty(plan.max_file_bytes)
      || ' of the plan "' || plan.name || '"'
    when 'too_many_concurrent' then 'The plan "' || plan.name || '" runs ' || plan.max_concurrent
      || ' at a time; wait for one to end'
    when 'model_not_allowed' then 'The plan "' || plan.name || '" does not include this model'
    when 'sign_in_required'
      then case when plan.key is null then 'Sign in to use this' else 'Sign in to use this model' end
    when 'assistant_limit' then 'The plan "' || plan.name || '" includes ' || plan.max_assistants
      || ' assistants'
    when 'no_plan' then 'There is no plan for this service'
    when 'unknown_time_zone' then 'The allowance cannot be told: the time zone that is stored is not known'
  end
  || case
    when reason in ('quota_exceeded', 'cost_limit_exceeded', 'would_exceed') and worst.resets_at is not null
      then ' until ' || to_char(worst.resets_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
    else '' end
  || case when reason = 'quota_exceeded' and others_left then '; other models can be used' else '' end
  -- Who is to sign in gets that plan by it.
  || case when reason <> 'sign_in_required' and plan.upgrade_to is not null
      then '. Upgrade to '
        || coalesce((select p.name from quota.plans p where p.key = plan.upgrade_to), plan.upgrade_to)
        || ' for more.'
    else '.' end
$$;
comment on function quota.refusal_message(text, quota.plans, quota.allowance, boolean) is
  'A sentence for the user of the app: what is used up, until when, and the way out. others_left: models '
  'that the meter does not count can still be used.';
