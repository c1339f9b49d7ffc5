-- A closed month is defended here: whoever writes, by whatever way, its answer stays.

create or replace function quota.closed_months() returns uuid[]
language sql stable
as $$ select array_agg(r.id) from quota.reconciliations r where r.closed_at is not null $$;
comment on function quota.closed_months() is 'The reconciliations that are closed; null: none is.';
