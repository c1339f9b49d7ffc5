-- Counters that an app keeps in Redis under names of its own: what they are called and hold, by meter.
create table quota.cache_templates (
  id integer primary key generated always as identity,
  meter text not null references quota.meters,
  product text references quota.adopt_products,
  key text not null constraint cache_templates_key check (length(key) between 1 and 200),
  field text constraint cache_templates_field check (length(field) between 1 and 100),
  value text not null default 'used'
    constraint cache_templates_value check (value ~ '^(used|remaining|limit|[0-9]{1,15}(\.[0-9]{1,3})? - remaining)$'),
  on_change text not null default 'write' constraint cache_templates_on_change check (on_change in ('write', 'delete')),
  constraint cache_templates_meter unique nulls not distinct (meter, product)
);
comment on table quota.cache_templates is 'What an app''s own keys in Redis are called and hold, by meter.';
comment on column quota.cache_templates.product is 'The adopted product that has it while quota decides; null: the meter itself.';
comment on column quota.cache_templates.key is 'With {user}, {meter}, dates of the period''s first day as {YYYY-MM}, or {start} in seconds since 1970.';
comment on column quota.cache_templates.field is 'Of the hash that the key names; null: the key is a plain string.';
comment on column quota.cache_templates.value is 'used, remaining, limit, or "100 - remaining".';
comment on column quota.cache_templates.on_change is 'What becomes of the key when what it holds has changed: it is written anew, or deleted.';
create unique index cache_templates_place on quota.cache_templates (replace(key, '{meter}', meter), coalesce(field, ''));

alter table quota.cache_outbox add column due_at timestamptz;
comment on column quota.cache_outbox.due_at is
  'Of what calls moved, which concerns keys of the app''s own names alone: when these are due. Null: at once, and the counter under our name too.';
