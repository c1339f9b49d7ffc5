create or replace function quota.refresh_mirrors(p_users uuid[], p_service text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  mirror quota.adopt_mirrors;
  names text[];
begin
  for mirror in select m.* from quota.adopt_mirrors m where m.service = p_service order by m.id loop
    names := coalesce(names, array(
      select u.external_id from quota.users u where u.id = any (p_users) order by u.external_id));
    begin
      execute format('select quota_adopt.mirror_%s($1)', mirror.id) using names;
      if mirror.error is not null then
        update quota.adopt_mirrors m set error = null, failed_at = null where m.id = mirror.id;
      end if;
    exception when others or assert_failure then
      -- Neither the app nor what is counted waits for a column: it follows with the next change.
      update quota.adopt_mirrors m set error = left(sqlerrm, 500), failed_at = quota.now()
      where m.id = mirror.id;
    end;
  end loop;
end $$;
comment on function quota.refresh_mirrors(uuid[], text) is
  'Brings the mirrored columns of users up to date, in adopted products about which quota decides.';

create or replace function quota.keeps_mirrors() returns boolean
language sql stable
as $$ select exists (select from quota.adopt_mirrors) $$;
comment on function quota.keeps_mirrors() is 'Whether columns of an adopted product follow ours.';
