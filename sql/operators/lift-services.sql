create or replace function quota.lift_services(p_user uuid, p_services text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.mark_limited(
    array_fill(p_user, array[cardinality(p_services)]), p_services, false);
end $$;
comment on function quota.lift_services(uuid, text[]) is
  'Lifts the limits of services of a user, whatever they came from, and queues the restore of the '
  'assistants: for a reset from the terminal, which says in its own audit row which.';
