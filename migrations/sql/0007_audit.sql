-- Seals over the audit log: each holds a hash of the rows after the one before, chained to its hash. Whoever changes,
-- adds or removes a sealed row, or a seal, breaks the chain from there on. Whoever rewrites the whole chain is found
-- out by a hash of it that was kept elsewhere.

create table quota.audit_seals (
  id bigint primary key,
  first_id bigint not null,
  last_id bigint not null,
  row_count integer not null,
  digest bytea not null,
  sealed_at timestamptz not null default clock_timestamp(),
  actor text not null default quota.actor(),
  check (first_id <= last_id and row_count > 0)
);
comment on table quota.audit_seals is
  'Tamper evidence: a seal covers every audit row from first_id to last_id; digest = sha256(digest before, rows).';

create trigger audit_seals_append_only before update or delete or truncate on quota.audit_seals
  for each statement execute function quota.refuse_change();

-- Called stable, not immutable, so that it is inlined: five times as quick.
create function quota.audit_row_text(a quota.audit_log) returns text
language sql stable parallel safe
as $$
  select jsonb_build_array(
    a.id, extract(epoch from a.at), extract(epoch from a.recorded_at), a.actor, a.action, a.user_id, a.service, a.subject, a.reason,
    a.before, a.after, a.run_id, extract(epoch from a.period_end), a.xid::text)::text
$$;
comment on function quota.audit_row_text(quota.audit_log) is
  'What is sealed of an audit row: all of it, instants as seconds since 1970. Must give the same text for ever, in every session: a new column needs a function of its own.';

create function quota.audit_digest(previous bytea, first_id bigint, last_id bigint, out row_count integer, out digest bytea)
language sql stable
as $$
  select count(*)::integer,
    sha256(coalesce(previous, '') || coalesce(
      string_agg(sha256(convert_to(quota.audit_row_text(a), 'UTF8')), '' order by a.id), ''))
  from quota.audit_log a
  where a.id between first_id and last_id
$$;
comment on function quota.audit_digest(bytea, bigint, bigint) is 'The hash of a stretch of the audit log, chained to a hash.';

create function quota.audit_frontier() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  -- Ids are not committed in their order. Once nobody is writing, no row up to the last id can appear any more; the
  -- lock is let go with the transaction, before anything is sealed.
  lock table quota.audit_log in share mode;
  return coalesce((select max(id) from quota.audit_log), 0);
end $$;
comment on function quota.audit_frontier() is
  'Up to which id the audit log is complete. Waits for running writers and holds new ones for that long: call it in a transaction of its own.';

create function quota.seal_audit(frontier bigint, rows_max integer default 10000) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  head quota.audit_seals;
  stretch record;
  sealed integer := 0;
begin
  lock table quota.audit_seals in share row exclusive mode;
  select * into head from quota.audit_seals s order by s.id desc limit 1;
  for stretch in
    select max(n.id) as last_id
    from (
      select a.id, (row_number() over (order by a.id) - 1) / rows_max as number
      from quota.audit_log a where a.id > coalesce(head.last_id, 0) and a.id <= frontier
    ) n
    group by n.number order by n.number
  loop
    insert into quota.audit_seals (id, first_id, last_id, row_count, digest)
    select coalesce(head.id, 0) + 1, coalesce(head.last_id, 0) + 1, stretch.last_id, d.row_count, d.digest
    from quota.audit_digest(head.digest, coalesce(head.last_id, 0) + 1, stretch.last_id) d
    returning * into head;
    sealed := sealed + 1;
  end loop;
  return sealed;
end $$;
comment on function quota.seal_audit(bigint, integer) is
  'Seals the audit log up to what audit_frontier() gave, so many rows a seal; returns the number of new seals.';

create function quota.verify_audit()
returns table (id bigint, first_id bigint, last_id bigint, sealed_at timestamptz, sealed_rows integer, found_rows integer, fault text)
language sql stable
as $$
  select s.id, s.first_id, s.last_id, s.sealed_at, s.row_count, d.row_count,
    case
      when s.id <> coalesce(s.previous_id, 0) + 1 or s.first_id <> coalesce(s.previous_last_id, 0) + 1 then 'seal missing before it'
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
  'Every seal, recomputed from the rows; fault is null where it holds. A seal that was changed also breaks the one after it.';
