-- What providers say they billed, held against what was logged. The tables of lines and items take millions of
-- rows a month, always whole exports at a time: block range indexes find an export or a month in them and cost
-- a bulk load nothing; keys and references are kept by the functions that fill them, not row by row.

create table quota.billing_exports (
  id integer primary key default quota.next_export(),
  provider text not null,
  format text not null,
  source text not null,
  sha256 text not null,
  bytes bigint not null default 0,
  lines integer not null default 0,
  calls integer not null default 0,
  billed numeric not null default 0,
  currency text,
  loaded_at timestamptz not null default quota.now(),
  loaded_by text not null default quota.actor(),
  unique (provider, sha256)
);
comment on column quota.billing_exports.id is 'Ascending: an export with a lower id was loaded earlier.';
comment on column quota.billing_exports.sha256 is 'Of the bytes as given, compressed or not: the same file is loaded once.';
comment on column quota.billing_exports.calls is 'How many of the lines are calls; the others are fees and sums of days.';
comment on column quota.billing_exports.billed is 'The sum of the costs, added up while the file was read.';

create table quota.billing_lines (
  export_id integer not null,
  line integer not null,
  kind text not null,
  external_id text,
  assistant_id text,
  model text,
  status text,
  created_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  duration_seconds numeric,
  quantity numeric,
  unit text,
  cost numeric,
  description text,
  day date,
  raw json
);
comment on table quota.billing_lines is 'kind is call, fee or aggregate. (export_id, line) is unique.';
comment on column quota.billing_lines.line is 'Line of the file, or the place of the element in its list; from 1.';
comment on column quota.billing_lines.status is
  'ended, in-progress, another word of the provider, or untimed: of an export that states no ends and durations.';
create index billing_lines_export on quota.billing_lines using brin (export_id) with (pages_per_range = 32);

create table quota.reconciliations (
  id uuid primary key default gen_random_uuid(),
  provider text not null,
  month date not null check (extract(day from month) = 1),
  duration_tolerance numeric not null default 1,
  cost_tolerance numeric not null default 0.005,
  match_seconds numeric not null default 5,
  aggregate_percent numeric not null default 1,
  aggregate_amount numeric not null default 0.01,
  created_at timestamptz not null default quota.now(),
  closed_at timestamptz,
  closed_by text,
  close_reason text,
  totals jsonb,
  unique (provider, month)
);
comment on table quota.reconciliations is 'One provider''s month. Closed: its exports, items, kinds and resolutions are frozen.';
comment on column quota.reconciliations.totals is 'Kinds and totals of the last run; of a closed month those that it was closed with.';

create table quota.reconciliation_exports (
  reconciliation_id uuid not null references quota.reconciliations,
  export_id integer not null references quota.billing_exports,
  primary key (reconciliation_id, export_id)
);

create table quota.reconciliation_items (
  reconciliation_id uuid not null,
  log_id bigint,
  export_id integer,
  line integer,
  log_month date,
  day date,
  model text,
  kind text not null,
  billed numeric not null,
  logged numeric not null
);
comment on table quota.reconciliation_items is
  'The answer: each line and each log of the month once, in the one kind it ends in; aggregates by day and model.';
comment on column quota.reconciliation_items.log_month is 'The month of the log, where it is another one than the line''s.';
create index reconciliation_items_month on quota.reconciliation_items using brin (reconciliation_id) with (pages_per_range = 32);
create index reconciliation_items_elsewhere on quota.reconciliation_items (log_month, log_id) where log_month is not null;

create table quota.discrepancies (
  id bigint generated always as identity primary key,
  reconciliation_id uuid not null references quota.reconciliations,
  kind text not null,
  subject text not null,
  export_id integer,
  line integer,
  log_id bigint,
  day date,
  model text,
  external_id text,
  user_id uuid,
  owner_id uuid,
  assistant_id text,
  started_at timestamptz,
  billed_seconds numeric,
  logged_seconds numeric,
  billed_quantity numeric,
  logged_quantity numeric,
  billed numeric,
  logged numeric,
  is_current boolean not null default true,
  resolution text check (resolution in ('accepted', 'disputed', 'corrected')),
  resolved_at timestamptz,
  resolved_by text,
  reason text,
  unique (reconciliation_id, kind, subject)
);
comment on table quota.discrepancies is 'What does not fit, to be worked through. A resolution outlives every new run.';
comment on column quota.discrepancies.subject is 'What it is about, the same in every run and every export: the call''s id, else the line, the log or the day.';
comment on column quota.discrepancies.user_id is 'Who logged the call; for a line without a log the owner of its assistant.';
comment on column quota.discrepancies.owner_id is 'To whom the assistant of the line belongs.';
comment on column quota.discrepancies.is_current is 'False: resolved, and no longer found by the latest run.';
create index discrepancies_user on quota.discrepancies (user_id, reconciliation_id);

create table quota.export_mappings (
  name text primary key,
  columns text[] not null,
  provider text,
  date_order text check (date_order in ('mdy', 'dmy', 'ymd')),
  assume_utc boolean not null default false,
  saved_at timestamptz not null default quota.now(),
  saved_by text not null default quota.actor()
);
comment on table quota.export_mappings is 'How a CSV of somebody is read: theirs=ours per column, as --map takes it.';

-- What calls should have cost by the provider's rules: a bill can list every call and still charge the wrong rate.

create table quota.rate_cards (
  provider text not null,
  name text not null,
  price numeric not null check (price >= 0),
  unit text not null default 'USD',
  increment_seconds numeric not null default 1 check (increment_seconds > 0),
  rounding text not null default 'up' check (rounding in ('up', 'nearest', 'none')),
  minimum_seconds numeric not null default 0 check (minimum_seconds >= 0),
  models text[],
  line_has jsonb,
  compares text not null default 'cost' check (compares ~ '^(cost|quantity|nothing|breakdown\.[A-Za-z]+)$'),
  note text,
  primary key (provider, name)
);
comment on table quota.rate_cards is 'How a provider charges for time. Several cards of a provider are several questions put to its bill.';
comment on column quota.rate_cards.price is 'Per minute, in the unit.';
comment on column quota.rate_cards.increment_seconds is 'Time is rounded to whole multiples of it, per call.';
comment on column quota.rate_cards.models is 'Only calls of these models, without release dates; null: all.';
comment on column quota.rate_cards.line_has is 'Only lines whose raw has these members; null: all.';
comment on column quota.rate_cards.compares is 'With what of a line: its cost, its quantity, a part of its cost breakdown, or nothing, where the bill states no amount.';

insert into quota.rate_cards (provider, name, price, unit, increment_seconds, rounding, minimum_seconds, models, line_has, compares, note) values
  ('vapi', 'platform fee', 0.05, 'USD', 1, 'nearest', 0, null, null, 'breakdown.vapi', 'per minute, prorated to the second'),
  ('heygen', 'streaming', 0.2, 'credit', 1, 'up', 30, null, null, 'nothing', '30 seconds at least, then by the second; the list of sessions states no amounts'),
  ('liveavatar', 'full', 2, 'credit', 60, 'up', 0, null, '{"mode": "FULL"}', 'quantity', 'a minute is taken when it begins'),
  ('liveavatar', 'lite', 1, 'credit', 60, 'up', 0, null, '{"mode": "LITE"}', 'quantity', 'a minute is taken when it begins'),
  ('openai', 'whisper by the second', 0.006, 'USD', 1, 'nearest', 0, '{whisper-1}', null, 'cost', 'one of two readings of the price list'),
  ('openai', 'whisper by the minute', 0.006, 'USD', 60, 'up', 0, '{whisper-1}', null, 'cost', 'the other reading');
