create or replace function quota.limit_anchor(reset_anchor text, boundary text, anchor_local timestamp)
returns timestamp
language sql immutable parallel safe
as $$
  select case
    when reset_anchor = 'calendar' then timestamp '2000-01-01 00:00'
    when boundary = 'instant' then anchor_local
    else date_trunc('day', anchor_local)
  end
$$;
comment on function quota.limit_anchor(text, text, timestamp) is
  'The anchor of a plan limit for a subscription: the first of a month, the signup''s midnight or its clock '
  'time.';
