create or replace function quota.charged_logs(
  r quota.reconciliations, exports integer[], beside bigint[], c quota.rate_cards)
returns setof quota.call_logs
language sql stable parallel safe
as $$
  select g.*
  from quota.call_logs g
  where c.line_has is null and g.provider = r.provider
    and (c.models is null or quota.model_family(g.model) = any (c.models))
    and g.started_at >= r.month::timestamp at time zone 'UTC'
    and g.started_at < (r.month + interval '1 month') at time zone 'UTC'
  union all
  -- What only the line says is known of calls that have one.
  select g.*
  from quota.charged_lines(r, exports, beside, c) l
  join quota.reconciled_items i on i.reconciliation_id = r.id and i.export_id = l.export_id
    and i.line = l.line
  join quota.call_logs g on g.id = i.log_id
  where c.line_has is not null
$$;
comment on function quota.charged_logs(quota.reconciliations, integer[], bigint[], quota.rate_cards) is
  'The logs of a month that a card speaks of.';
