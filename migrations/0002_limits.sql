-- The provider queue at work: who works on which assistant, and every original that was ever put aside.

-- Claims and verifications are matters of real processes and a real provider: they go by the real clock, whatever
-- quota.as_of says. A claim under a clock that stands still would never end.

alter table quota.assistant_limits
  add column claimed_by uuid,
  add column claimed_until timestamptz,
  add column verified_at timestamptz,
  add column intents jsonb not null default '[]',
  add column exact_change bigint;
comment on column quota.assistant_limits.original is
  'The limited fields as they were, present ones only: a field of applied or intents that is missing here was not set.';
comment on column quota.assistant_limits.applied is
  'The fields that the assistant was last seen to be limited by; null: not limited by us, as far as we know.';
comment on column quota.assistant_limits.intents is
  'Limited states that were, or were about to be, sent since then: the provider may have any of them.';
comment on column quota.assistant_limits.claimed_by is
  'The run that works on the assistant, or that worked on it last.';
comment on column quota.assistant_limits.claimed_until is
  'Until when (real time) nobody else may work on it; null: nobody works on it. Ends by itself when the worker dies.';
comment on column quota.assistant_limits.verified_at is
  'When (real time) the provider was last seen to have what is recorded here.';
comment on column quota.assistant_limits.exact_change is
  'The change whose restore puts original back whatever is found at the provider: values given by an operator.';
create index assistant_limits_applied on quota.assistant_limits (verified_at) where status = 'applied';
create index subscriptions_limited on quota.subscriptions (user_id) where limit_enforced_at is not null;

create table quota.assistant_originals (
  user_id uuid not null references quota.users,
  id bigint generated always as identity,
  assistant_id uuid not null references quota.assistants,
  change bigint not null,
  fields jsonb not null check (jsonb_typeof(fields) = 'object'),
  absent text[] not null default '{}',
  source text not null check (source in ('provider', 'operator', 'file')),
  actor text not null default quota.actor(),
  captured_at timestamptz not null default quota.now(),
  primary key (user_id, id)
);
comment on table quota.assistant_originals is
  'History of originals: what each assistant had in its limited fields before a limit. The newest row of a change is the one to restore.';
comment on column quota.assistant_originals.change is 'The change of assistant_limits that this original belongs to.';
comment on column quota.assistant_originals.absent is 'Limited fields that were not set at all.';
comment on column quota.assistant_originals.source is
  'provider: read before the limit; operator: given by hand; file: from a stored end-of-call report.';
create index assistant_originals_assistant on quota.assistant_originals (assistant_id, captured_at desc, id desc);
