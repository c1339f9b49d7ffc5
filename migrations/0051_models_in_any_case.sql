-- Providers write GPT-4o and gpt-4o: models are matched in capitals or not. The patterns are made anew with the core, which
-- counts the calls that belong to a meter only now (quota.renew_patterns); until then nothing is to make them the old way.
drop trigger if exists meters_before_write on quota.meters;
update quota.meters set patterns = null where patterns is not null;
update quota.former_meters set patterns = null where patterns is not null;
comment on column quota.meters.models is
  'When set, the meter counts only calls of these models, in capitals or not; "*" in a name stands for any text: claude-*.';
comment on column quota.meters.patterns is 'The models, for like; null: all. Kept by a trigger.';
