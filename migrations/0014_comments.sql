-- The two versions that were deployed before migrations were frozen differ in this alone.

comment on column quota.billing_lines.status is
  'ended, in-progress, another word of the provider, or untimed: of an export that states no ends and durations.';
