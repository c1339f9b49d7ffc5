create type quota.adopted_call as (
  key text, is_there boolean, user_name text, service text, provider text, provider_call_id text,
  assistant_id text, model text, status text, started_at timestamptz, ended_at timestamptz,
  duration_seconds numeric, messages integer, words_spoken integer, file_size_bytes bigint, cost numeric,
  error_message text, quantities jsonb);
comment on type quota.adopted_call is
  'A row of an adopted product as the call that it tells of; not is_there: the row is gone, or does not '
  'count.';

create type quota.adopted_user as (
  key text, is_there boolean, user_name text, email text, name text, signup_at timestamptz, timezone text,
  plans text[]);
comment on type quota.adopted_user is 'A row of an adopted product as the user whom it tells of.';

create type quota.adopted_job as (
  key text, is_there boolean, user_name text, service text, started_at timestamptz, expires_at timestamptz);
comment on type quota.adopted_job is 'A row of an adopted product as the running job that it tells of.';

create type quota.adopted_assistant as (
  key text, is_there boolean, user_name text, provider_assistant_id text, name text);
comment on type quota.adopted_assistant is 'A row of an adopted product as the assistant that it tells of.';
