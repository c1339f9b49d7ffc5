create or replace function quota.claimed_user(p_claim text) returns text
language plpgsql stable
as $$
declare
  value jsonb;
begin
  value := nullif(current_setting('request.jwt.claims', true), '')::jsonb -> p_claim;
  return case when jsonb_typeof(value) in ('string', 'number') then nullif(value #>> '{}', '') end;
exception when invalid_text_representation then
  return null;
end $$;
comment on function quota.claimed_user(text) is
  'The value of a claim of request.jwt.claims, as PostgREST sets it; null: there is none.';
