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
