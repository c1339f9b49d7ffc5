-- The gate: calls that are let in, or not, before they begin.
alter table quota.assistants
  add column is_gated boolean not null default false,
  add column numbers text[] not null default '{}';
comment on column quota.assistants.is_gated is
  'Its calls are let in one by one by quota.gate, with what is left as their length: it is never limited at the provider.';
comment on column quota.assistants.numbers is
  'The phone numbers that it answers: the provider''s ids of them, or as they are dialled.';
create index assistants_numbers on quota.assistants using gin (numbers) where numbers <> '{}';
