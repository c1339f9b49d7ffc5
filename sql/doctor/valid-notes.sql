create or replace function quota.valid_notes() returns table (
  user_id uuid, facts bigint, age integer, noted_at timestamptz)
language sql stable
as $$
  -- Of rows that were restored or copied, "noted" is not who wrote them. Half a round of the short numbers of
  -- transactions is as far as they can be told apart.
  select e.user_id, e.facts, age(e.horizon::xid), e.noted_at
  from quota.examined_users e
  where e.xmin = e.noted::xid and e.terms = (select quota.counting_terms())
    and e.noted_at <= (select quota.now())
    and (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - e.horizon::text::bigint
      between 0 and 1000000000
$$;
comment on function quota.valid_notes() is
  'The notes of quota.note_examined that still tell something: how many transactions ago, and when, they '
  'were true, and how many rows there were.';
