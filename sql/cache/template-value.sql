create or replace function quota.template_value(p_value text, q quota.usage_quotas) returns text
language sql immutable
as $$
  select trim_scale(case
      when p_value = 'used' then q.used
      when p_value = 'limit' then q.limit_quantity + q.granted
      when p_value = 'remaining' then r.remaining
      else coalesce(split_part(p_value, ' ', 1)::numeric - r.remaining, 0)
    end)::text
  from (select greatest(q.limit_quantity + q.granted - q.used, 0) as remaining) r
$$;
comment on function quota.template_value(text, quota.usage_quotas) is
  'What a key of the app''s own holds of a quota; null: its limit, of which there is none.';
