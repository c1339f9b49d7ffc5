-- Assistants that an operator limits, or leaves unlimited, whatever their users are.
alter table quota.assistants
  add column held text constraint assistants_held check (held in ('limited', 'original'));
comment on column quota.assistants.held is
  'By hand: limited until it is restored by hand, or original until the limit of its user ends; null: as its user is.';
