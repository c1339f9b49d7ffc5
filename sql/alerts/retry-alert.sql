create or replace function quota.retry_alert(attempts integer) returns interval
language sql immutable parallel safe
as $$ select least(interval '1 minute' * 2 ^ least(attempts - 1, 20), interval '6 hours') $$;
comment on function quota.retry_alert(integer) is 'How long an alert waits after so many failed attempts.';
