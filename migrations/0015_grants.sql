-- A grant that was a mistake is taken back: what it gave stays given. What a grant gave is derived (quota.grant_ledger);
-- `consumed` and `granted` are kept for whoever looks, and nothing is booked any more.
alter table quota.grants
  add column revoked_at timestamptz,
  add column revoked_by text,
  add column revoke_reason text,
  add check ((revoked_at is null) = (revoked_by is null)),
  add check ((revoked_at is null) = (revoke_reason is null));
comment on column quota.grants.consumed is 'What the periods that are over took of it, by quota.grant_ledger, as of the last settlement.';
alter table quota.usage_quotas drop column granted_used;
