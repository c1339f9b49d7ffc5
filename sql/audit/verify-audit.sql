create or replace function quota.verify_audit()
returns table (
  id bigint, first_id bigint, last_id bigint, sealed_at timestamptz, sealed_rows integer, found_rows integer,
  fault text)
language sql stable
as $$
  select s.id, s.first_id, s.last_id, s.sealed_at, s.row_count, d.row_count,
    case
      when s.id <> coalesce(s.previous_id, 0) + 1 or s.first_id <> coalesce(s.previous_last_id, 0) + 1
        then 'seal missing before it'
      when d.row_count < s.row_count then 'rows removed'
      when d.row_count > s.row_count then 'rows added'
      when d.digest <> s.digest then 'rows changed, or a seal'
    end
  from (
    select s.*, lag(s.id) over w as previous_id, lag(s.last_id) over w as previous_last_id,
      lag(s.digest) over w as previous_digest
    from quota.audit_seals s window w as (order by s.id)
  ) s
  cross join lateral quota.audit_digest(s.previous_digest, s.first_id, s.last_id) d
  order by s.id
$$;
comment on function quota.verify_audit() is
  'Every seal, recomputed from the rows; fault is null where it holds. A seal that was changed also breaks '
  'the one after it.';
