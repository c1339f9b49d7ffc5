create or replace function quota.rendered_key(
  p_template text, p_user text, p_meter text, p_start timestamptz, p_zone text) returns text
language sql stable parallel safe
as $$
  select case when bool_or(p.text is null) then null else string_agg(p.text, '' order by p.place) end
  from (
    select t.place, case
        when t.piece[1] = '{{' then '{'
        when t.piece[1] = '}}' then '}'
        when t.piece[1] = '{user}' then p_user
        when t.piece[1] = '{meter}' then p_meter
        when t.piece[1] = '{start}' then case when isfinite(p_start)
          then extract(epoch from p_start)::bigint::text else 'lifetime' end
        when t.piece[1] like '{%' then case when isfinite(p_start)
          then to_char(p_start at time zone p_zone, btrim(t.piece[1], '{}')) end
        else t.piece[1]
      end as text
    from regexp_matches(p_template, '(\{\{|\}\}|\{[^{}]*\}|[^{}]+)', 'g') with ordinality t(piece, place)
  ) p
$$;
comment on function quota.rendered_key(text, text, text, timestamptz, text) is
  'A key of the app''s own by its template; dates are those of the period''s first day in the zone. Null: it '
  'has a date, and a lifetime none.';
