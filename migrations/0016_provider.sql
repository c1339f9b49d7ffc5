-- What VAPI makes of what it is sent, and whose assistants it is asked for.

alter table quota.assistant_limits
  add column made jsonb not null default '[]' check (jsonb_typeof(made) = 'array'),
  add column doubtful jsonb not null default '{}' check (jsonb_typeof(doubtful) = 'object');
comment on column quota.assistant_limits.made is
  'What the provider was seen to make of what it was sent, and values of another application''s limit: never originals.';
comment on column quota.assistant_limits.doubtful is
  'By field the values that were met while an answer was missing, oldest first: somebody''s, or made of what was sent.';
comment on column quota.assistant_limits.original is
  'The limited fields as they were. One that is null, or missing here and named in applied, intents or made, was not set.';
create index assistant_limits_gone on quota.assistant_limits (verified_at nulls first) where status = 'gone';

alter table quota.assistants add column organisation text;
comment on column quota.assistants.organisation is
  'The provider''s id of the organisation that the assistant was last read from; null: not read yet.';
create index assistants_organisation on quota.assistants (organisation) where organisation is not null;
