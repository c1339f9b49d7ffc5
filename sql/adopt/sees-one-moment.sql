create or replace function quota.sees_one_moment() returns boolean
language sql stable
as $$
  select current_setting('transaction_isolation') in ('repeatable read', 'serializable')
$$;
comment on function quota.sees_one_moment() is
  'Whether the transaction sees all as it was when it began. What another one has changed since has to be '
  'held before it is compared: so it is refused (40001), and does not look as if it were right.';
