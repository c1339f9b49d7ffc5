-- Meters as data: more units than seconds and messages, patterns of models, rounding, what was counted before a change;
-- quantities of a call beside its seconds and messages; features of plans.
alter table quota.meters drop constraint meters_unit_check;
alter table quota.meters
  add constraint meters_unit check (unit in ('second', 'message', 'request', 'byte', 'token', 'credit')),
  add column rounding numeric(14,3) constraint meters_rounding check (rounding > 0),
  add column credit_seconds numeric(14,3) constraint meters_credit_seconds check (credit_seconds is null or credit_seconds > 0 and unit = 'credit'),
  add column patterns text[],
  add column measure jsonb,
  add column changed_at timestamptz;
comment on column quota.meters.models is
  'When set, the meter counts only calls of these models; "*" in a name stands for any text: claude-*.';
comment on column quota.meters.rounding is 'Each call counts up to a multiple of this; null: as it is.';
comment on column quota.meters.credit_seconds is 'How many seconds a credit is worth; null: an app tells credits as such.';
comment on column quota.meters.patterns is 'The models with "*", for like; null: there are none. Kept by a trigger.';
comment on column quota.meters.measure is
  'How a call is measured; null: by its seconds or its messages, as they are. Kept by a trigger.';
comment on column quota.meters.changed_at is
  'Since when it counts as it does: periods that had ended by then count as quota.former_meters says. Null: ever.';

create table quota.former_meters (
  meter text not null references quota.meters,
  until timestamptz not null,
  models text[],
  patterns text[],
  measure jsonb,
  primary key (meter, until)
);
comment on table quota.former_meters is
  'How a meter counted until when, kept by a trigger on meters: a period that is over goes on as it was counted.';

alter table quota.plans add column features jsonb not null default '{}'
  constraint plans_features check (jsonb_typeof(features) = 'object');
comment on column quota.plans.features is 'What else the plan includes, by name: true or false, a number, a text.';

-- Rows that are there have none: nothing is to be looked at.
alter table quota.call_logs add column quantities jsonb;
alter table quota.call_logs add constraint call_logs_quantities check (
  jsonb_typeof(quantities) = 'object'
  and not jsonb_path_exists(quantities, '$.* ? (!(@.type() == "number") || @ < 0 || @ >= 1000000000000000)')) not valid;
comment on column quota.call_logs.quantities is
  'What else the call used, by unit ("tokens") or by meter; null: its seconds, messages and bytes are all.';
comment on column quota.plan_limits.unit_price is
  'Money per minute (meters in seconds), per million tokens, per GB of 1024³ bytes, or per message, request or credit; prices calls that carry no cost.';
