create or replace function quota.audit_digest(
  previous bytea, first_id bigint, last_id bigint, out row_count integer, out digest bytea)
language sql stable
as $$
  select count(*)::integer,
    sha256(coalesce(previous, '') || coalesce(
      string_agg(sha256(convert_to(quota.audit_row_text(a), 'UTF8')), '' order by a.id), ''))
  from quota.audit_log a
  where a.id between first_id and last_id
$$;
comment on function quota.audit_digest(bytea, bigint, bigint) is
  'The hash of a stretch of the audit log, chained to a hash.';
