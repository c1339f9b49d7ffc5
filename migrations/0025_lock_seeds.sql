-- Advisory locks are anybody's to take: what they are called must not be known to everybody.
create table quota.lock_seeds (
  name text primary key,
  seed bigint not null
);
comment on table quota.lock_seeds is
  'From what the numbers of advisory locks are reckoned: the row without a name for all, others for locks whose number '
  'somebody got to know and held. No role may read it.';
insert into quota.lock_seeds (name, seed)
values ('', ('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint);
