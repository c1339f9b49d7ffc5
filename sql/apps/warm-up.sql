create or replace function quota.warm_up() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  caller record;
  its_service text;
begin
  select * into caller from quota.caller();
  if caller.speaks_for = 'nobody' then
    perform quota.refuse_caller(caller.speaks_for);
  elsif caller.speaks_for = 'all' then
    for its_service in select distinct m.service from quota.meters m limit 20 loop
      perform quota.rehearse(its_service);
    end loop;
  end if;
end $$;
comment on function quota.warm_up() is
  'Makes the plans of a new connection, so that its first calls cost what later ones do: for the hook of a '
  'pool that opens connections. Nothing is left of it. A connection that speaks for one user alone, or in '
  'which nothing can be written, has less to gain: the one is left as it is, the other reads only.';

create or replace function quota.rehearse(p_service text) returns void
language plpgsql
as $$
declare
  -- Nobody waits for somebody who is made for this, and is not there afterwards.
  somebody text := 'warm-up ' || gen_random_uuid();
begin
  perform quota.check(somebody, p_service);
  if current_setting('transaction_read_only') = 'off' then
    perform quota.add_user(somebody);
    perform quota.record(somebody, p_service, somebody || ' 1', 1);
    -- The second of its kind goes the short way, as nearly all do.
    perform quota.check(somebody, p_service);
    perform quota.record(somebody, p_service, somebody || ' 2', 1);
    perform quota.start_session(somebody, p_service, somebody || ' 3', p_estimate => 1);
    perform quota.touch_session(somebody, somebody || ' 3');
    perform quota.end_session(somebody, somebody || ' 3', 1);
  end if;
  raise exception 'rehearsed';
exception when others then
  -- Takes back all of the above. What else was wrong - a service without a plan for newcomers, say - is for
  -- the call that needs it to tell.
  null;
end $$;
comment on function quota.rehearse(text) is
  'Runs what an app calls all day for a user of a service who is made for it, and takes all of it back.';
