-- The person in the data: what an audit row must not keep for ever, and how a user is erased.

create table quota.audit_personal (
  user_id uuid not null references quota.users,
  audit_id bigint not null references quota.audit_log,
  before jsonb,
  after jsonb,
  primary key (user_id, audit_id)
);
comment on table quota.audit_personal is
  'Names and addresses beside audit rows: the history is never rewritten, this part of it goes when its user is erased.';
