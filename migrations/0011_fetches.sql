-- Calls on their way from a provider's API into an export: what has come so far, and where to go on.

create table quota.export_fetches (
  provider text not null,
  month date not null check (extract(day from month) = 1),
  id uuid not null default gen_random_uuid(),
  origin text not null,
  started_at timestamptz not null,
  is_walked boolean not null default false,
  cursor jsonb,
  primary key (provider, month)
);
comment on table quota.export_fetches is
  'A fetch that is under way, or was interrupted. It ends in the transaction that makes an export of its calls.';
comment on column quota.export_fetches.id is 'Whoever works on a fetch that somebody else ended or began anew finds out by it.';
comment on column quota.export_fetches.origin is 'The address and a fingerprint of the key: calls of two organisations must not be mixed.';
comment on column quota.export_fetches.is_walked is 'The list was walked to its end; what changed in the meantime may be missing.';
comment on column quota.export_fetches.cursor is 'Where the walk goes on.';

create table quota.fetched_calls (
  provider text not null,
  month date not null,
  external_id text not null,
  created_at timestamptz not null,
  billed_at timestamptz not null,
  cost numeric,
  record text not null,
  primary key (provider, month, external_id)
);
comment on table quota.fetched_calls is 'The calls of a fetch, each once, as it was listed last.';
comment on column quota.fetched_calls.billed_at is 'Its start, or else its creation: what decides which month it belongs to.';
comment on column quota.fetched_calls.record is 'A line of the export to be: JSON of what is billed, without names, numbers and transcripts.';
