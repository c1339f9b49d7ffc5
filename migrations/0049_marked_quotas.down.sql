-- What is to be looked at stays so.
drop index quota.usage_quotas_marked;
comment on column quota.usage_quotas.alerted is
  'The highest threshold whose alert stands, 0: none does; null: to be looked at, for the allowance was raised.';
