create or replace function quota.reason_digest(salt uuid, reason text) returns text
language sql immutable parallel safe
as $$ select 'sha256:' || encode(sha256(convert_to(salt::text || reason, 'UTF8')), 'hex') $$;
comment on function quota.reason_digest(uuid, text) is
  'What an audit row keeps of its reason, whose words lie in audit_reasons.';
