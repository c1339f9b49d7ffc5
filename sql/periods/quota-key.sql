create type quota.quota_key as (user_id uuid, meter text, period_start timestamptz);
comment on type quota.quota_key is 'The name of a quota.';
