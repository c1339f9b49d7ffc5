-- Free text may name a person: the words of the history lie apart from it, where they can be erased.
create table quota.audit_reasons (
  audit_id bigint primary key,
  user_id uuid,
  salt uuid not null default gen_random_uuid(),
  reason text not null
);
create index audit_reasons_user on quota.audit_reasons (user_id) where user_id is not null;
comment on table quota.audit_reasons is
  'Why: the words of audit rows. The row keeps their digest, so that a word that was changed shows; they go when their user is erased.';
comment on column quota.audit_reasons.salt is
  'Hashed with the reason: without it nobody can guess, from the digest that stays, what was said.';

create index users_erased on quota.users (id) where erased_at is not null;
