-- What providers say they billed, held against what was logged.

create table quota.billing_exports (
  id uuid primary key default gen_random_uuid(),
  sequence bigint generated always as identity unique,
  provider text not null,
  format text not null,
  source text not null,
  sha256 text not null,
  lines integer not null default 0,
  billed numeric not null default 0,
  currency text,
  loaded_at timestamptz not null default quota.now(),
  loaded_by text not null default quota.actor(),
  unique (provider, sha256)
);
comment on column quota.billing_exports.sha256 is 'Of the bytes as given, compressed or not: the same file is loaded once.';

create table quota.billing_lines (
  export_id uuid not null references quota.billing_exports on delete cascade,
  line integer not null,
  kind text not null check (kind in ('call', 'fee', 'aggregate')),
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
  raw jsonb,
  primary key (export_id, line)
);
comment on column quota.billing_lines.line is 'Line of the file, or the place of the element in its list; from 1.';

create table quota.reconciliations (
  id uuid primary key default gen_random_uuid(),
  provider text not null,
  month date not null check (extract(day from month) = 1),
  duration_tolerance numeric not null default 1,
  cost_tolerance numeric not null default 0.005,
  match_seconds numeric not null default 5,
  aggregate_percent numeric not null default 1,
  created_at timestamptz not null default quota.now(),
  closed_at timestamptz,
  closed_by text,
  close_reason text,
  totals jsonb,
  unique (provider, month)
);
comment on table quota.reconciliations is 'One provider''s month. Closed: its lines, kinds and resolutions are frozen.';

create table quota.reconciliation_exports (
  reconciliation_id uuid not null references quota.reconciliations,
  export_id uuid not null references quota.billing_exports,
  primary key (reconciliation_id, export_id)
);

create table quota.reconciliation_items (
  reconciliation_id uuid not null references quota.reconciliations,
  export_id uuid,
  line integer,
  log_id bigint,
  kind text not null,
  billed numeric,
  logged numeric
);
comment on table quota.reconciliation_items is
  'The answer: each line and each log of the month once, in the one kind it ends in.';
create index reconciliation_items_kind on quota.reconciliation_items (reconciliation_id, kind);

create table quota.discrepancies (
  id bigint generated always as identity primary key,
  reconciliation_id uuid not null references quota.reconciliations,
  kind text not null,
  export_id uuid,
  line integer,
  log_id bigint,
  external_id text,
  user_id uuid,
  assistant_id text,
  started_at timestamptz,
  billed_seconds numeric,
  logged_seconds numeric,
  billed numeric,
  logged numeric,
  description text,
  resolution text check (resolution in ('accepted', 'disputed', 'corrected')),
  resolved_at timestamptz,
  resolved_by text,
  reason text,
  unique nulls not distinct (reconciliation_id, kind, export_id, line, log_id)
);
create index discrepancies_user on quota.discrepancies (user_id, reconciliation_id);
