-- Summing a million calls takes the doctor seven seconds, although most users are as they were when it last did.
create table quota.examined_users (
  user_id uuid primary key references quota.users on delete cascade,
  terms bigint not null,
  facts bigint not null,
  horizon xid8 not null,
  noted xid8 not null,
  noted_at timestamptz not null
);
comment on table quota.examined_users is 'Whose quotas, grants and alerts "quota doctor --full" found to follow from the facts, and what tells whether anything has changed since. No facts: without a row a user is examined anew.';
comment on column quota.examined_users.terms is 'quota.counting_terms() at that time.';
comment on column quota.examined_users.facts is 'How many rows there were: one that is taken away leaves nothing else behind.';
comment on column quota.examined_users.horizon is 'Whatever a transaction from this one on wrote may be newer than what was examined.';
comment on column quota.examined_users.noted is 'The transaction that wrote this row, as the row itself says: in a copy it does not.';
comment on column quota.examined_users.noted_at is 'quota.now() then: what begins and ends by time alone is looked for from there on.';
