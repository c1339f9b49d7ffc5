alter table quota.usage_quotas add column granted_used numeric(20,3);
comment on column quota.usage_quotas.granted_used is 'What a closed period took of the grants; null until that is booked.';
alter table quota.grants drop column revoked_at, drop column revoked_by, drop column revoke_reason;
comment on column quota.grants.consumed is null;
