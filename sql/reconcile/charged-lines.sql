create or replace function quota.charged_lines(
  r quota.reconciliations, exports integer[], beside bigint[], c quota.rate_cards)
returns setof quota.billing_lines
language sql stable parallel safe
as $$
  select l.*
  from quota.billing_lines l
  where l.export_id = any (exports)
    and (l.kind = 'call'
      or (l.kind = 'aggregate' and l.day >= r.month and l.day < r.month + interval '1 month'))
    and (c.models is null or quota.model_family(l.model) = any (c.models))
    and (c.line_has is null or l.raw::jsonb @> c.line_has)
    and quota.line_key(l.export_id, l.line) <> all (beside)
$$;
comment on function quota.charged_lines(quota.reconciliations, integer[], bigint[], quota.rate_cards) is
  'The lines of a month that a card speaks of: those of its exports, without some beside it; sums of days as '
  'they are.';
