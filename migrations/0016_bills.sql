-- What a bill states is kept apart by what it is for: another download of it repeats, and does not add. An export says
-- which days it covers, how exact its durations are, and what of it could not be read.

alter table quota.billing_lines add column charge text, add column invoice_month date;
comment on column quota.billing_lines.charge is
  'Of sums, fees and parts of calls: the dimensions for which they state an amount, as a JSON object. Null in exports of before.';
comment on column quota.billing_lines.invoice_month is 'The month on whose invoice it is, where the bill says so.';

alter table quota.billing_exports
  add column covered_from timestamptz,
  add column covered_until timestamptz,
  add column whole_seconds boolean not null default false,
  add column left_out_lines integer not null default 0,
  add column left_out_amount numeric not null default 0,
  add column left_out_unknown integer not null default 0;
comment on column quota.billing_exports.covered_from is
  'From here to covered_until the export speaks of every day, also of those on which nothing was billed.';
comment on column quota.billing_exports.whole_seconds is 'Its durations are printed in whole seconds.';
comment on column quota.billing_exports.left_out_lines is 'Lines that could not be read and were left out on request.';
comment on column quota.billing_exports.left_out_amount is 'What they say that was charged, as far as that can be read.';
comment on column quota.billing_exports.left_out_unknown is 'How many of them say no amount that can be read.';

alter table quota.export_mappings
  add column decimal_sign text check (decimal_sign in ('point', 'comma')),
  add column currency text check (currency ~ '^[A-Z]{3}$'),
  add column fees_without_date boolean not null default false;
alter table quota.export_mappings drop constraint export_mappings_date_order_check;
alter table quota.export_mappings
  add constraint export_mappings_date_order_check check (date_order in ('mdy', 'dmy', 'ymd', 'serial'));

create table quota.model_aliases (
  alias text primary key check (alias ~ '^[[:alnum:]]+$'),
  model text not null,
  noted_at timestamptz not null default quota.now(),
  noted_by text not null default quota.actor()
);
comment on table quota.model_aliases is
  'What a bill calls a model where it is not the name that apps use: Claude Sonnet 3.5 for claude-3-5-sonnet.';
comment on column quota.model_aliases.alias is 'In lower case, letters and digits alone.';

insert into quota.model_aliases (alias, model, noted_by) values
  ('claudeopus3', 'claude-3-opus', 'quota'),
  ('claudesonnet3', 'claude-3-sonnet', 'quota'),
  ('claudehaiku3', 'claude-3-haiku', 'quota'),
  ('claudesonnet35', 'claude-3-5-sonnet', 'quota'),
  ('claudehaiku35', 'claude-3-5-haiku', 'quota'),
  ('claudesonnet37', 'claude-3-7-sonnet', 'quota'),
  ('whisper', 'whisper-1', 'quota');
