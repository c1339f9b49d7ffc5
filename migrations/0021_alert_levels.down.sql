-- Versions of plans are a history, and stay.
update quota.plan_limits set warn_at = '{80}' where plan = 'avatar-monthly' and warn_at = '{80,90,100}';
