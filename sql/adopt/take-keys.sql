create or replace function quota.take_keys(p_source integer, p_keys text[]) returns text[]
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  there text[] := '{}';
  taken text[];
  one text;
begin
  begin
    execute format('select quota_adopt.source_%s_take($1)', p_source) into there using p_keys;
    return there;
  exception when lock_not_available or deadlock_detected or query_canceled then
    raise;
  when others then
    if cardinality(p_keys) = 1 then
      perform quota.bury_row(p_source, p_keys[1], 'take', null, sqlerrm);
      return p_keys;
    end if;
  end;
  -- One of them cannot be taken: the others are.
  there := '{}';
  foreach one in array p_keys loop
    taken := quota.take_keys(p_source, array[one]);
    there := there || taken;
  end loop;
  return there;
end $$;
comment on function quota.take_keys(integer, text[]) is
  'Takes rows of an adopted product over as they stand now; the keys of those that are there. One that '
  'cannot be taken is buried, and keeps no other back.';
