-- What sql/ and migrations/ come to, as the catalogue of a new database has it. Made by npm run schema; a test holds
-- it to that. To be read, and to show in a diff what a change does: edit sql/ and migrations/, not this.

-- Schema

grant usage on schema quota to quota_app;
grant usage on schema quota to quota_finance;
grant usage on schema quota to quota_operator;
grant usage on schema quota to quota_readonly;

-- Tables

create table quota.adjustments (
  id bigint not null generated always as identity,
  user_id uuid not null,
  meter text not null,
  period_start timestamp with time zone not null,
  kind text not null,
  quantity numeric(20,3) not null,
  cost numeric not null default 0,
  reason text not null,
  actor text not null default quota.actor(),
  created_at timestamp with time zone not null default quota.now()
);
alter table quota.adjustments enable row level security;
alter table quota.adjustments add constraint adjustments_pkey PRIMARY KEY (user_id, id);
alter table quota.adjustments add constraint adjustments_reason_check CHECK ((reason <> ''::text));
alter table quota.adjustments add constraint adjustments_user_id_meter_period_start_fkey FOREIGN KEY (user_id, meter, period_start) REFERENCES quota.usage_quotas(user_id, meter, period_start);
CREATE TRIGGER adjustments_append_only BEFORE DELETE OR TRUNCATE ON quota.adjustments FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
CREATE TRIGGER adjustments_inserted AFTER INSERT ON quota.adjustments REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.adjustments_inserted();
CREATE TRIGGER adjustments_inserted_directly AFTER INSERT ON quota.adjustments REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('user_id id', 'user_id', 'reason', '');
CREATE TRIGGER adjustments_of_nobody BEFORE INSERT ON quota.adjustments FOR EACH ROW EXECUTE FUNCTION quota.keep_nobody_named('{"reason": "erased"}');
CREATE TRIGGER adjustments_unchanged BEFORE UPDATE ON quota.adjustments FOR EACH ROW WHEN (((new.reason <> 'erased'::text) OR ((to_jsonb(old.*) - 'reason'::text) <> (to_jsonb(new.*) - 'reason'::text)))) EXECUTE FUNCTION quota.refuse_change();
create policy one_user on quota.adjustments for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.adjustments to quota_finance;
grant select on table quota.adjustments to quota_operator;
grant select on table quota.adjustments to quota_readonly;

create table quota.adopt_assistants (
  source integer not null,
  key text not null,
  provider_assistant_id text not null
);
comment on table quota.adopt_assistants is 'Which assistant came of which row: a row that is deleted tells its key alone.';
alter table quota.adopt_assistants add constraint adopt_assistants_pkey PRIMARY KEY (source, key);
CREATE INDEX adopt_assistants_provider ON quota.adopt_assistants USING btree (provider_assistant_id);
grant select on table quota.adopt_assistants to quota_finance;
grant select on table quota.adopt_assistants to quota_operator;
grant select on table quota.adopt_assistants to quota_readonly;

create table quota.adopt_dead (
  id bigint not null generated always as identity,
  source integer not null,
  key text,
  operation text not null,
  told jsonb,
  reason text not null,
  attempts integer not null default 0,
  buried_at timestamp with time zone not null default quota.now(),
  next_attempt_at timestamp with time zone not null default quota.now(),
  is_unread boolean not null default false,
  is_again boolean not null default false
);
comment on table quota.adopt_dead is 'Rows of adopted products that could not be taken over: they wait here, and are tried again. The app never hears of it.';
comment on column quota.adopt_dead.key is 'The key of the row; null: not even that could be read, and it is found by a backfill.';
comment on column quota.adopt_dead.told is 'The row as the app wrote it.';
comment on column quota.adopt_dead.is_unread is 'It could not even be read in another database, and is read there again; else it is tried as it was told last.';
comment on column quota.adopt_dead.is_again is 'The row was told again while somebody was taking it up: it is looked at once more.';
alter table quota.adopt_dead add constraint adopt_dead_pkey PRIMARY KEY (id);
CREATE INDEX adopt_dead_due ON quota.adopt_dead USING btree (next_attempt_at);
CREATE UNIQUE INDEX adopt_dead_row ON quota.adopt_dead USING btree (source, key) WHERE ((key IS NOT NULL) AND (NOT is_again));
grant select on table quota.adopt_dead to quota_operator;

create table quota.adopt_links (
  source integer not null,
  key text not null,
  call_log_id bigint
);
comment on table quota.adopt_links is 'Which call log came of which row: backfill and live writes count a row once, by this key.';
comment on column quota.adopt_links.call_log_id is 'Null: the row is gone, and so is its call.';
alter table quota.adopt_links add constraint adopt_links_pkey PRIMARY KEY (source, key);
CREATE UNIQUE INDEX adopt_links_call ON quota.adopt_links USING btree (call_log_id) WHERE (call_log_id IS NOT NULL);
grant select on table quota.adopt_links to quota_finance;
grant select on table quota.adopt_links to quota_operator;
grant select on table quota.adopt_links to quota_readonly;

create table quota.adopt_mirrors (
  id integer not null generated always as identity,
  product text not null,
  meter text not null,
  service text not null,
  relation text not null,
  failed_at timestamp with time zone,
  error text
);
comment on table quota.adopt_mirrors is 'Tables of adopted products whose columns follow ours; there while quota decides.';
comment on column quota.adopt_mirrors.error is 'What kept it from following, the last time; null: it follows.';
alter table quota.adopt_mirrors add constraint adopt_mirrors_pkey PRIMARY KEY (id);
alter table quota.adopt_mirrors add constraint adopt_mirrors_product_fkey FOREIGN KEY (product) REFERENCES quota.adopt_products(product);
grant select on table quota.adopt_mirrors to quota_finance;
grant select on table quota.adopt_mirrors to quota_operator;
grant select on table quota.adopt_mirrors to quota_readonly;

create table quota.adopt_products (
  product text not null,
  mapping jsonb not null,
  services text[] not null,
  authority text not null default 'app'::text,
  authority_since timestamp with time zone not null default quota.now(),
  attached_at timestamp with time zone not null default quota.now(),
  attached_by text not null default quota.actor(),
  detached_at timestamp with time zone
);
comment on table quota.adopt_products is 'Products that were adopted; one that was let go keeps its links, so that it is not counted twice when it comes again.';
comment on column quota.adopt_products.mapping is 'Which of its tables and columns are ours, as it was attached.';
comment on column quota.adopt_products.authority is 'app: what is counted decides nothing. quota: limits, alerts and resets are ours.';
alter table quota.adopt_products add constraint adopt_products_authority_check CHECK ((authority = ANY (ARRAY['app'::text, 'quota'::text])));
alter table quota.adopt_products add constraint adopt_products_pkey PRIMARY KEY (product);
alter table quota.adopt_products add constraint adopt_products_product_check CHECK ((product <> ''::text));
grant select on table quota.adopt_products to quota_finance;
grant select on table quota.adopt_products to quota_operator;
grant select on table quota.adopt_products to quota_readonly;

create table quota.adopt_sources (
  id integer not null generated always as identity,
  product text not null,
  name text not null,
  kind text not null,
  relation text not null,
  makes_users boolean not null default false,
  on_delete text not null default 'ignore'::text,
  is_attached boolean not null default true,
  backfilled_to text,
  backfilled_rows bigint not null default 0,
  backfilled_at timestamp with time zone,
  reading jsonb,
  staged text,
  staged_to jsonb,
  followed jsonb,
  followed_at timestamp with time zone,
  followed_rows bigint not null default 0,
  follow_error text,
  follow_failed_at timestamp with time zone
);
comment on table quota.adopt_sources is 'The tables of adopted products whose rows are taken over.';
comment on column quota.adopt_sources.relation is 'The table, as SQL names it.';
comment on column quota.adopt_sources.makes_users is 'A row of somebody unknown makes the user; else it waits until the app tells of the user.';
comment on column quota.adopt_sources.backfilled_to is 'The key of the last row that a backfill has been through; null: none yet.';
comment on column quota.adopt_sources.backfilled_at is 'When a backfill was through all of it; null: it is not.';
comment on column quota.adopt_sources.reading is 'What is read of a table in another database, as SQL over its row r; null: it is in this one, and triggers tell.';
comment on column quota.adopt_sources.staged is 'A backfill is copying the rows of another database, or has them; null: none is under way.';
comment on column quota.adopt_sources.staged_to is 'The key of the last row that was copied.';
comment on column quota.adopt_sources.followed is 'How far the rows of another database are followed, and how far they were when: where the next look begins.';
comment on column quota.adopt_sources.followed_at is 'When a look at the other database was last through.';
comment on column quota.adopt_sources.followed_rows is 'Rows that were read by following, those that were read again included.';
comment on column quota.adopt_sources.follow_error is 'Why the last look failed; null: it did not.';
comment on column quota.adopt_sources.follow_failed_at is 'When that was.';
alter table quota.adopt_sources add constraint adopt_sources_kind_check CHECK ((kind = ANY (ARRAY['users'::text, 'assistants'::text, 'calls'::text, 'jobs'::text])));
alter table quota.adopt_sources add constraint adopt_sources_on_delete_check CHECK ((on_delete = ANY (ARRAY['ignore'::text, 'remove'::text])));
alter table quota.adopt_sources add constraint adopt_sources_pkey PRIMARY KEY (id);
alter table quota.adopt_sources add constraint adopt_sources_product_fkey FOREIGN KEY (product) REFERENCES quota.adopt_products(product);
alter table quota.adopt_sources add constraint adopt_sources_product_name_key UNIQUE (product, name);
alter table quota.adopt_sources add constraint adopt_sources_staged_check CHECK ((staged = ANY (ARRAY['copying'::text, 'copied'::text])));
grant select on table quota.adopt_sources to quota_finance;
grant select on table quota.adopt_sources to quota_operator;
grant select on table quota.adopt_sources to quota_readonly;

create table quota.alert_deliveries (
  user_id uuid not null,
  meter text not null,
  period_start timestamp with time zone not null,
  threshold integer not null,
  id uuid not null,
  status text not null default 'pending'::text,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default quota.now(),
  last_error text,
  target text,
  settled_at timestamp with time zone
);
comment on column quota.alert_deliveries.id is 'That of the alert.';
comment on column quota.alert_deliveries.status is 'expired: older than anybody wants to hear of when it could have been delivered; withdrawn: it was not so any more; past: of usage that was told long after.';
alter table quota.alert_deliveries enable row level security;
alter table quota.alert_deliveries add constraint alert_deliveries_id_key UNIQUE (id);
alter table quota.alert_deliveries add constraint alert_deliveries_pkey PRIMARY KEY (user_id, id);
alter table quota.alert_deliveries add constraint alert_deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'failed'::text, 'delivered'::text, 'expired'::text, 'withdrawn'::text, 'past'::text])));
alter table quota.alert_deliveries add constraint alert_deliveries_user_id_id_fkey FOREIGN KEY (user_id, id) REFERENCES quota.usage_alerts(user_id, id) ON DELETE CASCADE;
CREATE INDEX alert_deliveries_due ON quota.alert_deliveries USING btree (next_attempt_at) WHERE (status = ANY (ARRAY['pending'::text, 'failed'::text]));
CREATE TRIGGER alert_deliveries_of_nobody BEFORE INSERT OR UPDATE ON quota.alert_deliveries FOR EACH ROW WHEN ((new.last_error IS NOT NULL)) EXECUTE FUNCTION quota.keep_nobody_named('{"last_error": "not kept: the user was erased"}');
create policy one_user on quota.alert_deliveries for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.alert_deliveries to quota_finance;
grant select on table quota.alert_deliveries to quota_operator;
grant select on table quota.alert_deliveries to quota_readonly;

create table quota.analytics_changes (
  day date not null,
  xid xid8 not null default pg_current_xact_id()
);
comment on table quota.analytics_changes is 'Marks of past days whose calls a transaction changed. One row per transaction: writers never wait for each other, and a roll-up takes only the marks whose changes it sees.';
alter table quota.analytics_changes add constraint analytics_changes_pkey PRIMARY KEY (day, xid);
grant select on table quota.analytics_changes to quota_finance;
grant select on table quota.analytics_changes to quota_operator;
grant select on table quota.analytics_changes to quota_readonly;

create table quota.analytics_days (
  day date not null,
  horizon xid8,
  rolled_at timestamp with time zone,
  by_model boolean not null default false
);
comment on table quota.analytics_days is 'Days that are rolled up (rolled_at) or about to be: whoever changes one of their calls leaves a mark.';
comment on column quota.analytics_days.horizon is 'Transactions from here on have seen that the day is claimed; it can be rolled up when all before have ended.';
comment on column quota.analytics_days.by_model is 'Whether its rows tell models apart; a day that is not so is rolled up anew.';
alter table quota.analytics_days add constraint analytics_days_pkey PRIMARY KEY (day);
CREATE INDEX analytics_days_claimed ON quota.analytics_days USING btree (day) WHERE (rolled_at IS NULL);
grant select on table quota.analytics_days to quota_finance;
grant select on table quota.analytics_days to quota_operator;
grant select on table quota.analytics_days to quota_readonly;

create table quota.analytics_totals (
  day date not null,
  service text not null,
  plan text not null,
  calls bigint not null,
  errors bigint not null,
  seconds numeric not null,
  messages bigint not null,
  premium_messages bigint not null,
  cost numeric not null,
  tokens numeric not null,
  bytes numeric not null,
  model text not null default ''::text
);
comment on table quota.analytics_totals is 'What usage_analytics has of a day, added up per service and plan; a day that is not here is added up when it is asked for.';
comment on column quota.analytics_totals.model is 'As in usage_analytics.';
alter table quota.analytics_totals enable row level security;
alter table quota.analytics_totals add constraint analytics_totals_pkey PRIMARY KEY (day, service, plan, model);
create policy one_user on quota.analytics_totals for all to public
  using ((( SELECT quota.bound_user() AS bound_user) IS NULL));
grant select on table quota.analytics_totals to quota_finance;
grant select on table quota.analytics_totals to quota_operator;
grant select on table quota.analytics_totals to quota_readonly;

create table quota.arriving_rows (
  user_id uuid not null,
  table_name text not null,
  part integer not null,
  data bytea not null
);
comment on table quota.arriving_rows is 'Their rows, as COPY writes them.';
alter table quota.arriving_rows enable row level security;
alter table quota.arriving_rows add constraint arriving_rows_pkey PRIMARY KEY (user_id, table_name, part);
alter table quota.arriving_rows add constraint arriving_rows_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.arriving_users(user_id) ON DELETE CASCADE;
create policy one_user on quota.arriving_rows for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));

create table quota.arriving_users (
  user_id uuid not null,
  digest text not null,
  move_id uuid not null,
  shard text not null,
  shard_number integer not null,
  tables jsonb not null,
  stale_days date[] not null,
  packed_at timestamp with time zone not null default quota.now()
);
comment on table quota.arriving_users is 'Who is on the way here from another shard. They are here once that shard has let go of them.';
comment on column quota.arriving_users.shard is 'Where they come from.';
comment on column quota.arriving_users.tables is 'Of each table its columns, how many rows there are, and a sum over them.';
comment on column quota.arriving_users.stale_days is 'Days of their calls that were not rolled up there.';
alter table quota.arriving_users enable row level security;
alter table quota.arriving_users add constraint arriving_users_digest_key UNIQUE (digest);
alter table quota.arriving_users add constraint arriving_users_pkey PRIMARY KEY (user_id);
alter table quota.arriving_users add constraint arriving_users_shard_number_check CHECK (((shard_number >= 0) AND (shard_number <= 63)));
create policy one_user on quota.arriving_users for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.arriving_users to quota_finance;
grant select on table quota.arriving_users to quota_operator;
grant select on table quota.arriving_users to quota_readonly;

create table quota.assistant_limits (
  assistant_id uuid not null,
  user_id uuid not null,
  desired text not null,
  status text not null,
  change bigint not null default 1,
  original jsonb,
  applied jsonb,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone,
  last_error text,
  requested_at timestamp with time zone not null default quota.now(),
  applied_at timestamp with time zone,
  restored_at timestamp with time zone,
  updated_at timestamp with time zone not null default quota.now(),
  claimed_by uuid,
  claimed_until timestamp with time zone,
  verified_at timestamp with time zone,
  intents jsonb not null default '[]'::jsonb,
  exact_change bigint,
  made jsonb not null default '[]'::jsonb,
  doubtful jsonb not null default '{}'::jsonb
);
comment on table quota.assistant_limits is 'The durable queue of provider work: desired against recorded state of each assistant.';
comment on column quota.assistant_limits.change is 'Counts the changes of desired; a worker records its result only for the change it worked on.';
comment on column quota.assistant_limits.original is 'The limited fields as they were. One that is null, or missing here and named in applied, intents or made, was not set.';
comment on column quota.assistant_limits.applied is 'The fields that the assistant was last seen to be limited by; null: not limited by us, as far as we know.';
comment on column quota.assistant_limits.claimed_by is 'The run that works on the assistant, or that worked on it last.';
comment on column quota.assistant_limits.claimed_until is 'Until when (real time) nobody else may work on it; null: nobody works on it. Ends by itself when the worker dies.';
comment on column quota.assistant_limits.verified_at is 'When (real time) the provider was last seen to have what is recorded here.';
comment on column quota.assistant_limits.intents is 'Limited states that were, or were about to be, sent since then: the provider may have any of them.';
comment on column quota.assistant_limits.exact_change is 'The change whose restore puts original back whatever is found at the provider: values given by an operator.';
comment on column quota.assistant_limits.made is 'What the provider was seen to make of what it was sent, and values of another application''s limit: never originals.';
comment on column quota.assistant_limits.doubtful is 'By field the values that were met while an answer was missing, oldest first: somebody''s, or made of what was sent.';
alter table quota.assistant_limits enable row level security;
alter table quota.assistant_limits add constraint assistant_limits_assistant_id_fkey FOREIGN KEY (assistant_id) REFERENCES quota.assistants(id);
alter table quota.assistant_limits add constraint assistant_limits_desired_check CHECK ((desired = ANY (ARRAY['limited'::text, 'original'::text])));
alter table quota.assistant_limits add constraint assistant_limits_doubtful_check CHECK ((jsonb_typeof(doubtful) = 'object'::text));
alter table quota.assistant_limits add constraint assistant_limits_made_check CHECK ((jsonb_typeof(made) = 'array'::text));
alter table quota.assistant_limits add constraint assistant_limits_pkey PRIMARY KEY (assistant_id);
alter table quota.assistant_limits add constraint assistant_limits_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'applied'::text, 'restored'::text, 'failed'::text, 'gone'::text])));
alter table quota.assistant_limits add constraint assistant_limits_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.users(id);
CREATE INDEX assistant_limits_applied ON quota.assistant_limits USING btree (verified_at) WHERE (status = 'applied'::text);
CREATE INDEX assistant_limits_gone ON quota.assistant_limits USING btree (verified_at NULLS FIRST) WHERE (status = 'gone'::text);
CREATE INDEX assistant_limits_queue ON quota.assistant_limits USING btree (next_attempt_at) WHERE (status = ANY (ARRAY['pending'::text, 'failed'::text]));
CREATE INDEX assistant_limits_user ON quota.assistant_limits USING btree (user_id);
CREATE TRIGGER assistant_limits_of_nobody BEFORE INSERT OR UPDATE ON quota.assistant_limits FOR EACH ROW WHEN ((new.last_error IS NOT NULL)) EXECUTE FUNCTION quota.keep_nobody_named('{"last_error": "not kept: the user was erased"}');
create policy one_user on quota.assistant_limits for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.assistant_limits to quota_finance;
grant select on table quota.assistant_limits to quota_operator;
grant select on table quota.assistant_limits to quota_readonly;

create table quota.assistant_originals (
  user_id uuid not null,
  id bigint not null generated always as identity,
  assistant_id uuid not null,
  change bigint not null,
  fields jsonb not null,
  absent text[] not null default '{}'::text[],
  source text not null,
  actor text not null default quota.actor(),
  captured_at timestamp with time zone not null default quota.now()
);
comment on table quota.assistant_originals is 'History of originals: what each assistant had in its limited fields before a limit. The newest row of a change is the one to restore.';
comment on column quota.assistant_originals.change is 'The change of assistant_limits that this original belongs to.';
comment on column quota.assistant_originals.absent is 'Limited fields that were not set at all.';
comment on column quota.assistant_originals.source is 'provider: read before the limit; operator: given by hand; file: from a stored end-of-call report.';
alter table quota.assistant_originals enable row level security;
alter table quota.assistant_originals add constraint assistant_originals_assistant_id_fkey FOREIGN KEY (assistant_id) REFERENCES quota.assistants(id);
alter table quota.assistant_originals add constraint assistant_originals_fields_check CHECK ((jsonb_typeof(fields) = 'object'::text));
alter table quota.assistant_originals add constraint assistant_originals_pkey PRIMARY KEY (user_id, id);
alter table quota.assistant_originals add constraint assistant_originals_source_check CHECK ((source = ANY (ARRAY['provider'::text, 'operator'::text, 'file'::text])));
alter table quota.assistant_originals add constraint assistant_originals_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.users(id);
CREATE INDEX assistant_originals_assistant ON quota.assistant_originals USING btree (assistant_id, captured_at DESC, id DESC);
CREATE TRIGGER assistant_originals_kept BEFORE UPDATE OR TRUNCATE ON quota.assistant_originals FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
CREATE TRIGGER assistant_originals_of_nobody BEFORE INSERT ON quota.assistant_originals FOR EACH ROW EXECUTE FUNCTION quota.keep_nobody_erased();
create policy one_user on quota.assistant_originals for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.assistant_originals to quota_finance;
grant select on table quota.assistant_originals to quota_operator;
grant select on table quota.assistant_originals to quota_readonly;

create table quota.assistants (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  provider_assistant_id text not null,
  name text,
  state text not null default 'active'::text,
  created_at timestamp with time zone not null default quota.now(),
  organisation text,
  is_gated boolean not null default false,
  numbers text[] not null default '{}'::text[],
  held text,
  is_given_up boolean not null default false
);
comment on column quota.assistants.organisation is 'The provider''s id of the organisation that the assistant was last read from; null: not read yet.';
comment on column quota.assistants.is_gated is 'Its calls are let in one by one by quota.gate, with what is left as their length: it is never limited at the provider.';
comment on column quota.assistants.numbers is 'The phone numbers that it answers: the provider''s ids of them, or as they are dialled.';
comment on column quota.assistants.held is 'By hand: limited until it is restored by hand, or original until the limit of its user ends; null: as its user is.';
comment on column quota.assistants.is_given_up is 'Of one that is gone: the adopted product has it no more, whatever the provider says. Of one that is active it says nothing.';
alter table quota.assistants enable row level security;
alter table quota.assistants add constraint assistants_held CHECK ((held = ANY (ARRAY['limited'::text, 'original'::text])));
alter table quota.assistants add constraint assistants_pkey PRIMARY KEY (id);
alter table quota.assistants add constraint assistants_provider_assistant_id_check CHECK ((provider_assistant_id <> ''::text));
alter table quota.assistants add constraint assistants_provider_assistant_id_key UNIQUE (provider_assistant_id);
alter table quota.assistants add constraint assistants_state_check CHECK ((state = ANY (ARRAY['active'::text, 'gone'::text])));
alter table quota.assistants add constraint assistants_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.users(id);
CREATE INDEX assistants_numbers ON quota.assistants USING gin (numbers) WHERE (numbers <> '{}'::text[]);
CREATE INDEX assistants_organisation ON quota.assistants USING btree (organisation) WHERE (organisation IS NOT NULL);
CREATE INDEX assistants_user ON quota.assistants USING btree (user_id);
CREATE TRIGGER assistants_deleted_directly AFTER DELETE ON quota.assistants REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', 'user_id', 'name', '');
CREATE TRIGGER assistants_gated AFTER UPDATE ON quota.assistants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.assistants_gated();
CREATE TRIGGER assistants_inserted AFTER INSERT ON quota.assistants REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.assistants_inserted();
CREATE TRIGGER assistants_moved AFTER UPDATE ON quota.assistants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.assistants_moved();
CREATE TRIGGER assistants_of_nobody BEFORE INSERT OR UPDATE ON quota.assistants FOR EACH ROW WHEN ((new.name IS NOT NULL)) EXECUTE FUNCTION quota.keep_nobody_named('{"name": null}');
CREATE TRIGGER assistants_updated_directly AFTER UPDATE ON quota.assistants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', 'user_id', 'name', '');
CREATE TRIGGER assistants_within_plan_inserted AFTER INSERT ON quota.assistants REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.assistants_within_plan();
CREATE TRIGGER assistants_within_plan_updated AFTER UPDATE ON quota.assistants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.assistants_within_plan();
create policy one_user on quota.assistants for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.assistants to quota_finance;
grant select on table quota.assistants to quota_operator;
grant select on table quota.assistants to quota_readonly;

create table quota.audit_complete (
  is_only boolean not null default true,
  last_id bigint not null
);
comment on table quota.audit_complete is 'Up to which id no row of the history can appear any more, as quota.audit_frontier() last found: only that is sealed.';
alter table quota.audit_complete add constraint audit_complete_is_only_check CHECK (is_only);
alter table quota.audit_complete add constraint audit_complete_pkey PRIMARY KEY (is_only);
grant select on table quota.audit_complete to quota_finance;
grant select on table quota.audit_complete to quota_operator;
grant select on table quota.audit_complete to quota_readonly;

create table quota.audit_log (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default quota.now(),
  recorded_at timestamp with time zone not null default clock_timestamp(),
  actor text not null default quota.actor(),
  action text not null,
  user_id uuid,
  service text,
  subject text,
  reason text,
  before jsonb,
  after jsonb,
  run_id uuid,
  period_end timestamp with time zone,
  xid xid8 not null default pg_current_xact_id(),
  login text
);
comment on table quota.audit_log is 'Append-only: who changed what, when and why. period_end is set on resets only.';
comment on column quota.audit_log.login is 'The login that wrote the row, set by a trigger; actor is who it said to be. Null in rows from before it was kept.';
alter table quota.audit_log enable row level security;
alter table quota.audit_log add constraint audit_log_pkey PRIMARY KEY (id);
CREATE INDEX audit_log_action ON quota.audit_log USING btree (action, id);
CREATE UNIQUE INDEX audit_log_reset_once ON quota.audit_log USING btree (user_id, service, period_end) WHERE (action = 'subscription.reset'::text);
CREATE INDEX audit_log_times ON quota.audit_log USING brin (at, recorded_at) WITH (pages_per_range='32', autosummarize='on');
CREATE INDEX audit_log_user ON quota.audit_log USING btree (user_id, id);
CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON quota.audit_log FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
CREATE TRIGGER audit_log_stamped BEFORE INSERT ON quota.audit_log FOR EACH ROW EXECUTE FUNCTION quota.stamp_audit();
CREATE TRIGGER audit_log_without_reason BEFORE INSERT ON quota.audit_log FOR EACH ROW WHEN (((new.reason IS NOT NULL) AND (new.action <> ALL (ARRAY['user.erased'::text, 'subscription.reset'::text])))) EXECUTE FUNCTION quota.keep_reason_apart();
create policy one_user on quota.audit_log for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.audit_log to quota_finance;
grant select on table quota.audit_log to quota_operator;
grant select on table quota.audit_log to quota_readonly;

create table quota.audit_personal (
  user_id uuid not null,
  audit_id bigint not null,
  before jsonb,
  after jsonb
);
comment on table quota.audit_personal is 'Names and addresses beside audit rows: the history is never rewritten, this part of it goes when its user is erased.';
alter table quota.audit_personal enable row level security;
alter table quota.audit_personal add constraint audit_personal_audit_id_fkey FOREIGN KEY (audit_id) REFERENCES quota.audit_log(id);
alter table quota.audit_personal add constraint audit_personal_pkey PRIMARY KEY (user_id, audit_id);
CREATE TRIGGER audit_personal_of_nobody BEFORE INSERT ON quota.audit_personal FOR EACH ROW EXECUTE FUNCTION quota.keep_nobody_erased();
create policy one_user on quota.audit_personal for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant insert, select on table quota.audit_personal to quota_operator;

create table quota.audit_reasons (
  audit_id bigint not null,
  user_id uuid,
  salt uuid not null default gen_random_uuid(),
  reason text not null
);
comment on table quota.audit_reasons is 'Why: the words of audit rows. The row keeps their digest, so that a word that was changed shows; they go when their user is erased.';
comment on column quota.audit_reasons.salt is 'Hashed with the reason: without it nobody can guess, from the digest that stays, what was said.';
alter table quota.audit_reasons enable row level security;
alter table quota.audit_reasons add constraint audit_reasons_pkey PRIMARY KEY (audit_id);
CREATE INDEX audit_reasons_user ON quota.audit_reasons USING btree (user_id) WHERE (user_id IS NOT NULL);
create policy one_user on quota.audit_reasons for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.audit_reasons to quota_finance;
grant select on table quota.audit_reasons to quota_operator;
grant select on table quota.audit_reasons to quota_readonly;

create table quota.audit_seals (
  id bigint not null,
  first_id bigint not null,
  last_id bigint not null,
  row_count integer not null,
  digest bytea not null,
  sealed_at timestamp with time zone not null default clock_timestamp(),
  actor text not null default quota.actor()
);
comment on table quota.audit_seals is 'Tamper evidence: a seal covers every audit row from first_id to last_id; digest = sha256(digest before, rows).';
alter table quota.audit_seals add constraint audit_seals_check CHECK (((first_id <= last_id) AND (row_count > 0)));
alter table quota.audit_seals add constraint audit_seals_pkey PRIMARY KEY (id);
CREATE TRIGGER audit_seals_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON quota.audit_seals FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
grant select on table quota.audit_seals to quota_finance;
grant select on table quota.audit_seals to quota_operator;
grant select on table quota.audit_seals to quota_readonly;

create table quota.billing_exports (
  id integer not null default quota.next_export(),
  provider text not null,
  format text not null,
  source text not null,
  sha256 text not null,
  bytes bigint not null default 0,
  lines integer not null default 0,
  calls integer not null default 0,
  billed numeric not null default 0,
  currency text,
  loaded_at timestamp with time zone not null default quota.now(),
  loaded_by text not null default quota.actor(),
  reading jsonb not null default '{}'::jsonb,
  covered_from timestamp with time zone,
  covered_until timestamp with time zone,
  whole_seconds boolean not null default false,
  left_out_lines integer not null default 0,
  left_out_amount numeric not null default 0,
  left_out_unknown integer not null default 0
);
comment on column quota.billing_exports.id is 'Ascending: an export with a lower id was loaded earlier.';
comment on column quota.billing_exports.sha256 is 'Of the bytes as given, compressed or not: the same file is loaded once.';
comment on column quota.billing_exports.calls is 'How many of the lines are calls; the others are fees and sums of days.';
comment on column quota.billing_exports.billed is 'The sum of the costs, added up while the file was read.';
comment on column quota.billing_exports.reading is 'How the file was told to be read: mapping, dateOrder, assumeUtc, as far as they were given.';
comment on column quota.billing_exports.covered_from is 'From here to covered_until the export speaks of every day, also of those on which nothing was billed.';
comment on column quota.billing_exports.whole_seconds is 'Its durations are printed in whole seconds.';
comment on column quota.billing_exports.left_out_lines is 'Lines that could not be read and were left out on request.';
comment on column quota.billing_exports.left_out_amount is 'What they say that was charged, as far as that can be read.';
comment on column quota.billing_exports.left_out_unknown is 'How many of them say no amount that can be read.';
alter table quota.billing_exports add constraint billing_exports_content UNIQUE (provider, sha256, format, reading);
alter table quota.billing_exports add constraint billing_exports_pkey PRIMARY KEY (id);
grant select on table quota.billing_exports to quota_finance;
grant select on table quota.billing_exports to quota_operator;
grant select on table quota.billing_exports to quota_readonly;

create table quota.billing_lines (
  export_id integer not null,
  line integer not null,
  kind text not null,
  external_id text,
  assistant_id text,
  model text,
  status text,
  created_at timestamp with time zone,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  duration_seconds numeric,
  quantity numeric,
  unit text,
  cost numeric,
  description text,
  day date,
  raw json,
  charge text,
  invoice_month date
);
comment on table quota.billing_lines is 'kind is call, fee or aggregate. (export_id, line) is unique.';
comment on column quota.billing_lines.line is 'Line of the file, or the place of the element in its list; from 1.';
comment on column quota.billing_lines.status is 'ended, in-progress, another word of the provider, or untimed: of an export that states no ends and durations.';
comment on column quota.billing_lines.charge is 'Of sums, fees and parts of calls: the dimensions for which they state an amount, as a JSON object. Null in exports of before.';
comment on column quota.billing_lines.invoice_month is 'The month on whose invoice it is, where the bill says so.';
CREATE INDEX billing_lines_export ON quota.billing_lines USING brin (export_id) WITH (pages_per_range='32');
CREATE TRIGGER billing_lines_kept AFTER DELETE ON quota.billing_lines REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_lines();
CREATE TRIGGER billing_lines_unchanged BEFORE UPDATE OF export_id, line, kind, external_id, assistant_id, model, status, created_at, started_at, ended_at, duration_seconds, quantity, unit, cost, day, charge, invoice_month OR TRUNCATE ON quota.billing_lines FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
grant insert, select on table quota.billing_lines to quota_finance;
grant select on table quota.billing_lines to quota_operator;
grant select on table quota.billing_lines to quota_readonly;

create table quota.cache_outbox (
  id bigint not null generated always as identity,
  user_id uuid not null,
  external_id text not null,
  meter text not null,
  period_start timestamp with time zone not null,
  created_at timestamp with time zone not null default quota.now(),
  due_at timestamp with time zone
);
comment on table quota.cache_outbox is 'Counters to be taken out of the cache. Append-only for writers, who never wait for each other.';
comment on column quota.cache_outbox.due_at is 'Of what calls moved, which concerns keys of the app''s own names alone: when these are due. Null: at once, and the counter under our name too.';
alter table quota.cache_outbox enable row level security;
alter table quota.cache_outbox add constraint cache_outbox_pkey PRIMARY KEY (id);
create policy one_user on quota.cache_outbox for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.cache_outbox to quota_finance;
grant delete, select on table quota.cache_outbox to quota_operator;
grant select on table quota.cache_outbox to quota_readonly;

create table quota.cache_state (
  is_kept boolean not null default true,
  since timestamp with time zone not null default quota.now()
);
comment on table quota.cache_state is 'Has its row where a cache is kept: else nothing is written down.';
alter table quota.cache_state add constraint cache_state_is_kept_check CHECK (is_kept);
alter table quota.cache_state add constraint cache_state_pkey PRIMARY KEY (is_kept);
grant select on table quota.cache_state to quota_finance;
grant select on table quota.cache_state to quota_operator;
grant select on table quota.cache_state to quota_readonly;

create table quota.cache_templates (
  id integer not null generated always as identity,
  meter text not null,
  product text,
  key text not null,
  field text,
  value text not null default 'used'::text,
  on_change text not null default 'write'::text
);
comment on table quota.cache_templates is 'What an app''s own keys in Redis are called and hold, by meter.';
comment on column quota.cache_templates.product is 'The adopted product that has it while quota decides; null: the meter itself.';
comment on column quota.cache_templates.key is 'With {user}, {meter}, dates of the period''s first day as {YYYY-MM}, or {start} in seconds since 1970.';
comment on column quota.cache_templates.field is 'Of the hash that the key names; null: the key is a plain string.';
comment on column quota.cache_templates.value is 'used, remaining, limit, or "100 - remaining".';
comment on column quota.cache_templates.on_change is 'What becomes of the key when what it holds has changed: it is written anew, or deleted.';
alter table quota.cache_templates add constraint cache_templates_field CHECK (((length(field) >= 1) AND (length(field) <= 100)));
alter table quota.cache_templates add constraint cache_templates_key CHECK (((length(key) >= 1) AND (length(key) <= 200)));
alter table quota.cache_templates add constraint cache_templates_meter UNIQUE NULLS NOT DISTINCT (meter, product);
alter table quota.cache_templates add constraint cache_templates_meter_fkey FOREIGN KEY (meter) REFERENCES quota.meters(key);
alter table quota.cache_templates add constraint cache_templates_on_change CHECK ((on_change = ANY (ARRAY['write'::text, 'delete'::text])));
alter table quota.cache_templates add constraint cache_templates_pkey PRIMARY KEY (id);
alter table quota.cache_templates add constraint cache_templates_product_fkey FOREIGN KEY (product) REFERENCES quota.adopt_products(product);
alter table quota.cache_templates add constraint cache_templates_value CHECK ((value ~ '^(used|remaining|limit|[0-9]{1,15}(\.[0-9]{1,3})? - remaining)$'::text));
CREATE UNIQUE INDEX cache_templates_place ON quota.cache_templates USING btree (replace(key, '{meter}'::text, meter), COALESCE(field, ''::text));
grant select on table quota.cache_templates to quota_finance;
grant select on table quota.cache_templates to quota_operator;
grant select on table quota.cache_templates to quota_readonly;

create table quota.call_logs (
  id bigint not null generated always as identity,
  user_id uuid not null,
  service text not null,
  provider text,
  provider_call_id text,
  assistant_id text,
  model text,
  status text not null default 'completed'::text,
  started_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  duration_seconds numeric(14,3),
  messages integer,
  words_spoken integer,
  file_size_bytes bigint,
  cost numeric,
  error_message text,
  metadata jsonb,
  import_key text,
  settled_by text,
  quantities jsonb
);
comment on table quota.call_logs is 'One metered call to a provider. user_id is checked by set-based triggers, not by a foreign key (a row loop in bulk loads).';
comment on column quota.call_logs.assistant_id is 'The assistant or avatar as the provider names it (assistants.provider_assistant_id).';
comment on column quota.call_logs.cost is 'Exactly as logged, its scale included: sums print as a bill would.';
comment on column quota.call_logs.import_key is 'Content and occurrence of an imported row that has no provider_call_id: makes imports repeatable.';
comment on column quota.call_logs.settled_by is 'Who told what the call came to; null: its end, or it runs. nobody, reservation and heartbeat are estimates.';
comment on column quota.call_logs.quantities is 'What else the call used, by unit ("tokens") or by meter; null: its seconds, messages and bytes are all.';
alter table quota.call_logs enable row level security;
alter table quota.call_logs add constraint call_logs_cost_check CHECK (((cost >= (0)::numeric) AND (cost < '1000000000'::numeric)));
alter table quota.call_logs add constraint call_logs_duration CHECK (((duration_seconds >= (0)::numeric) AND (duration_seconds <= (604800)::numeric)));
alter table quota.call_logs add constraint call_logs_ended CHECK ((ended_at >= started_at));
alter table quota.call_logs add constraint call_logs_file_size_bytes_check CHECK ((file_size_bytes >= 0));
alter table quota.call_logs add constraint call_logs_messages_check CHECK ((messages >= 0));
alter table quota.call_logs add constraint call_logs_pkey PRIMARY KEY (id);
alter table quota.call_logs add constraint call_logs_quantities CHECK (((jsonb_typeof(quantities) = 'object'::text) AND (NOT jsonb_path_exists(quantities, '$.*?((!(@.type() == "number") || @ < 0) || @ >= 1000000000000000)'::jsonpath)))) NOT VALID;
alter table quota.call_logs add constraint call_logs_settled_by CHECK ((settled_by = ANY (ARRAY['nobody'::text, 'reservation'::text, 'heartbeat'::text, 'operator'::text, 'bill'::text])));
alter table quota.call_logs add constraint call_logs_started CHECK (((started_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (started_at < '2200-01-01 00:00:00+00'::timestamp with time zone)));
alter table quota.call_logs add constraint call_logs_status_check CHECK ((status = ANY (ARRAY['active'::text, 'completed'::text, 'error'::text])));
alter table quota.call_logs add constraint call_logs_words_spoken_check CHECK ((words_spoken >= 0));
CREATE INDEX call_logs_active ON quota.call_logs USING btree (started_at) WHERE (status = 'active'::text);
CREATE INDEX call_logs_details ON quota.call_logs USING btree (started_at) WHERE ((metadata IS NOT NULL) OR (error_message IS NOT NULL));
CREATE INDEX call_logs_estimates ON quota.call_logs USING btree (user_id) WHERE (settled_by = ANY (ARRAY['nobody'::text, 'reservation'::text, 'heartbeat'::text]));
CREATE UNIQUE INDEX call_logs_import_key ON quota.call_logs USING btree (import_key) WHERE (import_key IS NOT NULL);
CREATE UNIQUE INDEX call_logs_provider_call ON quota.call_logs USING btree (provider, provider_call_id) WHERE (provider_call_id IS NOT NULL);
CREATE INDEX call_logs_started ON quota.call_logs USING btree (started_at);
CREATE INDEX call_logs_user ON quota.call_logs USING btree (user_id, started_at);
CREATE TRIGGER call_logs_before_insert BEFORE INSERT ON quota.call_logs FOR EACH ROW WHEN (((new.user_id IS NULL) OR ((new.duration_seconds IS NULL) AND (new.ended_at IS NOT NULL)) OR (new.quantities IS NOT NULL))) EXECUTE FUNCTION quota.call_logs_before_write();
CREATE TRIGGER call_logs_before_update BEFORE UPDATE ON quota.call_logs FOR EACH ROW WHEN (((new.user_id IS NULL) OR ((new.duration_seconds IS NULL) AND (new.ended_at IS NOT NULL)) OR (old.settled_by IS NOT NULL) OR (new.quantities IS NOT NULL))) EXECUTE FUNCTION quota.call_logs_before_write();
CREATE TRIGGER call_logs_claim_deleted AFTER DELETE ON quota.call_logs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN ((to_regclass('quota.call_keys'::text) IS NOT NULL)) EXECUTE FUNCTION quota.keep_call_keys();
CREATE TRIGGER call_logs_claim_inserted AFTER INSERT ON quota.call_logs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN ((to_regclass('quota.call_keys'::text) IS NOT NULL)) EXECUTE FUNCTION quota.keep_call_keys();
CREATE TRIGGER call_logs_claim_updated AFTER UPDATE ON quota.call_logs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN ((to_regclass('quota.call_keys'::text) IS NOT NULL)) EXECUTE FUNCTION quota.keep_call_keys();
CREATE TRIGGER call_logs_deleted AFTER DELETE ON quota.call_logs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.call_logs_changed();
CREATE TRIGGER call_logs_deleted_directly AFTER DELETE ON quota.call_logs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', 'user_id', 'error_message metadata', '');
CREATE TRIGGER call_logs_deleted_leases AFTER DELETE ON quota.call_logs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.end_leases();
CREATE TRIGGER call_logs_inserted AFTER INSERT ON quota.call_logs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN ((NOT COALESCE(((current_setting('quota.makes_history'::text, true) = 'with periods'::text) AND has_schema_privilege(SESSION_USER, 'quota'::text, 'create with grant option'::text)), false))) EXECUTE FUNCTION quota.call_logs_changed();
CREATE TRIGGER call_logs_mark_deleted AFTER DELETE ON quota.call_logs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.mark_days();
CREATE TRIGGER call_logs_mark_inserted AFTER INSERT ON quota.call_logs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.mark_days();
CREATE TRIGGER call_logs_mark_updated AFTER UPDATE ON quota.call_logs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.mark_days();
CREATE TRIGGER call_logs_not_truncated BEFORE TRUNCATE ON quota.call_logs FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
CREATE TRIGGER call_logs_of_nobody BEFORE INSERT OR UPDATE ON quota.call_logs FOR EACH ROW WHEN (((new.metadata IS NOT NULL) OR (new.error_message IS NOT NULL))) EXECUTE FUNCTION quota.keep_nobody_named('{"metadata": null, "error_message": null}');
CREATE TRIGGER call_logs_updated AFTER UPDATE ON quota.call_logs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.call_logs_changed();
CREATE TRIGGER call_logs_updated_directly AFTER UPDATE ON quota.call_logs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', 'user_id', 'error_message metadata', '', 'running');
CREATE TRIGGER call_logs_updated_leases AFTER UPDATE ON quota.call_logs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.end_leases();
create policy one_user on quota.call_logs for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.call_logs to quota_finance;
grant select on table quota.call_logs to quota_operator;
grant select on table quota.call_logs to quota_readonly;

create table quota.concurrent_processing (
  user_id uuid not null,
  id uuid not null default gen_random_uuid(),
  service text not null,
  call_log_id bigint,
  reserved numeric(20,3) not null default 0,
  started_at timestamp with time zone not null default quota.now(),
  expires_at timestamp with time zone not null,
  cap numeric(20,3),
  estimate numeric(20,3),
  progress numeric(20,3),
  touched_at timestamp with time zone
);
comment on column quota.concurrent_processing.cap is 'What the session may use in all; null: no limit.';
comment on column quota.concurrent_processing.estimate is 'What the app asked for; null: whatever is left.';
comment on column quota.concurrent_processing.progress is 'What it has used, as its last sign of life told.';
alter table quota.concurrent_processing enable row level security;
alter table quota.concurrent_processing add constraint concurrent_processing_cap_check CHECK ((cap >= (0)::numeric));
alter table quota.concurrent_processing add constraint concurrent_processing_estimate_check CHECK ((estimate >= (0)::numeric));
alter table quota.concurrent_processing add constraint concurrent_processing_pkey PRIMARY KEY (user_id, id);
alter table quota.concurrent_processing add constraint concurrent_processing_progress_check CHECK ((progress >= (0)::numeric));
alter table quota.concurrent_processing add constraint concurrent_processing_reserved_check CHECK ((reserved >= (0)::numeric));
alter table quota.concurrent_processing add constraint concurrent_processing_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.users(id);
CREATE INDEX concurrent_processing_call ON quota.concurrent_processing USING btree (user_id, call_log_id);
CREATE INDEX concurrent_processing_expires ON quota.concurrent_processing USING btree (expires_at);
create policy one_user on quota.concurrent_processing for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.concurrent_processing to quota_finance;
grant select on table quota.concurrent_processing to quota_operator;
grant select on table quota.concurrent_processing to quota_readonly;

create table quota.database_mark (
  is_only boolean not null default true,
  environment text not null,
  marked_at timestamp with time zone not null default clock_timestamp(),
  marked_by text not null default quota.actor(),
  login text not null default SESSION_USER
);
comment on table quota.database_mark is 'Whether this is a database of production. One row, or none where nobody has said; set by quota db mark.';
alter table quota.database_mark add constraint database_mark_environment_check CHECK ((environment = ANY (ARRAY['development'::text, 'test'::text, 'production'::text])));
alter table quota.database_mark add constraint database_mark_is_only_check CHECK (is_only);
alter table quota.database_mark add constraint database_mark_pkey PRIMARY KEY (is_only);
grant select on table quota.database_mark to quota_finance;
grant select on table quota.database_mark to quota_operator;
grant select on table quota.database_mark to quota_readonly;

create table quota.discrepancies (
  id bigint not null generated always as identity,
  reconciliation_id uuid not null,
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
  started_at timestamp with time zone,
  billed_seconds numeric,
  logged_seconds numeric,
  billed_quantity numeric,
  logged_quantity numeric,
  billed numeric,
  logged numeric,
  is_current boolean not null default true,
  resolution text,
  resolved_at timestamp with time zone,
  resolved_by text,
  reason text
);
comment on table quota.discrepancies is 'What does not fit, to be worked through. A resolution outlives every new run.';
comment on column quota.discrepancies.subject is 'What it is about, the same in every run and every export: the call''s id, else the line, the log or the day.';
comment on column quota.discrepancies.user_id is 'Who logged the call; for a line without a log the owner of its assistant.';
comment on column quota.discrepancies.owner_id is 'To whom the assistant of the line belongs.';
comment on column quota.discrepancies.is_current is 'False: resolved, and no longer found by the latest run.';
alter table quota.discrepancies enable row level security;
alter table quota.discrepancies add constraint discrepancies_pkey PRIMARY KEY (id);
alter table quota.discrepancies add constraint discrepancies_reconciliation_id_fkey FOREIGN KEY (reconciliation_id) REFERENCES quota.reconciliations(id);
alter table quota.discrepancies add constraint discrepancies_reconciliation_id_kind_subject_key UNIQUE (reconciliation_id, kind, subject);
alter table quota.discrepancies add constraint discrepancies_resolution_check CHECK ((resolution = ANY (ARRAY['accepted'::text, 'disputed'::text, 'corrected'::text])));
CREATE INDEX discrepancies_user ON quota.discrepancies USING btree (user_id, reconciliation_id);
CREATE TRIGGER discrepancies_delete AFTER DELETE ON quota.discrepancies REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_answer();
CREATE TRIGGER discrepancies_deleted_directly AFTER DELETE ON quota.discrepancies REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', 'user_id', 'reason', 'resolution resolved_at resolved_by reason');
CREATE TRIGGER discrepancies_insert AFTER INSERT ON quota.discrepancies REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_answer();
CREATE TRIGGER discrepancies_kept BEFORE TRUNCATE ON quota.discrepancies FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
CREATE TRIGGER discrepancies_of_nobody BEFORE INSERT OR UPDATE OF reason ON quota.discrepancies FOR EACH ROW WHEN ((new.reason IS NOT NULL)) EXECUTE FUNCTION quota.keep_owner_unnamed();
CREATE TRIGGER discrepancies_update AFTER UPDATE ON quota.discrepancies REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_answer();
CREATE TRIGGER discrepancies_updated_directly AFTER UPDATE ON quota.discrepancies REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', 'user_id', 'reason', 'resolution resolved_at resolved_by reason');
create policy one_user on quota.discrepancies for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.discrepancies to quota_finance;
grant select on table quota.discrepancies to quota_operator;
grant select on table quota.discrepancies to quota_readonly;

create table quota.erased_names (
  digest text not null
);
comment on table quota.erased_names is 'Names that apps had for users who were erased, as sha256: nobody is named, and nobody is made anew.';
alter table quota.erased_names add constraint erased_names_pkey PRIMARY KEY (digest);

create table quota.examined_users (
  user_id uuid not null,
  terms bigint not null,
  facts bigint not null,
  horizon xid8 not null,
  noted xid8 not null,
  noted_at timestamp with time zone not null
);
comment on table quota.examined_users is 'Whose quotas, grants and alerts "quota doctor --full" found to follow from the facts, and what tells whether anything has changed since. No facts: without a row a user is examined anew.';
comment on column quota.examined_users.terms is 'quota.counting_terms() at that time.';
comment on column quota.examined_users.facts is 'How many rows there were: one that is taken away leaves nothing else behind.';
comment on column quota.examined_users.horizon is 'Whatever a transaction from this one on wrote may be newer than what was examined.';
comment on column quota.examined_users.noted is 'The transaction that wrote this row, as the row itself says: in a copy it does not.';
comment on column quota.examined_users.noted_at is 'quota.now() then: what begins and ends by time alone is looked for from there on.';
alter table quota.examined_users enable row level security;
alter table quota.examined_users add constraint examined_users_pkey PRIMARY KEY (user_id);
alter table quota.examined_users add constraint examined_users_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.users(id) ON DELETE CASCADE;
create policy one_user on quota.examined_users for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.examined_users to quota_finance;
grant select on table quota.examined_users to quota_operator;
grant select on table quota.examined_users to quota_readonly;

create table quota.export_fetches (
  provider text not null,
  month date not null,
  id uuid not null default gen_random_uuid(),
  origin text not null,
  started_at timestamp with time zone not null,
  is_walked boolean not null default false,
  cursor jsonb
);
comment on table quota.export_fetches is 'A fetch that is under way, or was interrupted. It ends in the transaction that makes an export of its calls.';
comment on column quota.export_fetches.id is 'Whoever works on a fetch that somebody else ended or began anew finds out by it.';
comment on column quota.export_fetches.origin is 'The address and a fingerprint of the key: calls of two organisations must not be mixed.';
comment on column quota.export_fetches.is_walked is 'The list was walked to its end; what changed in the meantime may be missing.';
comment on column quota.export_fetches.cursor is 'Where the walk goes on.';
alter table quota.export_fetches add constraint export_fetches_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric));
alter table quota.export_fetches add constraint export_fetches_pkey PRIMARY KEY (provider, month);
grant delete, insert, select, update on table quota.export_fetches to quota_finance;
grant select on table quota.export_fetches to quota_operator;
grant select on table quota.export_fetches to quota_readonly;

create table quota.export_mappings (
  name text not null,
  columns text[] not null,
  provider text,
  date_order text,
  assume_utc boolean not null default false,
  saved_at timestamp with time zone not null default quota.now(),
  saved_by text not null default quota.actor(),
  decimal_sign text,
  currency text,
  fees_without_date boolean not null default false
);
comment on table quota.export_mappings is 'How a CSV of somebody is read: theirs=ours per column, as --map takes it.';
alter table quota.export_mappings add constraint export_mappings_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text));
alter table quota.export_mappings add constraint export_mappings_date_order_check CHECK ((date_order = ANY (ARRAY['mdy'::text, 'dmy'::text, 'ymd'::text, 'serial'::text])));
alter table quota.export_mappings add constraint export_mappings_decimal_sign_check CHECK ((decimal_sign = ANY (ARRAY['point'::text, 'comma'::text])));
alter table quota.export_mappings add constraint export_mappings_pkey PRIMARY KEY (name);
grant delete, insert, select, update on table quota.export_mappings to quota_finance;
grant select on table quota.export_mappings to quota_operator;
grant select on table quota.export_mappings to quota_readonly;

create table quota.fetched_calls (
  provider text not null,
  month date not null,
  external_id text not null,
  created_at timestamp with time zone not null,
  billed_at timestamp with time zone not null,
  cost numeric,
  record text not null
);
comment on table quota.fetched_calls is 'The calls of a fetch, each once, as it was listed last.';
comment on column quota.fetched_calls.billed_at is 'Its start, or else its creation: what decides which month it belongs to.';
comment on column quota.fetched_calls.record is 'A line of the export to be: JSON of what is billed, without names, numbers and transcripts.';
alter table quota.fetched_calls add constraint fetched_calls_pkey PRIMARY KEY (provider, month, external_id);
grant delete, insert, select, update on table quota.fetched_calls to quota_finance;
grant select on table quota.fetched_calls to quota_operator;
grant select on table quota.fetched_calls to quota_readonly;

create table quota.former_meters (
  meter text not null,
  until timestamp with time zone not null,
  models text[],
  patterns text[],
  measure jsonb
);
comment on table quota.former_meters is 'How a meter counted until when, kept by a trigger on meters: a period that is over goes on as it was counted.';
alter table quota.former_meters add constraint former_meters_meter_fkey FOREIGN KEY (meter) REFERENCES quota.meters(key);
alter table quota.former_meters add constraint former_meters_pkey PRIMARY KEY (meter, until);
grant select on table quota.former_meters to quota_finance;
grant select on table quota.former_meters to quota_operator;
grant select on table quota.former_meters to quota_readonly;

create table quota.former_plans (
  user_id uuid not null,
  service text not null,
  until timestamp with time zone not null,
  plan text not null
);
comment on table quota.former_plans is 'Which plan a user was on until when, kept by a trigger on subscriptions: a period that is opened late has its terms.';
alter table quota.former_plans enable row level security;
alter table quota.former_plans add constraint former_plans_pkey PRIMARY KEY (user_id, service, until);
alter table quota.former_plans add constraint former_plans_plan_fkey FOREIGN KEY (plan) REFERENCES quota.plans(key);
create policy one_user on quota.former_plans for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.former_plans to quota_finance;
grant select on table quota.former_plans to quota_operator;
grant select on table quota.former_plans to quota_readonly;

create table quota.grants (
  id bigint not null generated always as identity,
  user_id uuid not null,
  meter text not null,
  quantity numeric(20,3) not null,
  consumed numeric(20,3) not null default 0,
  expires_at timestamp with time zone,
  kind text not null default 'grant'::text,
  reason text not null,
  actor text not null default quota.actor(),
  created_at timestamp with time zone not null default quota.now(),
  revoked_at timestamp with time zone,
  revoked_by text,
  revoke_reason text,
  settled_at timestamp with time zone
);
comment on column quota.grants.consumed is 'What the periods that are over took of it, by quota.grant_ledger, as of the last settlement.';
comment on column quota.grants.settled_at is 'When the running quota was last brought in line, if the grant had ended by then; null: it had not, or that is to be seen.';
alter table quota.grants enable row level security;
alter table quota.grants add constraint grants_check CHECK (((consumed >= (0)::numeric) AND (consumed <= quantity)));
alter table quota.grants add constraint grants_check1 CHECK (((revoked_at IS NULL) = (revoked_by IS NULL)));
alter table quota.grants add constraint grants_check2 CHECK (((revoked_at IS NULL) = (revoke_reason IS NULL)));
alter table quota.grants add constraint grants_meter_fkey FOREIGN KEY (meter) REFERENCES quota.meters(key);
alter table quota.grants add constraint grants_pkey PRIMARY KEY (user_id, id);
alter table quota.grants add constraint grants_quantity_check CHECK ((quantity > (0)::numeric));
alter table quota.grants add constraint grants_reason_check CHECK ((reason <> ''::text));
alter table quota.grants add constraint grants_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.users(id);
CREATE INDEX grants_latest ON quota.grants USING btree (created_at DESC, id DESC);
CREATE TRIGGER grants_deleted_directly AFTER DELETE ON quota.grants REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('user_id id', 'user_id', 'reason revoke_reason', '');
CREATE TRIGGER grants_inserted AFTER INSERT ON quota.grants REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.grants_inserted();
CREATE TRIGGER grants_inserted_directly AFTER INSERT ON quota.grants REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('user_id id', 'user_id', 'reason revoke_reason', '');
CREATE TRIGGER grants_of_nobody BEFORE INSERT OR UPDATE OF reason ON quota.grants FOR EACH ROW EXECUTE FUNCTION quota.keep_nobody_named('{"reason": "erased"}');
CREATE TRIGGER grants_revoked_of_nobody BEFORE INSERT OR UPDATE OF revoke_reason ON quota.grants FOR EACH ROW WHEN ((new.revoke_reason IS NOT NULL)) EXECUTE FUNCTION quota.keep_nobody_named('{"revoke_reason": "erased"}');
CREATE TRIGGER grants_updated_directly AFTER UPDATE ON quota.grants REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('user_id id', 'user_id', 'reason revoke_reason', '');
create policy one_user on quota.grants for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.grants to quota_finance;
grant select on table quota.grants to quota_operator;
grant select on table quota.grants to quota_readonly;

create table quota.job_runs (
  id uuid not null default gen_random_uuid(),
  job text not null,
  status text not null default 'running'::text,
  as_of timestamp with time zone not null default quota.now(),
  started_at timestamp with time zone not null default clock_timestamp(),
  finished_at timestamp with time zone,
  counts jsonb not null default '{}'::jsonb,
  error text,
  actor text not null default quota.actor()
);
alter table quota.job_runs add constraint job_runs_pkey PRIMARY KEY (id);
alter table quota.job_runs add constraint job_runs_status_check CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'incomplete'::text, 'failed'::text, 'abandoned'::text])));
CREATE INDEX job_runs_recent ON quota.job_runs USING btree (started_at DESC);
grant select on table quota.job_runs to quota_finance;
grant select on table quota.job_runs to quota_operator;
grant select on table quota.job_runs to quota_readonly;

create table quota.limit_overrides (
  user_id uuid not null,
  plan text not null,
  meter text not null,
  limit_quantity numeric(20,3),
  cost_limit numeric(20,6),
  reason text,
  actor text not null default quota.actor(),
  created_at timestamp with time zone not null default quota.now()
);
comment on table quota.limit_overrides is 'Custom limits: what a user has in place of the plan''s, for as long as the user is on that plan.';
comment on column quota.limit_overrides.limit_quantity is 'In place of the plan''s; null: as the plan says.';
alter table quota.limit_overrides enable row level security;
alter table quota.limit_overrides add constraint limit_overrides_cost_limit_check CHECK ((cost_limit >= (0)::numeric));
alter table quota.limit_overrides add constraint limit_overrides_limit_quantity_check CHECK ((limit_quantity >= (0)::numeric));
alter table quota.limit_overrides add constraint limit_overrides_meter_fkey FOREIGN KEY (meter) REFERENCES quota.meters(key);
alter table quota.limit_overrides add constraint limit_overrides_pkey PRIMARY KEY (user_id, plan, meter);
alter table quota.limit_overrides add constraint limit_overrides_plan_fkey FOREIGN KEY (plan) REFERENCES quota.plans(key);
alter table quota.limit_overrides add constraint limit_overrides_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.users(id);
CREATE TRIGGER limit_overrides_deleted AFTER DELETE ON quota.limit_overrides REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.limit_overrides_changed();
CREATE TRIGGER limit_overrides_deleted_directly AFTER DELETE ON quota.limit_overrides REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('user_id meter', 'user_id', 'reason', '');
CREATE TRIGGER limit_overrides_inserted AFTER INSERT ON quota.limit_overrides REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.limit_overrides_changed();
CREATE TRIGGER limit_overrides_inserted_directly AFTER INSERT ON quota.limit_overrides REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('user_id meter', 'user_id', 'reason', '');
CREATE TRIGGER limit_overrides_of_nobody BEFORE INSERT OR UPDATE ON quota.limit_overrides FOR EACH ROW WHEN ((new.reason IS NOT NULL)) EXECUTE FUNCTION quota.keep_nobody_named('{"reason": null}');
CREATE TRIGGER limit_overrides_stamped BEFORE UPDATE ON quota.limit_overrides FOR EACH ROW WHEN (((new.reason <> 'erased'::text) AND (((old.limit_quantity IS DISTINCT FROM new.limit_quantity) OR (old.cost_limit IS DISTINCT FROM new.cost_limit)) OR (old.reason IS DISTINCT FROM new.reason)))) EXECUTE FUNCTION quota.stamp_override();
CREATE TRIGGER limit_overrides_updated AFTER UPDATE ON quota.limit_overrides REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.limit_overrides_changed();
CREATE TRIGGER limit_overrides_updated_directly AFTER UPDATE ON quota.limit_overrides REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('user_id meter', 'user_id', 'reason', '');
create policy one_user on quota.limit_overrides for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.limit_overrides to quota_finance;
grant delete, select on table quota.limit_overrides to quota_operator;
grant select on table quota.limit_overrides to quota_readonly;

create table quota.lock_seeds (
  name text not null,
  seed bigint not null
);
comment on table quota.lock_seeds is 'From what the numbers of advisory locks are reckoned: the row without a name for all, others for locks whose number somebody got to know and held. No role may read it.';
alter table quota.lock_seeds add constraint lock_seeds_pkey PRIMARY KEY (name);

create table quota.logins (
  role_name name not null,
  role_oid oid,
  speaks_for text not null,
  user_id uuid,
  claim text,
  is_carried boolean not null default false,
  registered_at timestamp with time zone not null default quota.now(),
  registered_by text not null default quota.actor()
);
comment on table quota.logins is 'What a role of apps speaks for: the whole app, one user, or the user that a claim of request.jwt.claims names.';
comment on column quota.logins.role_oid is 'The role itself, which keeps its oid when it is renamed; null: there was no role of that name.';
comment on column quota.logins.is_carried is 'Registered by an upgrade, because it could call before; nobody has looked at it yet.';
alter table quota.logins enable row level security;
alter table quota.logins add constraint logins_check CHECK (((speaks_for = 'user'::text) = (user_id IS NOT NULL)));
alter table quota.logins add constraint logins_check1 CHECK (((speaks_for = 'claim'::text) = (claim IS NOT NULL)));
alter table quota.logins add constraint logins_claim_check CHECK ((claim <> ''::text));
alter table quota.logins add constraint logins_pkey PRIMARY KEY (role_name);
alter table quota.logins add constraint logins_role_oid_key UNIQUE (role_oid);
alter table quota.logins add constraint logins_speaks_for_check CHECK ((speaks_for = ANY (ARRAY['app'::text, 'user'::text, 'claim'::text])));
alter table quota.logins add constraint logins_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.users(id);
CREATE TRIGGER logins_deleted_directly AFTER DELETE ON quota.logins REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('role_name', 'user_id', '', '');
CREATE TRIGGER logins_inserted_directly AFTER INSERT ON quota.logins REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('role_name', 'user_id', '', '');
CREATE TRIGGER logins_updated_directly AFTER UPDATE ON quota.logins REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('role_name', 'user_id', '', '');
create policy one_user on quota.logins for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.logins to quota_operator;

create table quota.meters (
  key text not null,
  service text not null,
  unit text not null,
  models text[],
  is_live boolean not null default false,
  rounding numeric(14,3),
  credit_seconds numeric(14,3),
  patterns text[],
  measure jsonb,
  changed_at timestamp with time zone
);
comment on column quota.meters.models is 'When set, the meter counts only calls of these models, in capitals or not; "*" in a name stands for any text: claude-*.';
comment on column quota.meters.is_live is 'Its seconds pass in real time, as those of a call do: what is recorded without a start began that long ago.';
comment on column quota.meters.rounding is 'Each call counts up to a multiple of this; null: as it is.';
comment on column quota.meters.credit_seconds is 'How many seconds a credit is worth; null: an app tells credits as such.';
comment on column quota.meters.patterns is 'The models, for like; null: all. Kept by a trigger.';
comment on column quota.meters.measure is 'How a call is measured; null: by its seconds or its messages, as they are. Kept by a trigger.';
comment on column quota.meters.changed_at is 'Since when it counts as it does: periods that had ended by then count as quota.former_meters says. Null: ever.';
alter table quota.meters add constraint meters_credit_seconds CHECK (((credit_seconds IS NULL) OR ((credit_seconds > (0)::numeric) AND (unit = 'credit'::text))));
alter table quota.meters add constraint meters_pkey PRIMARY KEY (key);
alter table quota.meters add constraint meters_rounding CHECK ((rounding > (0)::numeric));
alter table quota.meters add constraint meters_unit CHECK ((unit = ANY (ARRAY['second'::text, 'message'::text, 'request'::text, 'byte'::text, 'token'::text, 'credit'::text])));
CREATE INDEX meters_service ON quota.meters USING btree (service);
CREATE TRIGGER meters_before_write BEFORE INSERT OR UPDATE ON quota.meters FOR EACH ROW EXECUTE FUNCTION quota.meters_before_write();
CREATE TRIGGER meters_deleted_directly AFTER DELETE ON quota.meters REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('key', '', '', '');
CREATE TRIGGER meters_inserted_directly AFTER INSERT ON quota.meters REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('key', '', '', '');
CREATE TRIGGER meters_kept_simple AFTER INSERT OR DELETE OR UPDATE ON quota.meters FOR EACH STATEMENT EXECUTE FUNCTION quota.keep_simple_plans();
CREATE TRIGGER meters_updated_directly AFTER UPDATE ON quota.meters REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('key', '', '', '');
grant select on table quota.meters to quota_finance;
grant select on table quota.meters to quota_operator;
grant select on table quota.meters to quota_readonly;

create table quota.model_aliases (
  alias text not null,
  model text not null,
  noted_at timestamp with time zone not null default quota.now(),
  noted_by text not null default quota.actor()
);
comment on table quota.model_aliases is 'What a bill calls a model where it is not the name that apps use: Claude Sonnet 3.5 for claude-3-5-sonnet.';
comment on column quota.model_aliases.alias is 'In lower case, letters and digits alone.';
alter table quota.model_aliases add constraint model_aliases_alias_check CHECK ((alias ~ '^[[:alnum:]]+$'::text));
alter table quota.model_aliases add constraint model_aliases_pkey PRIMARY KEY (alias);
grant delete, insert, select, update on table quota.model_aliases to quota_finance;
grant select on table quota.model_aliases to quota_operator;
grant select on table quota.model_aliases to quota_readonly;

create table quota.moved_users (
  user_id uuid not null,
  digest text not null,
  move_id uuid not null,
  shard text not null,
  shard_number integer not null,
  moved_at timestamp with time zone not null default quota.now()
);
comment on table quota.moved_users is 'Who was here and is in another shard: not made anew here, and told where to ask.';
comment on column quota.moved_users.digest is 'sha256 of the external id: nobody is named.';
comment on column quota.moved_users.move_id is 'Of the move: the rows that wait under it at the destination are the user''s.';
comment on column quota.moved_users.shard is 'Where they went from here.';
alter table quota.moved_users enable row level security;
alter table quota.moved_users add constraint moved_users_digest_key UNIQUE (digest);
alter table quota.moved_users add constraint moved_users_pkey PRIMARY KEY (user_id);
alter table quota.moved_users add constraint moved_users_shard_number_check CHECK (((shard_number >= 0) AND (shard_number <= 63)));
create policy one_user on quota.moved_users for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.moved_users to quota_finance;
grant select on table quota.moved_users to quota_operator;
grant select on table quota.moved_users to quota_readonly;

create table quota.operator_alerts (
  id uuid not null default gen_random_uuid(),
  day date not null,
  service text not null,
  kind text not null,
  value numeric not null,
  limit_value numeric not null,
  calls bigint not null,
  raised_at timestamp with time zone not null default quota.now(),
  acknowledged_at timestamp with time zone,
  status text not null default 'pending'::text,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default quota.now(),
  target text,
  last_error text,
  settled_at timestamp with time zone
);
comment on table quota.operator_alerts is 'Limits of service_settings that a day went beyond: one alert per day, service and kind, and its delivery.';
comment on column quota.operator_alerts.value is 'When it was raised: the cost of the day, or errors in percent of its calls.';
alter table quota.operator_alerts add constraint operator_alerts_day_service_kind_key UNIQUE (day, service, kind);
alter table quota.operator_alerts add constraint operator_alerts_kind_check CHECK ((kind = ANY (ARRAY['daily_cost'::text, 'error_rate'::text])));
alter table quota.operator_alerts add constraint operator_alerts_pkey PRIMARY KEY (id);
alter table quota.operator_alerts add constraint operator_alerts_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'failed'::text, 'delivered'::text, 'expired'::text])));
CREATE INDEX operator_alerts_due ON quota.operator_alerts USING btree (next_attempt_at) WHERE (status = ANY (ARRAY['pending'::text, 'failed'::text]));
grant select on table quota.operator_alerts to quota_finance;
grant select on table quota.operator_alerts to quota_operator;
grant select on table quota.operator_alerts to quota_readonly;

create table quota.plan_limits (
  plan text not null,
  meter text not null,
  limit_quantity numeric(20,3),
  cost_limit numeric(20,6),
  unit_price numeric(20,10),
  reset_every interval,
  reset_anchor text not null default 'signup'::text,
  boundary text not null default 'midnight'::text,
  warn_at integer[] not null default '{80,90,100}'::integer[],
  on_exceeded text not null default 'block'::text
);
comment on column quota.plan_limits.limit_quantity is 'In the unit of the meter; null: not limited by quantity.';
comment on column quota.plan_limits.unit_price is 'Money per minute (meters in seconds), per million tokens, per GB of 1024³ bytes, or per message, request or credit; prices calls that carry no cost.';
comment on column quota.plan_limits.reset_every is 'Length of a period; null: a lifetime quota.';
alter table quota.plan_limits add constraint plan_limits_boundary_check CHECK ((boundary = ANY (ARRAY['midnight'::text, 'instant'::text])));
alter table quota.plan_limits add constraint plan_limits_cost_limit_check CHECK ((cost_limit >= (0)::numeric));
alter table quota.plan_limits add constraint plan_limits_limit_quantity_check CHECK ((limit_quantity >= (0)::numeric));
alter table quota.plan_limits add constraint plan_limits_meter_fkey FOREIGN KEY (meter) REFERENCES quota.meters(key);
alter table quota.plan_limits add constraint plan_limits_on_exceeded_check CHECK ((on_exceeded = ANY (ARRAY['block'::text, 'static_fallback'::text, 'limit_assistants'::text])));
alter table quota.plan_limits add constraint plan_limits_pkey PRIMARY KEY (plan, meter);
alter table quota.plan_limits add constraint plan_limits_plan_fkey FOREIGN KEY (plan) REFERENCES quota.plans(key);
alter table quota.plan_limits add constraint plan_limits_reset_anchor_check CHECK ((reset_anchor = ANY (ARRAY['signup'::text, 'calendar'::text])));
alter table quota.plan_limits add constraint plan_limits_unit_price_check CHECK ((unit_price >= (0)::numeric));
CREATE TRIGGER plan_limits_deleted_directly AFTER DELETE ON quota.plan_limits REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('plan meter', '', '', '');
CREATE TRIGGER plan_limits_inserted_directly AFTER INSERT ON quota.plan_limits REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('plan meter', '', '', '');
CREATE TRIGGER plan_limits_kept_simple AFTER INSERT OR DELETE OR UPDATE ON quota.plan_limits FOR EACH STATEMENT EXECUTE FUNCTION quota.keep_simple_plans();
CREATE TRIGGER plan_limits_updated_directly AFTER UPDATE ON quota.plan_limits REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('plan meter', '', '', '');
grant select on table quota.plan_limits to quota_finance;
grant select on table quota.plan_limits to quota_operator;
grant select on table quota.plan_limits to quota_readonly;

create table quota.plan_versions (
  plan text not null,
  version integer not null,
  definition jsonb not null,
  reason text,
  actor text not null default quota.actor(),
  applied_at timestamp with time zone not null default quota.now()
);
comment on table quota.plan_versions is 'What a plan was, version by version. Append-only.';
alter table quota.plan_versions add constraint plan_versions_pkey PRIMARY KEY (plan, version);
alter table quota.plan_versions add constraint plan_versions_plan_fkey FOREIGN KEY (plan) REFERENCES quota.plans(key);
CREATE TRIGGER plan_versions_append_only BEFORE DELETE OR TRUNCATE ON quota.plan_versions FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
CREATE TRIGGER plan_versions_unchanged BEFORE UPDATE ON quota.plan_versions FOR EACH ROW WHEN (((new.reason IS DISTINCT FROM 'erased'::text) OR ((to_jsonb(old.*) - 'reason'::text) <> (to_jsonb(new.*) - 'reason'::text)))) EXECUTE FUNCTION quota.refuse_change();
grant select on table quota.plan_versions to quota_finance;
grant select on table quota.plan_versions to quota_operator;
grant select on table quota.plan_versions to quota_readonly;

create table quota.plans (
  key text not null,
  service text not null,
  name text not null,
  version integer not null default 1,
  timezone text,
  max_assistants integer,
  max_file_bytes bigint,
  max_concurrent integer,
  max_session_seconds numeric(14,3),
  allowed_models text[],
  is_default boolean not null default false,
  anonymous boolean not null default false,
  upgrade_to text,
  limited_state jsonb,
  lease_seconds numeric(14,3),
  features jsonb not null default '{}'::jsonb,
  enforce_max_assistants boolean not null default false
);
comment on column quota.plans.timezone is 'Zone of every subscription of the plan; null: the zone of the user.';
comment on column quota.plans.limited_state is 'Fields put on a limited assistant; null: the configured default.';
comment on column quota.plans.lease_seconds is 'How long a session is taken to be alive after a sign of life; null: 90 s where seconds pass in real time, else 1 h.';
comment on column quota.plans.features is 'What else the plan includes, by name: true or false, a number, a text.';
comment on column quota.plans.enforce_max_assistants is 'Plain rows of assistants beyond max_assistants are refused; else only quota.add_assistant keeps the maximum.';
alter table quota.plans add constraint plans_features CHECK ((jsonb_typeof(features) = 'object'::text));
alter table quota.plans add constraint plans_lease_seconds_check CHECK (((lease_seconds > (0)::numeric) AND (lease_seconds <= (604800)::numeric)));
alter table quota.plans add constraint plans_max_assistants_check CHECK ((max_assistants >= 0));
alter table quota.plans add constraint plans_max_concurrent_check CHECK ((max_concurrent >= 0));
alter table quota.plans add constraint plans_max_file_bytes_check CHECK ((max_file_bytes >= 0));
alter table quota.plans add constraint plans_max_session_seconds_check CHECK ((max_session_seconds > (0)::numeric));
alter table quota.plans add constraint plans_pkey PRIMARY KEY (key);
CREATE UNIQUE INDEX plans_default ON quota.plans USING btree (service) WHERE is_default;
CREATE TRIGGER plans_deleted_directly AFTER DELETE ON quota.plans REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('key', '', '', '');
CREATE TRIGGER plans_inserted_directly AFTER INSERT ON quota.plans REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('key', '', '', '');
CREATE TRIGGER plans_kept_simple AFTER INSERT OR DELETE OR UPDATE ON quota.plans FOR EACH STATEMENT EXECUTE FUNCTION quota.keep_simple_plans();
CREATE TRIGGER plans_updated_directly AFTER UPDATE ON quota.plans REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('key', '', '', '');
grant select on table quota.plans to quota_finance;
grant select on table quota.plans to quota_operator;
grant select on table quota.plans to quota_readonly;

create table quota.rate_cards (
  provider text not null,
  name text not null,
  price numeric not null,
  unit text not null default 'USD'::text,
  increment_seconds numeric not null default 1,
  rounding text not null default 'up'::text,
  minimum_seconds numeric not null default 0,
  models text[],
  line_has jsonb,
  compares text not null default 'cost'::text,
  note text
);
comment on table quota.rate_cards is 'How a provider charges for time. Several cards of a provider are several questions put to its bill.';
comment on column quota.rate_cards.price is 'Per minute, in the unit.';
comment on column quota.rate_cards.increment_seconds is 'Time is rounded to whole multiples of it, per call.';
comment on column quota.rate_cards.models is 'Only calls of these models, without release dates; null: all.';
comment on column quota.rate_cards.line_has is 'Only lines whose raw has these members; null: all.';
comment on column quota.rate_cards.compares is 'With what of a line: its cost, its quantity, a part of its cost breakdown, or nothing, where the bill states no amount.';
alter table quota.rate_cards add constraint rate_cards_compares_check CHECK ((compares ~ '^(cost|quantity|nothing|breakdown\.[A-Za-z]+)$'::text));
alter table quota.rate_cards add constraint rate_cards_increment_seconds_check CHECK ((increment_seconds > (0)::numeric));
alter table quota.rate_cards add constraint rate_cards_minimum_seconds_check CHECK ((minimum_seconds >= (0)::numeric));
alter table quota.rate_cards add constraint rate_cards_pkey PRIMARY KEY (provider, name);
alter table quota.rate_cards add constraint rate_cards_price_check CHECK ((price >= (0)::numeric));
alter table quota.rate_cards add constraint rate_cards_rounding_check CHECK ((rounding = ANY (ARRAY['up'::text, 'nearest'::text, 'none'::text])));
grant delete, insert, select, update on table quota.rate_cards to quota_finance;
grant select on table quota.rate_cards to quota_operator;
grant select on table quota.rate_cards to quota_readonly;

create table quota.reconciliation_exports (
  reconciliation_id uuid not null,
  export_id integer not null,
  control jsonb
);
comment on column quota.reconciliation_exports.control is 'Of calls that were fetched: count and cost by the provider''s own statistics beside what it listed, and whether they agree.';
alter table quota.reconciliation_exports add constraint reconciliation_exports_export_id_fkey FOREIGN KEY (export_id) REFERENCES quota.billing_exports(id);
alter table quota.reconciliation_exports add constraint reconciliation_exports_pkey PRIMARY KEY (reconciliation_id, export_id);
alter table quota.reconciliation_exports add constraint reconciliation_exports_reconciliation_id_fkey FOREIGN KEY (reconciliation_id) REFERENCES quota.reconciliations(id);
CREATE TRIGGER reconciliation_exports_closed BEFORE INSERT OR DELETE OR UPDATE ON quota.reconciliation_exports FOR EACH ROW EXECUTE FUNCTION quota.guard_attachment();
grant delete, insert, select on table quota.reconciliation_exports to quota_finance;
grant select on table quota.reconciliation_exports to quota_operator;
grant select on table quota.reconciliation_exports to quota_readonly;

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
comment on table quota.reconciliation_items is 'The answer: each line and each log of the month once, in the one kind it ends in; aggregates by day and model. But what plainly matches is in reconciliation_matches.';
comment on column quota.reconciliation_items.log_month is 'The month of the log, where it is another one than the line''s.';
CREATE INDEX reconciliation_items_elsewhere ON quota.reconciliation_items USING btree (log_month, log_id) WHERE (log_month IS NOT NULL);
CREATE INDEX reconciliation_items_month ON quota.reconciliation_items USING brin (reconciliation_id) WITH (pages_per_range='32');
CREATE TRIGGER reconciliation_items_delete AFTER DELETE ON quota.reconciliation_items REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_answer();
CREATE TRIGGER reconciliation_items_insert AFTER INSERT ON quota.reconciliation_items REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_answer();
CREATE TRIGGER reconciliation_items_kept BEFORE TRUNCATE ON quota.reconciliation_items FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
CREATE TRIGGER reconciliation_items_update AFTER UPDATE ON quota.reconciliation_items REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_answer();
grant select on table quota.reconciliation_items to quota_finance;
grant select on table quota.reconciliation_items to quota_operator;
grant select on table quota.reconciliation_items to quota_readonly;

create table quota.reconciliation_matches (
  reconciliation_id uuid not null,
  export_id integer not null,
  lines integer[] not null,
  log_ids bigint[] not null,
  billed numeric[] not null,
  logged numeric[],
  billed_sum numeric not null,
  logged_sum numeric not null
);
comment on table quota.reconciliation_matches is 'The other part of the answer: lines and logs of the month that match, many in a row; quota.reconciled_items has both.';
comment on column quota.reconciliation_matches.lines is 'Of the export; log_ids, billed and logged are in the same order.';
comment on column quota.reconciliation_matches.logged is 'Null: what was logged is what was billed, for each of them.';
CREATE INDEX reconciliation_matches_month ON quota.reconciliation_matches USING btree (reconciliation_id, export_id);
CREATE TRIGGER reconciliation_matches_delete AFTER DELETE ON quota.reconciliation_matches REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_answer();
CREATE TRIGGER reconciliation_matches_insert AFTER INSERT ON quota.reconciliation_matches REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_answer();
CREATE TRIGGER reconciliation_matches_kept BEFORE TRUNCATE ON quota.reconciliation_matches FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
CREATE TRIGGER reconciliation_matches_update AFTER UPDATE ON quota.reconciliation_matches REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.guard_answer();
grant select on table quota.reconciliation_matches to quota_finance;
grant select on table quota.reconciliation_matches to quota_operator;
grant select on table quota.reconciliation_matches to quota_readonly;

create table quota.reconciliations (
  id uuid not null default gen_random_uuid(),
  provider text not null,
  month date not null,
  duration_tolerance numeric not null default 1,
  cost_tolerance numeric not null default 0.005,
  match_seconds numeric not null default 5,
  aggregate_percent numeric not null default 1,
  aggregate_amount numeric not null default 0.01,
  created_at timestamp with time zone not null default quota.now(),
  closed_at timestamp with time zone,
  closed_by text,
  close_reason text,
  totals jsonb
);
comment on table quota.reconciliations is 'One provider''s month. Closed: its exports, items, kinds and resolutions are frozen.';
comment on column quota.reconciliations.totals is 'Kinds and totals of the last run; of a closed month those that it was closed with.';
alter table quota.reconciliations add constraint reconciliations_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric));
alter table quota.reconciliations add constraint reconciliations_pkey PRIMARY KEY (id);
alter table quota.reconciliations add constraint reconciliations_provider_month_key UNIQUE (provider, month);
CREATE TRIGGER reconciliations_closed BEFORE DELETE OR UPDATE ON quota.reconciliations FOR EACH ROW EXECUTE FUNCTION quota.guard_reconciliation();
CREATE TRIGGER reconciliations_deleted_directly AFTER DELETE ON quota.reconciliations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', '', 'close_reason', 'closed_at closed_by close_reason');
CREATE TRIGGER reconciliations_updated_directly AFTER UPDATE ON quota.reconciliations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', '', 'close_reason', 'closed_at closed_by close_reason');
grant select on table quota.reconciliations to quota_finance;
grant select on table quota.reconciliations to quota_operator;
grant select on table quota.reconciliations to quota_readonly;

create table quota.refusals (
  day date not null,
  service text not null,
  plan text not null,
  reason text not null,
  slot integer not null,
  refused bigint not null
);
comment on table quota.refusals is 'Refusals (HTTP 429) per day (UTC), service, plan and reason, in slots, so that two that count do not wait for each other.';
alter table quota.refusals add constraint refusals_pkey PRIMARY KEY (day, service, plan, reason, slot);
grant select on table quota.refusals to quota_finance;
grant select on table quota.refusals to quota_operator;
grant select on table quota.refusals to quota_readonly;

create table quota.schema_core (
  is_installed boolean not null default true,
  sha256 text,
  version text not null,
  installed_at timestamp with time zone not null default clock_timestamp(),
  installed_by text not null default SESSION_USER
);
comment on table quota.schema_core is 'Which functions, triggers, views, policies and rights were installed, and by whom.';
alter table quota.schema_core add constraint schema_core_is_installed_check CHECK (is_installed);
alter table quota.schema_core add constraint schema_core_pkey PRIMARY KEY (is_installed);
grant select on table quota.schema_core to quota_finance;
grant select on table quota.schema_core to quota_operator;
grant select on table quota.schema_core to quota_readonly;

create table quota.schema_migrations (
  id integer not null default nextval('quota.schema_migrations_id_seq'::regclass),
  name character varying(255),
  batch integer,
  migration_time timestamp with time zone,
  sha256 text
);
comment on column quota.schema_migrations.sha256 is 'Of the file that was applied: it is frozen.';
alter table quota.schema_migrations add constraint schema_migrations_pkey PRIMARY KEY (id);
grant select on table quota.schema_migrations to quota_finance;
grant select on table quota.schema_migrations to quota_operator;
grant select on table quota.schema_migrations to quota_readonly;

create table quota.schema_migrations_lock (
  index integer not null default nextval('quota.schema_migrations_lock_index_seq'::regclass),
  is_locked integer
);
alter table quota.schema_migrations_lock add constraint schema_migrations_lock_pkey PRIMARY KEY (index);
grant select on table quota.schema_migrations_lock to quota_finance;
grant select on table quota.schema_migrations_lock to quota_operator;
grant select on table quota.schema_migrations_lock to quota_readonly;

create table quota.schema_objects (
  kind text not null,
  identity text not null,
  source text,
  digest text not null,
  server_version integer not null default ((current_setting('server_version_num'::text))::integer / 10000)
);
comment on table quota.schema_objects is 'What each thing of the schema was when it was installed, so that a change by hand shows.';
comment on column quota.schema_objects.source is 'sha256 of the statements of sql/; null: made by a migration.';
comment on column quota.schema_objects.digest is 'sha256 of what the catalogue says.';
alter table quota.schema_objects add constraint schema_objects_pkey PRIMARY KEY (kind, identity);
grant select on table quota.schema_objects to quota_finance;
grant select on table quota.schema_objects to quota_operator;
grant select on table quota.schema_objects to quota_readonly;

create table quota.service_settings (
  service text not null,
  max_daily_cost numeric,
  max_error_percent numeric,
  keep_details_days integer,
  changed_at timestamp with time zone not null default quota.now(),
  changed_by text not null default quota.actor()
);
comment on table quota.service_settings is 'What an operator says of a service; of the service '''': of all together.';
comment on column quota.service_settings.max_daily_cost is 'When the calls of a day (UTC) cost as much, the operator is told. Nobody is refused.';
comment on column quota.service_settings.max_error_percent is 'When more of the calls of a day end as errors, the operator is told.';
comment on column quota.service_settings.keep_details_days is 'Of a service that finance does not reconcile: metadata and error messages of its calls are kept so long; null: until finance has closed their month.';
alter table quota.service_settings add constraint service_settings_check CHECK (((service <> ''::text) OR (keep_details_days IS NULL)));
alter table quota.service_settings add constraint service_settings_keep_details_days_check CHECK ((keep_details_days > 0));
alter table quota.service_settings add constraint service_settings_max_daily_cost_check CHECK ((max_daily_cost > (0)::numeric));
alter table quota.service_settings add constraint service_settings_max_error_percent_check CHECK (((max_error_percent >= (0)::numeric) AND (max_error_percent < (100)::numeric)));
alter table quota.service_settings add constraint service_settings_pkey PRIMARY KEY (service);
CREATE TRIGGER service_settings_deleted_directly AFTER DELETE ON quota.service_settings REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('service', '', '', '');
CREATE TRIGGER service_settings_inserted_directly AFTER INSERT ON quota.service_settings REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('service', '', '', '');
CREATE TRIGGER service_settings_updated_directly AFTER UPDATE ON quota.service_settings REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('service', '', '', '');
grant select on table quota.service_settings to quota_finance;
grant select on table quota.service_settings to quota_operator;
grant select on table quota.service_settings to quota_readonly;

create table quota.settings (
  name text not null,
  value text not null,
  changed_at timestamp with time zone not null default quota.now(),
  changed_by text not null default quota.actor()
);
comment on table quota.settings is 'Settings of this database. auto_create_users: whether the first call of a user whom nobody has told of makes the user.';
alter table quota.settings add constraint settings_check CHECK (((name <> 'auto_create_users'::text) OR (value = ANY (ARRAY['on'::text, 'off'::text]))));
alter table quota.settings add constraint settings_name_check CHECK ((name = 'auto_create_users'::text));
alter table quota.settings add constraint settings_pkey PRIMARY KEY (name);
CREATE TRIGGER settings_deleted_directly AFTER DELETE ON quota.settings REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('name', '', '', '');
CREATE TRIGGER settings_inserted_directly AFTER INSERT ON quota.settings REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('name', '', '', '');
CREATE TRIGGER settings_updated_directly AFTER UPDATE ON quota.settings REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('name', '', '', '');
grant select on table quota.settings to quota_finance;
grant select on table quota.settings to quota_operator;
grant select on table quota.settings to quota_readonly;

create table quota.simple_plans (
  plan text not null,
  meter text not null,
  unit text not null,
  since timestamp with time zone not null,
  allowed_models text[],
  features jsonb not null
);
comment on table quota.simple_plans is 'The plans whose service has one meter, which counts each call as it is, and what quota.check and quota.record need of them. Kept by triggers on plans, plan_limits and meters; nobody else writes here.';
comment on column quota.simple_plans.since is 'Since when the meter counts as it does; -infinity: ever.';
alter table quota.simple_plans add constraint simple_plans_pkey PRIMARY KEY (plan);
alter table quota.simple_plans add constraint simple_plans_plan_fkey FOREIGN KEY (plan) REFERENCES quota.plans(key) ON UPDATE CASCADE ON DELETE CASCADE;
grant select on table quota.simple_plans to quota_finance;
grant select on table quota.simple_plans to quota_operator;
grant select on table quota.simple_plans to quota_readonly;

create table quota.subscriptions (
  user_id uuid not null,
  service text not null,
  plan text not null,
  anchor_local timestamp without time zone not null,
  timezone text not null,
  next_reset_at timestamp with time zone,
  last_reset_at timestamp with time zone,
  limit_enforced_at timestamp with time zone,
  created_at timestamp with time zone not null default quota.now()
);
comment on column quota.subscriptions.next_reset_at is 'End of the oldest period that no reset has closed; null: never resets.';
comment on column quota.subscriptions.last_reset_at is 'When the last reset was: whatever had ended by then is closed, and is not reset again. Null: no reset yet.';
comment on column quota.subscriptions.limit_enforced_at is 'Since when the assistants are limited (or queued to be); null: they are not.';
alter table quota.subscriptions enable row level security;
alter table quota.subscriptions add constraint subscriptions_pkey PRIMARY KEY (user_id, service);
alter table quota.subscriptions add constraint subscriptions_plan_fkey FOREIGN KEY (plan) REFERENCES quota.plans(key);
alter table quota.subscriptions add constraint subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES quota.users(id);
CREATE INDEX subscriptions_due ON quota.subscriptions USING btree (plan, next_reset_at, user_id);
CREATE INDEX subscriptions_limited ON quota.subscriptions USING btree (user_id) WHERE (limit_enforced_at IS NOT NULL);
CREATE TRIGGER subscriptions_after_insert AFTER INSERT ON quota.subscriptions REFERENCING NEW TABLE AS subscribed FOR EACH STATEMENT EXECUTE FUNCTION quota.subscriptions_after_insert();
CREATE TRIGGER subscriptions_after_update AFTER UPDATE ON quota.subscriptions REFERENCING OLD TABLE AS replaced NEW TABLE AS subscribed FOR EACH STATEMENT EXECUTE FUNCTION quota.subscriptions_after_update();
CREATE TRIGGER subscriptions_before_write BEFORE INSERT OR UPDATE OF plan, anchor_local, timezone ON quota.subscriptions FOR EACH ROW WHEN ((NOT COALESCE(((current_setting('quota.makes_history'::text, true) = 'with periods'::text) AND has_schema_privilege(SESSION_USER, 'quota'::text, 'create with grant option'::text)), false))) EXECUTE FUNCTION quota.subscriptions_before_write();
CREATE TRIGGER subscriptions_deleted_directly AFTER DELETE ON quota.subscriptions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('user_id service', 'user_id', '', '');
CREATE TRIGGER subscriptions_mirrored AFTER UPDATE OF limit_enforced_at, plan, last_reset_at ON quota.subscriptions FOR EACH ROW WHEN (((((old.limit_enforced_at IS DISTINCT FROM new.limit_enforced_at) OR (old.plan IS DISTINCT FROM new.plan)) OR (old.last_reset_at IS DISTINCT FROM new.last_reset_at)) AND quota.keeps_mirrors())) EXECUTE FUNCTION quota.mirror_subscriptions();
CREATE TRIGGER subscriptions_updated_directly AFTER UPDATE ON quota.subscriptions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('user_id service', 'user_id', '', '');
CREATE TRIGGER subscriptions_zones_inserted AFTER INSERT ON quota.subscriptions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_unknown_zones();
create policy one_user on quota.subscriptions for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.subscriptions to quota_finance;
grant select on table quota.subscriptions to quota_operator;
grant select on table quota.subscriptions to quota_readonly;

create table quota.usage_alerts (
  user_id uuid not null,
  meter text not null,
  period_start timestamp with time zone not null,
  threshold integer not null,
  level text not null,
  percent numeric(10,2) not null,
  crossed_at timestamp with time zone not null,
  acknowledged_at timestamp with time zone,
  id uuid not null default gen_random_uuid(),
  allowance numeric,
  cost_limit numeric,
  ended_at timestamp with time zone
);
comment on column quota.usage_alerts.threshold is 'In percent of the allowance or of the cost limit; 0: the pace, at which it runs out before its reset.';
comment on column quota.usage_alerts.crossed_at is 'When the call ended that crossed the threshold, or the allowance became what it is.';
comment on column quota.usage_alerts.id is 'Sent along: a receiver that saw it before can drop a repetition.';
comment on column quota.usage_alerts.allowance is 'The limit and the grants that it was raised under; null: no limit.';
comment on column quota.usage_alerts.ended_at is 'Since when it is not so any more, or was so of a smaller allowance; null: it stands.';
alter table quota.usage_alerts enable row level security;
alter table quota.usage_alerts add constraint usage_alerts_level_check CHECK ((level = ANY (ARRAY['warning'::text, 'critical'::text, 'exceeded'::text])));
alter table quota.usage_alerts add constraint usage_alerts_pkey PRIMARY KEY (user_id, id);
alter table quota.usage_alerts add constraint usage_alerts_user_id_meter_period_start_fkey FOREIGN KEY (user_id, meter, period_start) REFERENCES quota.usage_quotas(user_id, meter, period_start);
CREATE INDEX usage_alerts_latest ON quota.usage_alerts USING btree (crossed_at DESC, threshold DESC, id);
CREATE UNIQUE INDEX usage_alerts_pace ON quota.usage_alerts USING btree (user_id, meter, period_start) WHERE (threshold = 0);
CREATE INDEX usage_alerts_period ON quota.usage_alerts USING btree (user_id, meter, period_start);
CREATE UNIQUE INDEX usage_alerts_standing ON quota.usage_alerts USING btree (user_id, meter, period_start, threshold) WHERE (ended_at IS NULL);
CREATE TRIGGER usage_alerts_queued AFTER INSERT ON quota.usage_alerts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.queue_alerts();
create policy one_user on quota.usage_alerts for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.usage_alerts to quota_finance;
grant select on table quota.usage_alerts to quota_operator;
grant select on table quota.usage_alerts to quota_readonly;

create table quota.usage_analytics (
  day date not null,
  service text not null,
  plan text not null,
  user_id uuid not null,
  calls integer not null,
  errors integer not null,
  seconds numeric(20,3) not null,
  messages bigint not null,
  cost numeric not null,
  premium_messages bigint not null default 0,
  tokens numeric not null default 0,
  bytes numeric not null default 0,
  model text not null default ''::text
);
comment on column quota.usage_analytics.plan is 'The plan at the first roll-up of the day.';
comment on column quota.usage_analytics.premium_messages is 'The messages of models that a meter counts apart.';
comment on column quota.usage_analytics.tokens is 'As calls told them, whether they came to an end or not.';
comment on column quota.usage_analytics.bytes is 'Told as such, else of the files.';
comment on column quota.usage_analytics.model is 'Which model the calls told; empty: none, or a day that was rolled up before models were told apart.';
alter table quota.usage_analytics enable row level security;
alter table quota.usage_analytics add constraint usage_analytics_pkey PRIMARY KEY (user_id, day, service, plan, model);
CREATE INDEX usage_analytics_day ON quota.usage_analytics USING btree (day, service);
create policy one_user on quota.usage_analytics for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.usage_analytics to quota_finance;
grant select on table quota.usage_analytics to quota_operator;
grant select on table quota.usage_analytics to quota_readonly;

create table quota.usage_quotas (
  user_id uuid not null,
  meter text not null,
  period_start timestamp with time zone not null,
  period_end timestamp with time zone not null,
  limit_quantity numeric(20,3),
  cost_limit numeric(20,6),
  unit_price numeric(20,10),
  warn_at integer[] not null default '{}'::integer[],
  on_exceeded text not null default 'block'::text,
  used numeric(20,3) not null default 0,
  adjusted numeric(20,3) not null default 0,
  granted numeric(20,3) not null default 0,
  cost numeric not null default 0,
  calls integer not null default 0,
  exhausted_at timestamp with time zone,
  closed_at timestamp with time zone,
  used_at_close numeric(20,3),
  superseded boolean not null default false,
  alerted integer default 0,
  lowered_at timestamp with time zone
);
comment on table quota.usage_quotas is 'What one user used of one meter in one period, with the terms under which the period was opened. Kept by triggers only, from subscriptions, which name users that exist: a foreign key of its own would cost a reset a third of its time.';
comment on column quota.usage_quotas.used is 'Sum of the call logs of the period plus its adjustments.';
comment on column quota.usage_quotas.adjusted is 'The adjustments'' part of used.';
comment on column quota.usage_quotas.granted is 'Extra allowance beside limit_quantity, from grants.';
comment on column quota.usage_quotas.superseded is 'The period of a former plan or anchor: it goes on counting its calls and never limits anybody.';
comment on column quota.usage_quotas.alerted is 'The highest threshold that is reached, 0: none is; null: to be looked at, as what it comes to, or may, has changed.';
comment on column quota.usage_quotas.lowered_at is 'When the allowance became less than it was: what is over it since then was not crossed before.';
alter table quota.usage_quotas enable row level security;
alter table quota.usage_quotas add constraint usage_quotas_check CHECK ((period_start < period_end));
alter table quota.usage_quotas add constraint usage_quotas_pkey PRIMARY KEY (user_id, meter, period_start);
CREATE INDEX usage_quotas_granted ON quota.usage_quotas USING btree (period_end) WHERE ((granted > (0)::numeric) AND (closed_at IS NULL));
CREATE INDEX usage_quotas_limiting ON quota.usage_quotas USING btree (period_end) WHERE (on_exceeded = 'limit_assistants'::text);
CREATE INDEX usage_quotas_marked ON quota.usage_quotas USING btree (period_end, alerted) INCLUDE (user_id, meter, period_start, exhausted_at, warn_at) WHERE ((NOT superseded) AND ((exhausted_at IS NOT NULL) OR (alerted IS DISTINCT FROM 0)));
CREATE TRIGGER usage_quotas_cache_counted AFTER UPDATE OF used ON quota.usage_quotas FOR EACH ROW WHEN (((new.used <> old.used) AND (new.adjusted = old.adjusted) AND quota.follows_in_cache(new.meter))) EXECUTE FUNCTION quota.outdate_cache('call');
CREATE TRIGGER usage_quotas_cache_inserted AFTER INSERT ON quota.usage_quotas REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.outdate_opened();
CREATE TRIGGER usage_quotas_cache_updated AFTER UPDATE OF limit_quantity, cost_limit, granted, adjusted, closed_at, superseded ON quota.usage_quotas FOR EACH ROW WHEN ((((((((old.limit_quantity IS DISTINCT FROM new.limit_quantity) OR (old.cost_limit IS DISTINCT FROM new.cost_limit)) OR (old.granted IS DISTINCT FROM new.granted)) OR (old.adjusted IS DISTINCT FROM new.adjusted)) OR (old.closed_at IS DISTINCT FROM new.closed_at)) OR (old.superseded IS DISTINCT FROM new.superseded)) AND quota.keeps_cache())) EXECUTE FUNCTION quota.outdate_cache();
CREATE TRIGGER usage_quotas_mirrored AFTER UPDATE OF limit_quantity, cost_limit, granted, adjusted, closed_at, superseded, exhausted_at ON quota.usage_quotas FOR EACH ROW WHEN (((((((((old.limit_quantity IS DISTINCT FROM new.limit_quantity) OR (old.cost_limit IS DISTINCT FROM new.cost_limit)) OR (old.granted IS DISTINCT FROM new.granted)) OR (old.adjusted IS DISTINCT FROM new.adjusted)) OR (old.closed_at IS DISTINCT FROM new.closed_at)) OR (old.superseded IS DISTINCT FROM new.superseded)) OR (old.exhausted_at IS DISTINCT FROM new.exhausted_at)) AND quota.keeps_mirrors())) EXECUTE FUNCTION quota.mirror_quotas();
CREATE TRIGGER usage_quotas_mirrored_new AFTER INSERT ON quota.usage_quotas REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (quota.keeps_mirrors()) EXECUTE FUNCTION quota.mirror_opened();
create policy one_user on quota.usage_quotas for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (user_id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.usage_quotas to quota_finance;
grant select on table quota.usage_quotas to quota_operator;
grant select on table quota.usage_quotas to quota_readonly;

create table quota.users (
  id uuid not null default gen_random_uuid(),
  external_id text not null,
  email text,
  name text,
  timezone text not null default 'UTC'::text,
  created_at timestamp with time zone not null default quota.now(),
  erased_at timestamp with time zone
);
comment on column quota.users.created_at is 'Signup: the anchor of anniversary periods.';
alter table quota.users enable row level security;
alter table quota.users add constraint users_external_id_check CHECK ((external_id <> ''::text));
alter table quota.users add constraint users_external_id_key UNIQUE (external_id);
alter table quota.users add constraint users_id_is_somebodys CHECK ((id <> '00000000-0000-0000-0000-000000000000'::uuid));
alter table quota.users add constraint users_pkey PRIMARY KEY (id);
CREATE INDEX users_email ON quota.users USING btree (lower(email));
CREATE INDEX users_erased ON quota.users USING btree (id) WHERE (erased_at IS NOT NULL);
CREATE TRIGGER users_cache_renamed AFTER UPDATE OF external_id ON quota.users FOR EACH ROW WHEN (((old.external_id <> new.external_id) AND quota.keeps_cache())) EXECUTE FUNCTION quota.outdate_former_name();
CREATE TRIGGER users_deleted_directly AFTER DELETE ON quota.users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', 'id', 'external_id email name', '');
CREATE TRIGGER users_erased BEFORE UPDATE OF external_id, email, name, erased_at ON quota.users FOR EACH ROW WHEN ((old.erased_at IS NOT NULL)) EXECUTE FUNCTION quota.keep_erased();
CREATE TRIGGER users_kept BEFORE DELETE OR TRUNCATE ON quota.users FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_change();
CREATE TRIGGER users_not_moved AFTER INSERT ON quota.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_moved_users();
CREATE TRIGGER users_updated_directly AFTER UPDATE ON quota.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT WHEN (((current_setting('search_path'::text) <> 'pg_catalog, pg_temp'::text) OR (NOT has_schema_privilege('quota'::text, 'create with grant option'::text)))) EXECUTE FUNCTION quota.note_direct_change('id', 'id', 'external_id email name', '');
CREATE TRIGGER users_zones_inserted AFTER INSERT ON quota.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_unknown_zones();
CREATE TRIGGER users_zones_updated AFTER UPDATE ON quota.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quota.refuse_unknown_zones();
create policy one_user on quota.users for all to public
  using (((( SELECT quota.bound_user() AS bound_user) IS NULL) OR (id = ( SELECT quota.bound_user() AS bound_user))));
grant select on table quota.users to quota_finance;
grant select on table quota.users to quota_operator;
grant select on table quota.users to quota_readonly;

-- Types

create type quota.adopted_assistant as (
  key text,
  is_there boolean,
  user_name text,
  provider_assistant_id text,
  name text
);
comment on type quota.adopted_assistant is 'A row of an adopted product as the assistant that it tells of.';

create type quota.adopted_call as (
  key text,
  is_there boolean,
  user_name text,
  service text,
  provider text,
  provider_call_id text,
  assistant_id text,
  model text,
  status text,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  duration_seconds numeric,
  messages integer,
  words_spoken integer,
  file_size_bytes bigint,
  cost numeric,
  error_message text,
  quantities jsonb
);
comment on type quota.adopted_call is 'A row of an adopted product as the call that it tells of; not is_there: the row is gone, or does not count.';

create type quota.adopted_job as (
  key text,
  is_there boolean,
  user_name text,
  service text,
  started_at timestamp with time zone,
  expires_at timestamp with time zone
);
comment on type quota.adopted_job is 'A row of an adopted product as the running job that it tells of.';

create type quota.adopted_user as (
  key text,
  is_there boolean,
  user_name text,
  email text,
  name text,
  signup_at timestamp with time zone,
  timezone text,
  plans text[]
);
comment on type quota.adopted_user is 'A row of an adopted product as the user whom it tells of.';

create type quota.alert as (
  id uuid,
  service text,
  meter text,
  unit text,
  level text,
  threshold integer,
  message text,
  active boolean,
  percent numeric,
  used numeric,
  "limit" numeric,
  cost numeric,
  cost_limit numeric,
  period_start timestamp with time zone,
  period_end timestamp with time zone,
  crossed_at timestamp with time zone,
  ended_at timestamp with time zone,
  acknowledged_at timestamp with time zone
);

create type quota.allowance as (
  meter text,
  unit text,
  used numeric,
  limit_quantity numeric,
  remaining numeric,
  percent numeric,
  exhausted boolean,
  by_cost boolean,
  on_exceeded text,
  resets_at timestamp with time zone,
  warn_at integer[],
  is_open boolean,
  period_start timestamp with time zone,
  cost numeric,
  cost_limit numeric,
  models text[],
  measure jsonb,
  counts boolean,
  room numeric,
  runs_out_at timestamp with time zone
);
comment on type quota.allowance is 'What is left of a meter; by_cost: no money is left, or less than a thousandth of the unit costs; counts: a call of the model counts on it; room: what remains, in the unit of the service, null where it cannot be told in that.';

create type quota.carried_limit as (
  "user" text,
  "limit" numeric,
  cost_limit numeric,
  at timestamp with time zone
);
comment on type quota.carried_limit is 'What an adopted product allows a user: in the period that at is in, null for the running one.';

create type quota.check_result as (
  allowed boolean,
  reason text,
  action text,
  message text,
  service text,
  plan text,
  meter text,
  used numeric,
  "limit" numeric,
  remaining numeric,
  percent numeric,
  cost numeric,
  cost_limit numeric,
  state text,
  warnings text[],
  resets_at timestamp with time zone,
  upgrade_to text,
  meters jsonb,
  features jsonb,
  runs_out_at timestamp with time zone
);

create type quota.closed_period as (
  meter text,
  "periodStart" timestamp with time zone,
  "periodEnd" timestamp with time zone,
  used text,
  "limit" text
);
comment on type quota.closed_period is 'A quota that a reset closed.';

create type quota.counted_usage as (
  used numeric,
  limit_quantity numeric,
  cost numeric,
  runs_out_at numeric
);
comment on type quota.counted_usage is 'How a quota stands after a call: what quota.count_call tells quota.record, where no more is to be said.';

create type quota.opened_periods as (
  quotas quota.quota_key[],
  crossed quota.usage_quotas[],
  has_revived boolean
);
comment on type quota.opened_periods is 'What was opened; which of it is to be enforced; whether a period of a former plan became one of the present plan, and must be counted anew.';

create type quota.quota_key as (
  user_id uuid,
  meter text,
  period_start timestamp with time zone
);
comment on type quota.quota_key is 'The name of a quota.';

create type quota.record_result as (
  recorded boolean,
  call_log_id bigint,
  used numeric,
  "limit" numeric,
  remaining numeric,
  state text,
  action text,
  cost numeric,
  cost_limit numeric,
  differs boolean,
  stored_status text,
  stored_quantity numeric,
  stored_cost numeric,
  is_estimate boolean,
  runs_out_at timestamp with time zone
);

create type quota.reset_after as (
  "nextResetAt" timestamp with time zone,
  missed bigint,
  "limitEnforcedAt" timestamp with time zone
);
comment on type quota.reset_after is 'A subscription after its reset, and how many periods it had missed.';

create type quota.reset_before as (
  "nextResetAt" timestamp with time zone,
  "limitEnforcedAt" timestamp with time zone,
  closed jsonb
);
comment on type quota.reset_before is 'A subscription before its reset, and what of it the reset closed.';

create type quota.reset_counts as (
  reset integer,
  caught_up integer,
  closed integer,
  queued integer,
  last quota.reset_position
);
comment on type quota.reset_counts is 'Subscriptions reset, periods they missed before, quotas closed, assistants queued to be restored, and where the claim ended.';

create type quota.reset_outcome as (
  reset integer,
  caught_up integer,
  closed integer,
  are_kept boolean,
  freed_users uuid[]
);
comment on type quota.reset_outcome is 'Subscriptions, periods they missed, quotas closed; whether a running period was open before its reset; whose limits were lifted.';

create type quota.reset_position as (
  plan text,
  next_reset_at timestamp with time zone,
  user_id uuid
);
comment on type quota.reset_position is 'A place in the index subscriptions_due.';

create type quota.session_result as (
  allowed boolean,
  reason text,
  action text,
  message text,
  session_id bigint,
  cap_seconds numeric,
  expires_at timestamp with time zone,
  remaining numeric,
  resets_at timestamp with time zone,
  upgrade_to text,
  cost numeric,
  cost_limit numeric
);

create type quota.session_room as (
  remaining numeric,
  cap numeric,
  on_exceeded text,
  cost numeric,
  cost_limit numeric
);
comment on type quota.session_room is 'What a running session may still use of the allowance, what it may use in all, what is done when that is used up, and the money of the period; null: no limit.';

create type quota.span_cover as (
  has_quotas boolean,
  uncovered quota.usage_span[],
  partly quota.usage_span[]
);
comment on type quota.span_cover is 'Of spans: whether any quota lies within them; those where none is open; those that one open quota does not cover alone.';

create type quota.told_alert as (
  user_id uuid,
  meter text,
  period_start timestamp with time zone,
  threshold integer,
  crossed_at timestamp with time zone,
  is_past boolean
);
comment on type quota.told_alert is 'An alert of a smaller allowance: whether it was never to be told, being of the past.';

create type quota.told_end as (
  status text,
  started_at timestamp with time zone,
  duration_seconds numeric,
  messages integer,
  cost numeric,
  words_spoken integer,
  error_message text,
  assistant_id text,
  model text,
  file_size_bytes bigint,
  metadata jsonb,
  quantities jsonb
);
comment on type quota.told_end is 'What is told of a call that is over; null: nothing is said of that.';

create type quota.touch_result as (
  running boolean,
  session_id bigint,
  status text,
  progress numeric,
  remaining numeric,
  cap_seconds numeric,
  ends_at timestamp with time zone,
  expires_at timestamp with time zone,
  action text,
  is_estimate boolean,
  cost numeric,
  cost_limit numeric
);

create type quota.usage_delta as (
  user_id uuid,
  meter text,
  period_start timestamp with time zone,
  used numeric,
  adjusted numeric,
  cost numeric,
  calls integer
);

create type quota.usage_span as (
  user_id uuid,
  meter text,
  first timestamp with time zone,
  last timestamp with time zone
);
comment on type quota.usage_span is 'From the first to the last call of a user''s meter that are to be covered by quotas.';

-- Functions

CREATE OR REPLACE FUNCTION quota."check"(p_user text, p_service text, p_model text DEFAULT NULL::text, p_quantity numeric DEFAULT NULL::numeric, p_file_bytes bigint DEFAULT NULL::bigint, p_for text DEFAULT 'usage'::text, p_session text DEFAULT NULL::text, p_quantities jsonb DEFAULT NULL::jsonb)
 RETURNS quota.check_result
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  owner uuid;
  answer quota.check_result;
  at timestamptz := quota.now();
begin
  -- Nearly every check finds an open period with plenty left, on a plan with one meter, and nothing else to
  -- look at: one look tells. Making a statement ready costs more than what it does, a table a tenth of all.
  -- A model that the plan names in capitals is left to those who look at all.
  if p_file_bytes is null and p_for = 'usage' and p_quantities is null and quota.is_plain_caller() then
    select true, 'ok', null, 'Allowed.', s.service, s.plan, q.meter, q.used, q.limit_quantity,
      q.limit_quantity - q.used, round(100 * q.used / nullif(q.limit_quantity, 0), 2), q.cost, null, 'ok',
      '{}', nullif(q.period_end, 'infinity'), null, jsonb_build_array(quota.meter_left(q.meter, p.unit,
        q.used, q.limit_quantity, q.limit_quantity - q.used,
        round(100 * q.used / nullif(q.limit_quantity, 0), 2), q.cost, null, q.period_end)), p.features,
      quota.runs_out_at(q.used, q.adjusted, q.limit_quantity, q.cost, null, null, q.calls, q.period_start,
        q.period_end, at)
    into answer
    from quota.users u
    join quota.subscriptions s on s.user_id = u.id
    join quota.simple_plans p on p.plan = s.plan and (p_model <> all (p.allowed_models)) is not true
    join quota.usage_quotas q on q.user_id = s.user_id and q.meter = p.meter and quota.contains(q, at)
      and not q.superseded
    where u.external_id = p_user and s.service = p_service and q.exhausted_at is null and q.granted = 0
      and q.cost_limit is null
      and not exists (select from quota.concurrent_processing c where c.user_id = u.id)
      and not round(100 * q.used / nullif(q.limit_quantity, 0), 2) >= any (q.warn_at || 100);
    if answer.allowed and (p_quantity is null or p_quantity between 0 and answer.remaining) then
      return answer;
    end if;
  end if;
  select u.id into owner from quota.users u where u.external_id = p_user;
  if p_user is null then
    perform quota.refuse_other_user(null);
  elsif owner is null or not quota.is_plain_caller() then
    owner := quota.user_or_newcomer(p_user);
  end if;
  return quota.decide(owner, p_service, p_model, p_quantity, p_file_bytes, p_for,
    case when p_session is not null then quota.leased_session(owner, p_service, p_session) end,
    p_quantities);
end $function$;
comment on function quota."check"(text,text,text,numeric,bigint,text,text,jsonb) is 'Whether a user, named by external id or id, may use a service now. One whom nobody has told of is answered as a new one is, and is not made. p_quantity: what the call needs, in the unit of the service (seconds, messages, tokens ...); p_quantities: by unit or meter, like {"tokens": 900}. p_for = ''assistant'': may create one more. A null user is somebody not signed in. action: block, switch_to_static or limit_assistants. p_session: the running session that asks, by its key; of what it has reserved only what it has used counts. meters: what is left of each meter of the plan; features: what else it includes; runs_out_at: when that meter is used up at its pace, if before its reset.';
grant execute on function quota."check"(text,text,text,numeric,bigint,text,text,jsonb) to quota_app;
grant execute on function quota."check"(text,text,text,numeric,bigint,text,text,jsonb) to quota_finance;
grant execute on function quota."check"(text,text,text,numeric,bigint,text,text,jsonb) to quota_operator;
grant execute on function quota."check"(text,text,text,numeric,bigint,text,text,jsonb) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.acknowledge_alert(p_user text, p_alert uuid, p_reason text DEFAULT NULL::text)
 RETURNS quota.alert
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  owner uuid := quota.resolve_user(p_user);
  taken record;
  answer quota.alert;
begin
  update quota.usage_alerts a set acknowledged_at = quota.now()
  where a.user_id = owner and a.id = p_alert and a.acknowledged_at is null
  returning a.meter, a.threshold, a.acknowledged_at into taken;
  if found then
    insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
    select 'alert.acknowledged', owner, m.service, p_alert::text, p_reason,
      jsonb_build_object('acknowledgedAt', null),
      jsonb_build_object(
        'acknowledgedAt', taken.acknowledged_at, 'meter', m.key, 'threshold', taken.threshold)
    from quota.meters m where m.key = taken.meter;
  end if;
  select f.* into answer from quota.alerts_of(owner, p_alert) f;
  if answer.id is null then
    raise exception 'this user has no alert %', p_alert
      using errcode = 'QT003', hint = 'quota.alerts(user) tells their ids.';
  end if;
  return answer;
end $function$;
comment on function quota.acknowledge_alert(text,uuid,text) is 'Marks an alert as seen by its user, once: the first time stays. Returns the alert; QT003: this user has no such alert.';
grant execute on function quota.acknowledge_alert(text,uuid,text) to quota_app;
grant execute on function quota.acknowledge_alert(text,uuid,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.acknowledge_operator_alert(p_alert uuid, p_reason text DEFAULT NULL::text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  taken quota.operator_alerts;
begin
  perform quota.refuse_other_users(null);
  update quota.operator_alerts a set acknowledged_at = quota.now()
  where a.id = p_alert and a.acknowledged_at is null
  returning * into taken;
  if taken.id is null then
    return false;
  end if;
  insert into quota.audit_log (action, service, subject, reason, before, after)
  values ('alert.acknowledged', nullif(taken.service, ''), p_alert::text, p_reason,
    jsonb_build_object('acknowledgedAt', null),
    jsonb_build_object('acknowledgedAt', taken.acknowledged_at, 'kind', taken.kind, 'day', taken.day));
  return true;
end $function$;
comment on function quota.acknowledge_operator_alert(uuid,text) is 'Marks an alert of the operator as seen, once; false: it was, or is not there.';
grant execute on function quota.acknowledge_operator_alert(uuid,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.actor()
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select coalesce(nullif(pg_catalog.current_setting('quota.actor', true), ''), session_user::text) $function$;
comment on function quota.actor() is 'Who acts: the session setting quota.actor, else the database role.';
grant execute on function quota.actor() to quota_finance;
grant execute on function quota.actor() to quota_operator;
grant execute on function quota.actor() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.add_adopted_users(p_calls quota.adopted_call[])
 RETURNS void
 LANGUAGE sql
AS $function$
  insert into quota.users (id, external_id, created_at)
  select case when c.user_name ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
      and c.user_name::uuid <> quota.newcomer() then c.user_name::uuid else gen_random_uuid() end,
    c.user_name, min(c.started_at)
  from unnest(p_calls) c
  where c.is_there and c.user_name <> '' and c.started_at is not null
    and not exists (select from quota.users u where u.external_id = c.user_name)
    and not quota.was_erased(c.user_name)
  group by c.user_name
  order by c.user_name
  on conflict do nothing
$function$;
comment on function quota.add_adopted_users(quota.adopted_call[]) is 'Makes the users of calls whom nobody has told of; they signed up with their first call.';

CREATE OR REPLACE FUNCTION quota.add_assistant(p_user text, p_assistant_id text, p_name text DEFAULT NULL::text, p_service text DEFAULT 'voice'::text, p_gated boolean DEFAULT NULL::boolean, p_numbers text[] DEFAULT NULL::text[], OUT allowed boolean, OUT reason text, OUT message text, OUT added boolean, OUT assistants integer, OUT max_assistants integer, OUT upgrade_to text)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  owner uuid := quota.user_or_new(p_user);
  known quota.assistants;
  answer quota.check_result;
begin
  perform quota.refuse_unfit_name(p_assistant_id, 'the id of an assistant');
  if p_name is not null then
    perform quota.refuse_unfit_name(p_name, 'the name of an assistant');
  end if;
  perform quota.refuse_unfit_numbers(p_numbers, p_assistant_id);
  -- Of two at once the second waits here, and counts the first.
  perform quota.lock_subscriptions(array[owner], array[p_service]);
  select * into known from quota.assistants a
  where a.provider_assistant_id = p_assistant_id for no key update;
  if known.user_id <> owner then
    raise exception 'the assistant "%" is another user''s', quota.shown(p_assistant_id)
      using errcode = 'QT003';
  end if;
  added := known.state is distinct from 'active';
  if added then
    answer := quota.decide(owner, p_service, p_for => 'assistant');
    if not answer.allowed then
      perform quota.note_refusal(p_service, answer.plan, answer.reason);
    end if;
  end if;
  allowed := coalesce(answer.allowed, true);
  reason := coalesce(answer.reason, 'ok');
  message := coalesce(answer.message, 'Allowed.');
  upgrade_to := answer.upgrade_to;
  added := added and allowed;
  if known.id is null and added then
    insert into quota.assistants (user_id, provider_assistant_id, name, is_gated, numbers)
    values (owner, p_assistant_id, p_name, coalesce(p_gated, false), coalesce(p_numbers, '{}'));
  elsif added then
    update quota.assistants a set state = 'active', name = coalesce(p_name, a.name) where a.id = known.id;
    perform quota.revive_assistants(array[known.id], null);
  end if;
  update quota.assistants a
  set is_gated = coalesce(p_gated, a.is_gated), numbers = coalesce(p_numbers, a.numbers)
  where a.id = known.id and allowed
    and (coalesce(p_gated, a.is_gated), coalesce(p_numbers, a.numbers))
      is distinct from (a.is_gated, a.numbers);
  select count(a.id), max(p.max_assistants) into assistants, max_assistants
  from quota.subscriptions s
  join quota.plans p on p.key = s.plan
  left join quota.assistants a on a.user_id = s.user_id and a.state = 'active'
  where s.user_id = owner and s.service = p_service;
end $function$;
comment on function quota.add_assistant(text,text,text,text,boolean,text[]) is 'Registers an assistant of a user, if the plan includes one more: counted and added in one go, however many ask at once. allowed false, with reason and message: nothing is added. added false and allowed: it was there. p_gated: its calls are let in by quota.gate, and it is never limited at the provider; p_numbers: those that it answers, by the provider''s ids or as they are dialled. Null leaves them.';
grant execute on function quota.add_assistant(text,text,text,text,boolean,text[]) to quota_app;
grant execute on function quota.add_assistant(text,text,text,text,boolean,text[]) to quota_operator;

CREATE OR REPLACE FUNCTION quota.add_fees(r quota.reconciliations, exports integer[], month_start timestamp with time zone, month_end timestamp with time zone)
 RETURNS void
 LANGUAGE sql
AS $function$
  insert into pg_temp.computed_rows (export_id, line, kind, billed, logged)
  select l.export_id, l.line,
    case when quota.line_at(l) < month_start or quota.line_at(l) >= month_end then 'outside_month'
      else 'fee' end,
    coalesce(l.cost, 0), 0
  from quota.billing_lines l
  where l.export_id = any (exports)
    and (l.kind = 'fee' or (l.kind = 'aggregate' and (l.day < month_start::date or l.day >= month_end::date)))
    and (l.export_id, l.line) not in (select s.export_id, s.line from pg_temp.repeated_sums s);
  insert into pg_temp.computed_rows (export_id, line, day, model, kind, billed, logged)
  select l.export_id, l.line, l.day, quota.model_family(l.model), 'duplicate_line', coalesce(l.cost, 0), 0
  from pg_temp.repeated_sums s join quota.billing_lines l on l.export_id = s.export_id and l.line = s.line
$function$;
comment on function quota.add_fees(quota.reconciliations,integer[],timestamp with time zone,timestamp with time zone) is 'Adds fees, credits, days of other months, and sums that are stated twice to computed_rows.';

CREATE OR REPLACE FUNCTION quota.add_up_day(p_day date)
 RETURNS void
 LANGUAGE sql
AS $function$
  delete from quota.analytics_totals t where t.day = p_day;
  insert into quota.analytics_totals
    (day, service, plan, model, calls, errors, seconds, messages, premium_messages, cost, tokens, bytes)
  select a.day, a.service, a.plan, a.model, sum(a.calls), sum(a.errors), sum(a.seconds),
    sum(a.messages), sum(a.premium_messages), sum(a.cost), sum(a.tokens), sum(a.bytes)
  from quota.usage_analytics a
  where a.day = p_day
  group by a.day, a.service, a.plan, a.model
$function$;
comment on function quota.add_up_day(date) is 'Adds the rolled-up rows of a day up anew. The caller holds the day.';

CREATE OR REPLACE FUNCTION quota.add_up_missing()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(null);
  perform quota.add_up_day(m.day)
  from (
    select d.day from quota.analytics_days d
    where d.rolled_at is not null
      and not exists (select from quota.analytics_totals t where t.day = d.day)
      and exists (select from quota.usage_analytics a where a.day = d.day)
    order by d.day
    for update of d
  ) m;
end $function$;
comment on function quota.add_up_missing() is 'Adds up rolled-up days that are not: who comes from another shard, or goes there, takes rows of them along.';
grant execute on function quota.add_up_missing() to quota_operator;

CREATE OR REPLACE FUNCTION quota.add_user(p_external_id text, p_signup_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_timezone text DEFAULT NULL::text)
 RETURNS uuid
 LANGUAGE plpgsql
AS $function$
declare
  added uuid;
begin
  -- An app whose ids are uuids finds them here, too. Of two first calls at once the second waits for the
  -- first.
  insert into quota.users (id, external_id, created_at, timezone)
  values (
    case when p_external_id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
      and p_external_id::uuid <> quota.newcomer() then p_external_id::uuid else gen_random_uuid() end,
    p_external_id, coalesce(p_signup_at, quota.now()), coalesce(p_timezone, 'UTC'))
  on conflict do nothing
  returning id into added;
  return added;
end $function$;
comment on function quota.add_user(text,timestamp with time zone,text) is 'Makes a user (signup: this moment, in UTC, unless told); the id, null where somebody else has just made it.';

CREATE OR REPLACE FUNCTION quota.adjust_usage(p_user uuid, p_meter text, p_kind text, p_quantity numeric, p_cost numeric, p_reason text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  counted_by text := (select m.service from quota.meters m where m.key = p_meter);
  used_before numeric;
  cost_before numeric;
  audit bigint;
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.open_running(array[p_user], array[counted_by]);
  select c.used, c.cost into used_before, cost_before
  from quota.current_quotas(p_user) c where c.meter = p_meter;
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
  select c.user_id, c.meter, c.period_start, p_kind, p_quantity, p_cost, p_reason
  from quota.current_quotas(p_user) c where c.meter = p_meter;
  if p_quantity < 0 or p_cost < 0 then
    perform quota.lift_spent_limits(array[p_user], array[counted_by]);
  end if;
  insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
  values ('usage.adjusted', p_user, counted_by, p_meter, p_reason,
    jsonb_build_object('used', used_before::text, 'cost', cost_before::text),
    jsonb_build_object('used', (used_before + p_quantity)::text, 'cost', (cost_before + p_cost)::text,
      'kind', p_kind))
  returning id into audit;
  return audit;
end $function$;
comment on function quota.adjust_usage(uuid,text,text,numeric,numeric,text) is 'Corrects what a user has used of a meter in the running period by a signed entry, and limits or frees the user accordingly. Kind: correction, or undone of a reset that is taken back. The id of its audit row.';
grant execute on function quota.adjust_usage(uuid,text,text,numeric,numeric,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.adjusted_cost(p_user uuid, p_meter text, p_period_start timestamp with time zone)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select sum(a.cost) from quota.adjustments a
  where a.user_id = p_user and a.meter = p_meter and a.period_start = p_period_start
$function$;
comment on function quota.adjusted_cost(uuid,text,timestamp with time zone) is 'What corrections add to the cost of a period, for its pace; null: nothing.';
grant execute on function quota.adjusted_cost(uuid,text,timestamp with time zone) to quota_finance;
grant execute on function quota.adjusted_cost(uuid,text,timestamp with time zone) to quota_operator;
grant execute on function quota.adjusted_cost(uuid,text,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.adjustments_inserted()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  services text[];
  deltas quota.usage_delta[];
begin
  select array_agg(n.user_id), array_agg(m.service),
    array_agg((n.user_id, n.meter, n.period_start, n.quantity, n.quantity, n.cost, 0)::quota.usage_delta)
  into users, services, deltas
  from new_rows n join quota.meters m on m.key = n.meter;
  perform quota.hold_subscriptions(users, services);
  perform quota.apply_usage(deltas);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.admit_call(told jsonb, p_service text, p_refusal text)
 RETURNS jsonb
 LANGUAGE plpgsql
AS $function$
declare
  -- VAPI takes no call to be shorter, or longer.
  shortest constant integer := 10;
  longest constant integer := 43200;
  assistant quota.assistants := quota.called_assistant(told);
  key text := quota.told_call(told);
  owner text := (
    select u.external_id from quota.users u where u.id = assistant.user_id and u.erased_at is null);
  known quota.call_logs;
  session quota.session_result;
begin
  if owner is null or assistant.state <> 'active' then
    perform quota.refuse_other_users(null);
    perform quota.note_refusal(p_service, null, 'unknown_assistant');
    return quota.spoken_refusal(p_refusal, null, p_service);
  end if;
  perform quota.refuse_other_user(assistant.user_id);
  -- By hand, until the reset or until somebody lifts it: what is left does not matter.
  if exists (
    select from quota.subscriptions s
    where s.user_id = assistant.user_id and s.service = p_service and s.limit_enforced_at is not null
      and coalesce(s.next_reset_at > quota.now(), true))
  then
    perform quota.note_refusal(p_service, (
      select s.plan from quota.subscriptions s
      where s.user_id = assistant.user_id and s.service = p_service), 'limited');
    return quota.spoken_refusal(p_refusal, assistant.user_id, p_service);
  end if;
  perform quota.hold_key('vapi', key);
  select * into known from quota.call_logs l where l.provider = 'vapi' and l.provider_call_id = key;
  if quota.is_estimate(known.settled_by) or exists (
    select from quota.concurrent_processing c
    where c.user_id = known.user_id and c.call_log_id = known.id and c.expires_at <= quota.now())
  then
    -- It was cut at its length, or never began, and its end was not told: it stays what it is taken to be.
    return quota.spoken_refusal(p_refusal, assistant.user_id, p_service);
  end if;
  session := quota.start_session(owner, p_service, key, 'vapi', assistant.provider_assistant_id);
  if session.allowed and session.cap_seconds < shortest then
    -- Too little for a call that can be cut off: nothing was used, and what was reserved is free again.
    delete from quota.call_logs l where l.id = session.session_id and known.id is null;
    session.allowed := false;
    perform quota.note_refusal(p_service, (
      select s.plan from quota.subscriptions s
      where s.user_id = assistant.user_id and s.service = p_service), 'would_exceed');
  end if;
  if not session.allowed then
    return quota.spoken_refusal(p_refusal, assistant.user_id, p_service);
  end if;
  return jsonb_build_object('assistantId', assistant.provider_assistant_id) || case
    when session.cap_seconds is null then '{}'
    else jsonb_build_object('assistantOverrides', jsonb_build_object(
      'maxDurationSeconds', trunc(least(session.cap_seconds, longest))::integer)) end;
end $function$;
comment on function quota.admit_call(jsonb,text,text) is 'The answer to a call that wants to begin, by what is told of it. Raises QT003 where the call has no id.';

CREATE OR REPLACE FUNCTION quota.adopted_lease(p_source integer, p_key text)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
AS $function$ select md5('adopted job ' || p_source || ' ' || p_key)::uuid $function$;
comment on function quota.adopted_lease(integer,text) is 'The lease of a job that a row of an adopted product tells of.';

CREATE OR REPLACE FUNCTION quota.alert_level(threshold integer, warn_at integer[])
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when threshold >= 100 then 'exceeded'
    when threshold = 0 then 'warning'
    when threshold = (select min(w) from unnest(warn_at) w) then 'warning'
    else 'critical'
  end
$function$;
comment on function quota.alert_level(integer,integer[]) is 'The first threshold below 100 % is a warning, any further one critical, 100 % exceeded; 0, the pace, is a warning.';
grant execute on function quota.alert_level(integer,integer[]) to quota_finance;
grant execute on function quota.alert_level(integer,integer[]) to quota_operator;
grant execute on function quota.alert_level(integer,integer[]) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.alert_message(threshold integer, service text, unit text, meter text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case when threshold >= 100 then 'All of your ' when threshold = 0 then 'At this pace your '
    else threshold || ' % of your ' end
    || case
      when unit = 'second' then service || ' time'
      else quota.meter_label(meter, unit)
    end
    || case when threshold = 0 then ' will be used up before the period ends'
      when unit = 'second' then ' is used up' when threshold >= 100 then ' are used up' else ' are used'
    end
$function$;
comment on function quota.alert_message(integer,text,text,text) is 'A sentence for the user of an app.';
grant execute on function quota.alert_message(integer,text,text,text) to quota_finance;
grant execute on function quota.alert_message(integer,text,text,text) to quota_operator;
grant execute on function quota.alert_message(integer,text,text,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.alert_payload(p_user uuid, p_alert uuid)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$
  select jsonb_build_object(
    'id', a.id, 'type', case when a.threshold = 0 then 'usage.pace' else 'usage.alert' end,
    'level', quota.alert_level(a.threshold, q.warn_at),
    'threshold', a.threshold,
    'percent', n.percent::text,
    'crossedAt', quota.instant_text(a.crossed_at), 'asOf', quota.instant_text(quota.now()),
    'user', jsonb_build_object('id', u.id, 'externalId', u.external_id), 'service', m.service, 'plan', s.plan,
    'meter', a.meter, 'unit', m.unit, 'period', jsonb_build_object(
      'start', quota.instant_text(q.period_start), 'end', quota.instant_text(q.period_end)),
    'used', q.used::text, 'limit', (q.limit_quantity + g.granted)::text, 'cost', q.cost::text,
    'costLimit', q.cost_limit::text, 'onExceeded', q.on_exceeded,
    'runsOutAt', quota.instant_text(r.at))
  from quota.usage_alerts a
  join quota.usage_quotas q using (user_id, meter, period_start)
  join quota.users u on u.id = a.user_id and u.erased_at is null
  join quota.meters m on m.key = a.meter
  left join quota.subscriptions s on s.user_id = a.user_id and s.service = m.service
  -- Stored grants are right until one expires.
  cross join lateral (
    select case when q.granted > 0 then quota.granted_now(q.user_id, q.meter) else 0 end as granted) g
  cross join lateral (
    select quota.percent_used(q.used, q.limit_quantity + g.granted, q.cost, q.cost_limit) as percent) n
  cross join lateral quota.runs_out_at(q.used, q.adjusted, q.limit_quantity + g.granted, q.cost, q.cost_limit,
    case when q.cost_limit is not null then quota.adjusted_cost(q.user_id, q.meter, q.period_start) end,
    q.calls, q.period_start, q.period_end, quota.now()) r(at)
  where a.user_id = p_user and a.id = p_alert and a.ended_at is null and not q.superseded
    and quota.contains(q, quota.now())
    and case when a.threshold = 0 then r.at is not null
      else a.threshold = any (quota.reached(q.warn_at, n.percent)) end
$function$;
comment on function quota.alert_payload(uuid,uuid) is 'What an alert says, as of now; null: it is not so any more, for usage went down, the allowance up, the period ended, or the user is gone.';
grant execute on function quota.alert_payload(uuid,uuid) to quota_finance;
grant execute on function quota.alert_payload(uuid,uuid) to quota_operator;
grant execute on function quota.alert_payload(uuid,uuid) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.alerts(p_user text, p_limit integer DEFAULT 50, p_before timestamp with time zone DEFAULT NULL::timestamp with time zone, p_service text DEFAULT NULL::text)
 RETURNS SETOF quota.alert
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select a.*
  from quota.user_or_newcomer(p_user) o(id)
  cross join lateral quota.alerts_of(o.id, null) a
  where (p_before is null or a.crossed_at < p_before) and (p_service is null or a.service = p_service)
    and quota.refuse_unknown_service(p_service)
  order by a.crossed_at desc, a.threshold desc, a.id
  limit least(greatest(p_limit, 1), 1000)
$function$;
comment on function quota.alerts(text,integer,timestamp with time zone,text) is 'The alerts of a user, the latest first, a page at a time (p_before: crossed_at of the last one).';
grant execute on function quota.alerts(text,integer,timestamp with time zone,text) to quota_app;
grant execute on function quota.alerts(text,integer,timestamp with time zone,text) to quota_finance;
grant execute on function quota.alerts(text,integer,timestamp with time zone,text) to quota_operator;
grant execute on function quota.alerts(text,integer,timestamp with time zone,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.alerts_differ(q quota.usage_quotas)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select quota.reached_by(q) <> array(
    select a.threshold from quota.usage_alerts a
    where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
      and a.ended_at is null and a.threshold > 0
    order by a.threshold)
$function$;
comment on function quota.alerts_differ(quota.usage_quotas) is 'Whether the alerts that stand are others than those that a quota calls for.';

CREATE OR REPLACE FUNCTION quota.alerts_of(p_user uuid, p_alert uuid)
 RETURNS SETOF quota.alert
 LANGUAGE sql
 STABLE
AS $function$
  select a.id, m.service, a.meter, m.unit,
    case when n.active then quota.alert_level(a.threshold, q.warn_at) else a.level end, a.threshold,
    quota.alert_message(a.threshold, m.service, m.unit, a.meter), n.active,
    case when n.active
      then quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) else a.percent end,
    case when n.active then q.used end, case when n.active then q.limit_quantity + q.granted end,
    case when n.active then q.cost end, case when n.active then q.cost_limit end,
    case when isfinite(q.period_start) then q.period_start end,
    case when isfinite(q.period_end) then q.period_end end, a.crossed_at, a.ended_at, a.acknowledged_at
  from quota.usage_alerts a
  join quota.usage_quotas q using (user_id, meter, period_start)
  join quota.meters m on m.key = a.meter
  cross join lateral (select quota.alert_payload(a.user_id, a.id) is not null as active) n
  where a.user_id = p_user and (p_alert is null or a.id = p_alert)
$function$;
comment on function quota.alerts_of(uuid,uuid) is 'One alert of a user, or all. active: it is so now, with the figures of now; else percent is that of when it was raised.';
grant execute on function quota.alerts_of(uuid,uuid) to quota_finance;
grant execute on function quota.alerts_of(uuid,uuid) to quota_operator;
grant execute on function quota.alerts_of(uuid,uuid) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.allowance_of(p_user uuid, p_plan text, p_anchor timestamp without time zone, p_timezone text, p_model text, p_session bigint)
 RETURNS SETOF quota.allowance
 LANGUAGE sql
 STABLE
AS $function$
  select b.meter, b.unit, b.used, b.limit_quantity, b.remaining,
    quota.percent_used(b.used, b.limit_quantity + b.granted, b.cost, b.cost_limit),
    coalesce(b.used >= b.limit_quantity + b.granted, false) or coalesce(b.cost >= b.cost_limit, false),
    -- What is left of the money may be less than anything that can be used costs.
    coalesce(b.cost >= b.cost_limit, false)
      or coalesce(quota.remaining_of(null, null, b.cost_limit, b.cost, b.unit, b.unit_price, 0) = 0, false),
    b.on_exceeded, nullif(b.period_end, 'infinity'), b.warn_at,
    b.is_open, b.period_start, b.cost, b.cost_limit, b.models, b.measure, b.counts,
    case when b.measure is null and b.unit = 'second' then b.remaining
      else quota.room_of(b.unit, b.measure, quota.service_unit(b.service), b.remaining) end,
    quota.runs_out_at(b.used, b.adjusted, b.limit_quantity + b.granted, b.cost, b.cost_limit,
      case when b.cost_limit is not null then quota.adjusted_cost(p_user, b.meter, b.period_start) end,
      b.calls, b.period_start, b.period_end, quota.now())
  from (
    select a.*, quota.remaining_of(
        a.limit_quantity + a.granted, a.used, a.cost_limit, a.cost, a.unit, a.unit_price,
        quota.reserved_for(p_user, a.meter, coalesce(a.period_start, '-infinity'), p_session)) as remaining
    from (
      select l.meter, m.unit, m.service, m.models, m.measure,
        coalesce(quota.counts_model(m.models, m.patterns, p_model), false) as counts, t.*,
        q.user_id is not null as is_open,
        coalesce(q.used, 0) as used, coalesce(q.cost, 0) as cost, coalesce(q.adjusted, 0) as adjusted,
        coalesce(q.calls, 0) as calls,
        coalesce(q.warn_at, l.warn_at) as warn_at, coalesce(q.on_exceeded, l.on_exceeded) as on_exceeded,
        coalesce(q.period_start, lower(p.period)) as period_start,
        coalesce(q.period_end, upper(p.period)) as period_end
      from quota.plan_limits l
      join quota.meters m on m.key = l.meter
      left join quota.usage_quotas q on q.user_id = p_user and q.meter = l.meter
        and quota.contains(q, quota.now()) and not q.superseded
      cross join lateral (select case when q.user_id is null then quota.period_at(
        quota.limit_anchor(l.reset_anchor, l.boundary, p_anchor), l.reset_every, p_timezone, quota.now()) end
        as period) p
      -- Custom limits need a look only where no period is open: open ones have them.
      cross join lateral (select
        case when q.user_id is not null then q.limit_quantity else coalesce((
          select o.limit_quantity from quota.limit_overrides o
          where o.user_id = p_user and o.plan = l.plan and o.meter = l.meter), l.limit_quantity) end
          as limit_quantity,
        case when q.user_id is not null then q.cost_limit else coalesce((
          select o.cost_limit from quota.limit_overrides o
          where o.user_id = p_user and o.plan = l.plan and o.meter = l.meter), l.cost_limit) end
          as cost_limit,
        case when q.user_id is null then l.unit_price else q.unit_price end as unit_price,
        -- Stored grants are right until one expires.
        case
          when q.user_id is null then quota.granted_now(p_user, l.meter)
          when q.granted > 0 then quota.granted_now(p_user, l.meter)
          else 0
        end as granted) t
      where l.plan = p_plan
      offset 0 -- What is worked out here is used many times above.
    ) a
    offset 0
  ) b
$function$;
comment on function quota.allowance_of(uuid,text,timestamp without time zone,text,text,bigint) is 'What is left of each meter of a plan in the running period, less what sessions that began in it have reserved; of the call p_session only what it has used.';

CREATE OR REPLACE FUNCTION quota.allows_model(allowed text[], model text)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select allowed is null or model is null or model = any (allowed)
    or lower(model) = any (lower(allowed::text)::text[])
$function$;
comment on function quota.allows_model(text[],text) is 'Whether a plan with these allowed models (null: all) allows a call of a model, in capitals or not, or of one that is not told. Inlined.';

CREATE OR REPLACE FUNCTION quota.app_counters(p_users text[])
 RETURNS TABLE(template text, external_id text, key text, field text, value text, expires_at bigint)
 LANGUAGE sql
 STABLE
AS $function$
  select replace(t.key, '{meter}', t.meter), u.external_id,
    quota.rendered_key(t.key, u.external_id, t.meter, q.period_start, s.timezone), t.field,
    quota.template_value(t.value, q),
    case when isfinite(q.period_end) then extract(epoch from q.period_end)::bigint end
  from quota.users u
  cross join quota.cache_templates t
  join quota.meters m on m.key = t.meter
  join quota.subscriptions s on s.user_id = u.id and s.service = m.service
  cross join lateral (
    select o.* from quota.usage_quotas o
    where o.user_id = u.id and o.meter = t.meter and o.period_start <= quota.now()
      and o.period_end > quota.now() and not o.superseded
    order by o.period_start desc limit 1) q
  where u.external_id = any (p_users) and u.erased_at is null
$function$;
comment on function quota.app_counters(text[]) is 'What the keys of the app''s own must hold for these users: one row per running period and template.';
grant execute on function quota.app_counters(text[]) to quota_finance;
grant execute on function quota.app_counters(text[]) to quota_operator;
grant execute on function quota.app_counters(text[]) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.apply_usage(deltas quota.usage_delta[], opened quota.opened_periods DEFAULT NULL::quota.opened_periods)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  crossed quota.usage_quotas[];
begin
  with applied as (
    update quota.usage_quotas q
    set used = q.used + d.used, adjusted = q.adjusted + d.adjusted, cost = q.cost + d.cost,
      calls = q.calls + d.calls
    from (
      select user_id, meter, period_start, sum(used) as used, sum(adjusted) as adjusted, sum(cost) as cost,
        sum(calls) as calls
      from unnest(deltas)
      group by user_id, meter, period_start
      -- An update of a call that changes nothing that is counted leaves its quotas alone.
      having sum(used) <> 0 or sum(adjusted) <> 0 or sum(cost) <> 0 or sum(calls) <> 0
    ) d
    where q.user_id = d.user_id and q.meter = d.meter and q.period_start = d.period_start
    returning q.*
  )
  select array_agg(a::quota.usage_quotas) into crossed
  from applied a where quota.marks_differ(a::quota.usage_quotas);
  crossed := crossed || opened.crossed;
  if crossed is not null then
    perform quota.settle_crossed(crossed);
  end if;
  perform quota.settle_late(deltas || array(
    select (o.user_id, o.meter, o.period_start, 0, 0, 0, 0)::quota.usage_delta from unnest(opened.quotas) o));
end $function$;
comment on function quota.apply_usage(quota.usage_delta[],quota.opened_periods) is 'Adds usage to quotas, the sum of the deltas of each, and enforces what they, and what periods that were opened hold already, cross. The caller holds the subscriptions.';

CREATE OR REPLACE FUNCTION quota.assistants_gated()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  turned uuid[];
  owners uuid[];
begin
  select array_agg(n.id order by n.id), array_agg(distinct n.user_id) into turned, owners
  from new_rows n join old_rows o on o.id = n.id
  where n.is_gated <> o.is_gated;
  if turned is null then
    return null;
  end if;
  perform quota.hold_subscriptions(owners);
  perform quota.hold_assistants(owners);
  -- What is let in call by call gets back what it had, also where it was limited by hand.
  update quota.assistants a set held = null where a.id = any (turned) and a.is_gated and a.held is not null;
  perform quota.queue_changes(array(
    select n.id from new_rows n where n.id = any (turned) and n.is_gated), 'original');
  perform quota.limit_as_owners(owners);
  return null;
end $function$;
comment on function quota.assistants_gated() is 'An assistant whose calls are let in one by one from now on is restored; one whose calls are not any more is limited where its user is.';

CREATE OR REPLACE FUNCTION quota.assistants_inserted()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
begin
  -- A user who is being limited right now: that transaction does not see these assistants, nor this one its
  -- mark.
  perform quota.hold_subscriptions(array(select user_id from new_rows));
  select array_agg(distinct s.user_id) into users
  from new_rows n join quota.subscriptions s on s.user_id = n.user_id
  where s.limit_enforced_at is not null;
  if users is not null then
    perform quota.queue_assistants(users, 'limited');
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.assistants_moved()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  moved uuid[];
  owners uuid[];
  concerned uuid[];
begin
  select array_agg(n.id order by n.id), array_agg(distinct n.user_id) into moved, owners
  from new_rows n join old_rows o on o.id = n.id
  where n.user_id <> o.user_id;
  if moved is null then
    return null;
  end if;
  -- Whoever limits or frees one of the owners right now is waited for: see lock_subscriptions.
  concerned := owners || array(select o.user_id from old_rows o where o.id = any (moved));
  perform quota.hold_subscriptions(concerned);
  perform quota.hold_assistants(concerned);
  update quota.assistant_limits l set user_id = n.user_id, updated_at = quota.now()
  from new_rows n
  where l.assistant_id = n.id and n.id = any (moved);
  -- From now on it is what its new owner is: limited or not.
  perform quota.queue_assistants(owners, 'original');
  perform quota.limit_as_owners(owners);
  return null;
end $function$;
comment on function quota.assistants_moved() is 'An assistant that changes hands takes its original along, and is limited or restored as its new owner is.';

CREATE OR REPLACE FUNCTION quota.assistants_within_plan()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  services text[] := array(
    select distinct p.service from quota.plans p
    where p.enforce_max_assistants and p.max_assistants is not null);
  surplus record;
begin
  if services = '{}' then
    return null;
  elsif tg_op = 'INSERT' then
    users := array(select distinct n.user_id from new_rows n where n.state = 'active');
  else
    users := array(
      select distinct n.user_id from new_rows n join old_rows o on o.id = n.id
      where n.state = 'active' and n.user_id <> o.user_id);
  end if;
  if users = '{}' then
    return null;
  end if;
  -- Of two at once the second waits here, and counts the first.
  perform quota.lock_subscriptions(array_agg(u), array_agg(s))
  from unnest(users) u cross join unnest(services) s;
  select u.external_id, p.name, p.max_assistants into surplus
  from quota.subscriptions s
  join quota.plans p on p.key = s.plan and p.enforce_max_assistants
  join quota.users u on u.id = s.user_id
  where s.user_id = any (users) and s.service = any (services) and p.max_assistants < (
    select count(*) from quota.assistants a where a.user_id = s.user_id and a.state = 'active')
  order by u.external_id
  limit 1;
  if found then
    raise exception 'the plan "%" includes % assistants, and "%" would have more', surplus.name,
      surplus.max_assistants, left(surplus.external_id, 60)
      using errcode = 'QT008', hint = 'Remove one, or take a larger plan: quota.add_assistant asks first.';
  end if;
  return null;
end $function$;
comment on function quota.assistants_within_plan() is 'Refuses (QT008) rows of assistants, new ones or another user''s, that are more than a plan includes which says enforce_max_assistants. What is beyond it already stays, as after a change of plan.';

CREATE OR REPLACE FUNCTION quota.audit_digest(previous bytea, first_id bigint, last_id bigint, OUT row_count integer, OUT digest bytea)
 RETURNS record
 LANGUAGE sql
 STABLE
AS $function$
  select count(*)::integer,
    sha256(coalesce(previous, '') || coalesce(
      string_agg(sha256(convert_to(quota.audit_row_text(a), 'UTF8')), '' order by a.id), ''))
  from quota.audit_log a
  where a.id between first_id and last_id
$function$;
comment on function quota.audit_digest(bytea,bigint,bigint) is 'The hash of a stretch of the audit log, chained to a hash.';

CREATE OR REPLACE FUNCTION quota.audit_frontier()
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- Ids are not committed in their order. Once nobody is writing, no row up to the last id can appear any
  -- more; the lock is let go with the transaction, before anything is sealed.
  lock table quota.audit_log in share mode;
  insert into quota.audit_complete (last_id) select coalesce(max(a.id), 0) from quota.audit_log a
  on conflict (is_only) do update set last_id = greatest(audit_complete.last_id, excluded.last_id);
  return (select c.last_id from quota.audit_complete c);
end $function$;
comment on function quota.audit_frontier() is 'Up to which id the audit log is complete; kept for quota.seal_audit. Waits for running writers and holds new ones for that long: call it in a transaction of its own.';
grant execute on function quota.audit_frontier() to quota_operator;

CREATE OR REPLACE FUNCTION quota.audit_reason(a quota.audit_log)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case when a.reason ~ '^sha256:[0-9a-f]{64}$'
    then (select r.reason from quota.audit_reasons r where r.audit_id = a.id) else a.reason end
$function$;
comment on function quota.audit_reason(quota.audit_log) is 'Why it was done, in the words that were given; null: without a reason, or its user was erased.';
grant execute on function quota.audit_reason(quota.audit_log) to quota_finance;
grant execute on function quota.audit_reason(quota.audit_log) to quota_operator;
grant execute on function quota.audit_reason(quota.audit_log) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.audit_row_text(a quota.audit_log)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select (jsonb_build_array(
    a.id, extract(epoch from a.at), extract(epoch from a.recorded_at), a.actor, a.action, a.user_id,
    a.service, a.subject, a.reason,
    a.before, a.after, a.run_id, extract(epoch from a.period_end), a.xid::text)
    -- Rows from before logins were kept are sealed without.
    || case when a.login is null then '[]' else jsonb_build_array(a.login) end)::text
$function$;
comment on function quota.audit_row_text(quota.audit_log) is 'What is sealed of an audit row: all of it, instants as seconds since 1970. Must give the same text for ever, in every session: a new column needs a function of its own.';

CREATE OR REPLACE FUNCTION quota.backfill_source(p_source integer, p_size integer, OUT rows integer, OUT is_done boolean)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET lock_timeout TO '250ms'
AS $function$
declare
  reached text;
  keys text[];
  whole integer;
begin
  -- A few hold few others: they stand in line, or an app that is always at it would never let them by.
  if p_size <= 100 then
    perform set_config('lock_timeout', '2s', true);
  end if;
  select s.backfilled_to into reached from quota.adopt_sources s where s.id = p_source for no key update;
  -- What the past crossed is dated by it, and told to nobody.
  perform set_config('quota.backfill', 'on', true);
  -- A server that loses this batch loses that it is through, too.
  perform set_config('synchronous_commit', 'off', true);
  if to_regclass(format('quota_adopt.work_%s', p_source)) is not null then
    -- The calls of a user are laid out side by side: a batch ends before one whom it would cut, if it can.
    execute format('select max(w.position) - $1 from quota_adopt.work_%1$s w
      where w.position > $1 and w.position <= $1 + $2
        and w.user_id <> (select n.user_id from quota_adopt.work_%1$s n where n.position = $1 + $2 + 1)',
      p_source) into whole using coalesce(reached, '0')::bigint, p_size;
    p_size := coalesce(whole, p_size);
    execute format('select f.rows, f.rest from quota_adopt.source_%s_fill($1, $2) f', p_source)
    into rows, keys using coalesce(reached, '0')::bigint, p_size;
    reached := coalesce(reached, '0')::bigint + p_size;
  else
    execute format('select quota_adopt.source_%s_keys($1, $2)', p_source) into keys using reached, p_size;
    reached := keys[cardinality(keys)];
    rows := cardinality(keys);
  end if;
  is_done := rows < p_size;
  if cardinality(keys) > 0 then
    perform quota.take_keys(p_source, keys);
  end if;
  update quota.adopt_sources s
  set backfilled_to = coalesce(reached, s.backfilled_to), backfilled_rows = s.backfilled_rows + rows,
    backfilled_at = case when is_done then quota.now() end
  where s.id = p_source;
  if is_done then
    execute format('drop table if exists quota_adopt.work_%s', p_source);
  end if;
end $function$;
comment on function quota.backfill_source(integer,integer) is 'Takes over the next rows of a source, and notes how far it is in the same transaction: killed at any moment, it goes on where it was.';

CREATE OR REPLACE FUNCTION quota.begin_act(p_reason text, p_actor text, OUT former_actor text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
begin
  if (quota.caller()).speaks_for <> 'all' then
    raise exception 'this connection does not speak for the company' using errcode = 'QT006';
  end if;
  if p_reason is null or btrim(p_reason) = '' or char_length(p_reason) > 1000 then
    raise exception 'an act of an operator needs a reason of 1 to 1000 characters' using errcode = 'QT003';
  end if;
  if p_actor is not null then
    perform quota.refuse_unfit_name(p_actor, 'the name of who acts');
  end if;
  former_actor := coalesce(current_setting('quota.actor', true), '');
  perform set_config('quota.actor', coalesce(p_actor, former_actor), true);
end $function$;
comment on function quota.begin_act(text,text) is 'Before an act of an operator from a back office: refuses one without a reason (QT003) or by a login of one user (QT006), and has the audit say who acts. Returns who acted before, to be set again after.';

CREATE OR REPLACE FUNCTION quota.bent_reasons()
 RETURNS TABLE(audit_id bigint, fault text)
 LANGUAGE sql
 STABLE
AS $function$
  with erasures as (select max(e.id) as last_id from quota.audit_log e where e.action = 'user.erased')
  select coalesce(a.id, r.audit_id),
    case
      when a.id is null then 'a reason of a row that is not there'
      when r.audit_id is null then 'the reason was removed'
      else 'the reason was changed'
    end
  from (select l.id, l.reason from quota.audit_log l where l.reason ~ '^sha256:[0-9a-f]{64}$') a
  full join quota.audit_reasons r on r.audit_id = a.id
  where a.reason is distinct from quota.reason_digest(r.salt, r.reason)
    and not (r.audit_id is null and a.id < (select coalesce(last_id, 0) from erasures))
  order by 1
$function$;
comment on function quota.bent_reasons() is 'Reasons that are not the words that their audit rows were written with. One that is missing may have been erased with a person since.';
grant execute on function quota.bent_reasons() to quota_finance;
grant execute on function quota.bent_reasons() to quota_operator;
grant execute on function quota.bent_reasons() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.billable_seconds(seconds numeric, c quota.rate_cards)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select greatest(c.minimum_seconds, case
    -- Whole seconds, the rule of most cards, need no division: it is most of the work.
    when c.rounding = 'up' and c.increment_seconds = 1 then ceil(seconds)
    when c.rounding = 'nearest' and c.increment_seconds = 1 then round(seconds)
    when c.rounding = 'up' then ceil(seconds / c.increment_seconds) * c.increment_seconds
    when c.rounding = 'nearest' then round(seconds / c.increment_seconds) * c.increment_seconds
    else seconds
  end)
$function$;
comment on function quota.billable_seconds(numeric,quota.rate_cards) is 'What a card charges for a call of so many seconds.';

CREATE OR REPLACE FUNCTION quota.bound_user()
 RETURNS uuid
 LANGUAGE sql
 STABLE
AS $function$
  select case c.speaks_for when 'all' then null when 'user' then coalesce(c.user_id, quota.newcomer())
    else quota.newcomer() end
  from quota.caller() c
$function$;
comment on function quota.bound_user() is 'The one user whose rows this session may see; null: it may see all; quota.newcomer(), whom no row names: none.';
grant execute on function quota.bound_user() to quota_app;
grant execute on function quota.bound_user() to quota_finance;
grant execute on function quota.bound_user() to quota_operator;
grant execute on function quota.bound_user() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.bury_again(p_source integer, p_key text, p_operation text, p_told jsonb, p_reason text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into quota.adopt_dead (source, key, operation, told, reason, is_again)
  values (p_source, p_key, p_operation, p_told, left(p_reason, 500), true)
$function$;
comment on function quota.bury_again(integer,text,text,jsonb,text) is 'Keeps a row of an adopted product besides what is kept of it already: waits for nobody who holds that.';

CREATE OR REPLACE FUNCTION quota.bury_row(p_source integer, p_key text, p_operation text, p_told jsonb, p_reason text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into quota.adopt_dead as d (source, key, operation, told, reason)
  values (p_source, p_key, p_operation, p_told, left(p_reason, 500))
  on conflict (source, key) where key is not null and not is_again do update
  set operation = excluded.operation, told = coalesce(excluded.told, d.told), reason = excluded.reason,
    next_attempt_at = least(d.next_attempt_at, excluded.next_attempt_at),
    -- Told anew by the app it was not tried as it stands; found wanting by who took it up it was.
    attempts = case when excluded.told is null and excluded.operation = 'take' then d.attempts else 0 end
$function$;
comment on function quota.bury_row(integer,text,text,jsonb,text) is 'Keeps a row of an adopted product that could not be taken over, and why, until it is tried again.';

CREATE OR REPLACE FUNCTION quota.cache_key(external_id text, meter text, period_start timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select 'quota:usage:' || external_id || ':' || meter || ':'
    || case when isfinite(period_start)
      then extract(epoch from period_start)::bigint::text else 'lifetime' end
$function$;
comment on function quota.cache_key(text,text,timestamp with time zone) is 'The name of a counter in the cache: the user''s external id, the meter, and the start of the period in seconds since 1970 (lifetime: the word).';
grant execute on function quota.cache_key(text,text,timestamp with time zone) to quota_finance;
grant execute on function quota.cache_key(text,text,timestamp with time zone) to quota_operator;
grant execute on function quota.cache_key(text,text,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.calculate_usage_stats(p_user text, p_months_back integer DEFAULT 6, p_service text DEFAULT NULL::text)
 RETURNS TABLE(month date, service text, calls integer, errors integer, seconds numeric, messages bigint, cost numeric, average_seconds numeric)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with asked as materialized (
    select quota.user_or_newcomer(p_user) as user_id,
      date_trunc('month', quota.now() at time zone 'UTC') as this_month
    where quota.refuse_unknown_service(p_service)
  ), counted as (
    select date_trunc('month', l.started_at at time zone 'UTC')::date as month, l.service,
      count(*)::integer as calls, count(*) filter (where l.status = 'error')::integer as errors,
      coalesce(sum(l.duration_seconds), 0) as seconds, coalesce(sum(l.messages), 0) as messages,
      coalesce(sum(quota.price_of(l)), 0) as cost, round(avg(l.duration_seconds), 3) as average_seconds
    from asked a
    join quota.call_logs l on l.user_id = a.user_id and (p_service is null or l.service = p_service)
      -- Of months that cannot be there is none; a thousand years are all.
      and l.started_at >= (a.this_month
        - make_interval(months => least(greatest(coalesce(p_months_back, 6), 0), 12000))) at time zone 'UTC'
    group by 1, 2
  )
  select c.month, c.service, c.calls, c.errors, c.seconds, c.messages, c.cost, c.average_seconds
  from counted c
  union all
  -- A month without a call is one of zeros, not one that is missing, while it runs.
  select a.this_month::date, s.service, 0, 0, 0, 0, 0, null
  from asked a cross join lateral quota.services_of(a.user_id, p_service) s
  where not exists (
    select from counted c where c.month = a.this_month::date and c.service = s.service)
    and (p_service is not null or not exists (
        select from quota.subscriptions b where b.user_id = a.user_id and b.service <> s.service)
      or exists (
        select from quota.subscriptions b where b.user_id = a.user_id and b.service = s.service))
  order by 1 desc, 2
$function$;
comment on function quota.calculate_usage_stats(text,integer,text) is 'Calls, errors, seconds, messages and cost (as logged, else by the plan''s price) per calendar month (UTC) and service, this month and so many before it; also before the first call.';
grant execute on function quota.calculate_usage_stats(text,integer,text) to quota_app;
grant execute on function quota.calculate_usage_stats(text,integer,text) to quota_finance;
grant execute on function quota.calculate_usage_stats(text,integer,text) to quota_operator;
grant execute on function quota.calculate_usage_stats(text,integer,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.call_logs_before_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  is_erased boolean;
  told quota.told_end;
begin
  if new.user_id is null then
    select a.user_id, u.erased_at is not null into new.user_id, is_erased
    from quota.assistants a join quota.users u on u.id = a.user_id
    where a.provider_assistant_id = new.assistant_id;
    if new.user_id is null then
      raise exception 'a call log needs a user_id or a known assistant_id, not assistant "%"',
        quota.shown(new.assistant_id)
        using errcode = 'QT001', hint = 'Import the assistant first, or give the user_id.';
    elsif is_erased then
      raise exception 'the user of assistant "%" was erased, and its calls are nobody''s',
        quota.shown(new.assistant_id)
        using errcode = 'QT001', hint = 'Give the assistant to whoever has it now, or give the user_id.';
    end if;
  end if;
  if new.quantities is not null and (tg_op = 'INSERT' or new.quantities is distinct from old.quantities) then
    -- What an update leaves as it was is not told by it.
    told.duration_seconds := new.duration_seconds;
    told.messages := new.messages;
    if tg_op = 'UPDATE' then
      told.duration_seconds := nullif(told.duration_seconds, old.duration_seconds);
      told.messages := nullif(told.messages, old.messages);
    end if;
    told.quantities := new.quantities;
    told := quota.with_quantities(told, new.service);
    new.duration_seconds := coalesce(told.duration_seconds, new.duration_seconds);
    new.messages := coalesce(told.messages, new.messages);
    new.quantities := told.quantities;
  end if;
  if new.duration_seconds is null and new.ended_at is not null then
    new.duration_seconds := round(extract(epoch from new.ended_at - new.started_at), 3);
  end if;
  -- Whoever writes other figures than an estimate's, and does not say who told them, tells the end.
  if tg_op = 'UPDATE' and quota.is_estimate(old.settled_by) and new.settled_by = old.settled_by
    and (new.status, new.duration_seconds, new.messages, new.ended_at, new.quantities) is distinct from
      (old.status, old.duration_seconds, old.messages, old.ended_at, old.quantities)
  then
    new.settled_by := null;
    if new.status <> 'error' and new.error_message = old.error_message then
      new.error_message := null;
    end if;
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION quota.call_logs_changed()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  one record;
  users uuid[];
  services text[];
  spans quota.span_cover;
  uncovered quota.usage_span[];
  opened quota.opened_periods;
  deltas quota.usage_delta[];
begin
  if tg_op = 'INSERT' then
    -- One call into open periods is what apps do all day: it takes a third of the time of the sets below.
    select n.user_id, n.service, n.model, n.status, n.started_at, n.duration_seconds, n.messages, n.cost,
      n.file_size_bytes, n.quantities, (select count(*) from (select from new_rows limit 2) first_two) as rows
    into one from new_rows n limit 1;
    if not found or one.rows = 1 and quota.count_call(one.user_id, one.service, one.model, one.status,
      one.started_at, one.duration_seconds, one.messages, one.cost, one.file_size_bytes, one.quantities) then
      return null;
    end if;
    select array_agg(c.user_id), array_agg(c.service) into users, services
    from (select distinct user_id, service from new_rows) c;
  elsif tg_op = 'UPDATE' then
    select array_agg(c.user_id), array_agg(c.service) into users, services
    from (select user_id, service from new_rows union select user_id, service from old_rows) c;
  else
    select array_agg(c.user_id), array_agg(c.service) into users, services
    from (select distinct user_id, service from old_rows) c;
  end if;

  -- Keeps resets and other writers of these users out until this transaction ends. Users who had no
  -- subscription may have calls of any time: then everything of these users was counted.
  if quota.lock_subscriptions(users, services) then
    return null;
  end if;

  -- First what is open; what is to be opened counts all that it holds.
  if tg_op <> 'INSERT' then
    select array_agg(d.delta) into deltas
    from (
      select (d.user_id, d.meter, d.period_start, sum(d.used), 0, sum(d.cost),
        sum(d.calls))::quota.usage_delta as delta
      from old_rows o
      cross join lateral quota.deltas_of(
        -1, o.user_id, o.service, o.model, o.status, o.started_at, o.duration_seconds, o.messages, o.cost,
        o.file_size_bytes, o.quantities) d
      group by d.user_id, d.meter, d.period_start
    ) d;
  end if;
  if tg_op <> 'DELETE' then
    -- Who loads many calls has none of these periods yet, and who adds some has all of them: which it is,
    -- the first and the last call show. Only what lies between is looked at call by call.
    spans := quota.spans_covered(array(
      select (n.user_id, m.key, min(n.first), max(n.last))::quota.usage_span
      from (
        select r.user_id, r.service, r.model, min(r.started_at) as first, max(r.started_at) as last
        from new_rows r group by r.user_id, r.service, r.model
      ) n
      join quota.meter_terms m on m.service = n.service and quota.counts_model(m.models, m.patterns, n.model)
        and n.first < m.until
      group by n.user_id, m.key));
    if spans.has_quotas then
      select deltas || array_agg(d.delta) into deltas
      from (
        select (d.user_id, d.meter, d.period_start, sum(d.used), 0, sum(d.cost),
          sum(d.calls))::quota.usage_delta as delta
        from new_rows n
        cross join lateral quota.deltas_of(
          1, n.user_id, n.service, n.model, n.status, n.started_at, n.duration_seconds, n.messages, n.cost,
          n.file_size_bytes, n.quantities) d
        group by d.user_id, d.meter, d.period_start
      ) d;
    end if;
    uncovered := spans.uncovered;
    if spans.partly is not null then
      select uncovered || array_agg((u.user_id, u.meter, u.first, u.last)::quota.usage_span) into uncovered
      from (
        select n.user_id, m.key as meter, min(n.started_at) as first, max(n.started_at) as last
        from new_rows n
        join quota.meter_terms m on m.service = n.service
          and quota.counts_model(m.models, m.patterns, n.model) and n.started_at < m.until
        where (n.user_id, m.key) in (select p.user_id, p.meter from unnest(spans.partly) p)
          and not exists (
            select from quota.usage_quotas q
            where q.user_id = n.user_id and q.meter = m.key and quota.contains(q, n.started_at)
              and not q.superseded)
        group by n.user_id, m.key
      ) u;
    end if;
    if uncovered is not null then
      opened := quota.open_periods(uncovered);
      -- Rare: a former plan's period that begins where one of the present plan does becomes that one.
      if opened.has_revived then
        perform quota.refresh_quotas(users, services, false);
        return null;
      end if;
    end if;
  end if;
  perform quota.apply_usage(deltas, opened);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.call_of_line(l quota.billing_lines)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select coalesce(l.external_id, nullif(l.charge::json ->> 'resource', '')) $function$;
comment on function quota.call_of_line(quota.billing_lines) is 'The call that a charge or a credit is of; FOCUS names it as a resource.';
grant execute on function quota.call_of_line(quota.billing_lines) to quota_finance;
grant execute on function quota.call_of_line(quota.billing_lines) to quota_operator;
grant execute on function quota.call_of_line(quota.billing_lines) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.called_assistant(told jsonb)
 RETURNS quota.assistants
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  asked text := coalesce(told#>>'{call,assistantId}', told#>>'{assistant,id}');
  dialled text[] := array_remove(array[
    told#>>'{phoneNumber,id}', told#>>'{call,phoneNumberId}', told#>>'{phoneNumber,number}',
    told#>>'{call,phoneNumber,number}'], null);
  found_assistant quota.assistants;
begin
  if asked is not null then
    select a.* into found_assistant from quota.assistants a where a.provider_assistant_id = asked;
    return found_assistant;
  end if;
  select a.* into found_assistant
  from quota.assistants a
  where a.numbers && dialled and a.numbers <> '{}' and a.state = 'active'
  order by a.created_at, a.id limit 1;
  return found_assistant;
end $function$;
comment on function quota.called_assistant(jsonb) is 'The assistant that a webhook of VAPI names, else the one that answers the number that was dialled; null: nobody knows of it.';

CREATE OR REPLACE FUNCTION quota.caller(OUT speaks_for text, OUT user_id uuid, OUT user_name text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  acting name := coalesce(nullif(current_setting('role'), 'none'), session_user);
  login record;
begin
  select * into speaks_for, user_id, user_name from quota.speaker(acting);
  -- A pool is what it puts on by "set role"; a login that is registered itself stays what it is beside that.
  if acting <> session_user and exists (
    select from quota.logins l
    where l.role_name = session_user or l.role_oid = quote_ident(session_user)::regrole)
  then
    select * into login from quota.speaker(session_user);
    if speaks_for = 'all' then
      speaks_for := login.speaks_for;
      user_id := login.user_id;
      user_name := login.user_name;
    elsif login.speaks_for <> 'all' and (login.speaks_for, login.user_id, login.user_name)
      is distinct from (speaks_for, user_id, user_name)
    then
      speaks_for := 'nobody';
      user_id := null;
      user_name := null;
    end if;
  end if;
end $function$;
comment on function quota.caller() is 'Who calls, decided here alone, by the login and by the role that is set, also inside security definer functions: speaks_for all, user (user_id null: one whom nobody has told of, called user_name), anonymous or nobody.';
grant execute on function quota.caller() to quota_app;
grant execute on function quota.caller() to quota_finance;
grant execute on function quota.caller() to quota_operator;
grant execute on function quota.caller() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.calls_for_limit(q quota.usage_quotas)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select q.on_exceeded = 'limit_assistants' and not q.superseded
    and quota.contains(q, quota.now())
    and quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
    and not exists (
      select from quota.meters m where m.key = q.meter and quota.in_shadow(m.service))
$function$;
comment on function quota.calls_for_limit(quota.usage_quotas) is 'Whether a quota of the running period is used up and its plan answers that with limited assistants, which no adopted product decides by itself.';
grant execute on function quota.calls_for_limit(quota.usage_quotas) to quota_finance;
grant execute on function quota.calls_for_limit(quota.usage_quotas) to quota_operator;
grant execute on function quota.calls_for_limit(quota.usage_quotas) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.calls_of_days(p_days date[], p_service text DEFAULT NULL::text)
 RETURNS TABLE(day date, service text, user_id uuid, model text, assistant_id text, status text, started_at timestamp with time zone, duration_seconds numeric, messages numeric, premium_messages numeric, cost numeric, tokens numeric, bytes numeric)
 LANGUAGE sql
 STABLE
AS $function$
  with calls as materialized (
    select l.id, d.day, l.service, l.user_id, l.model, l.assistant_id, l.status, l.duration_seconds, l.cost,
      l.started_at, m.key as meter, m.unit,
      -- Most calls tell none, or tell them plainly: the function is for the others.
      coalesce((l.quantities->>'tokens')::numeric, case when l.quantities is not null
        then quota.told_in_unit(l.quantities, l.service, 'token') end) as tokens,
      coalesce((l.quantities->>'bytes')::numeric, case when l.quantities is not null
        then quota.told_in_unit(l.quantities, l.service, 'byte') end, l.file_size_bytes) as bytes,
      quota.quantity_of(m.unit, m.measure, l.status, l.duration_seconds, l.messages,
        l.file_size_bytes, l.quantities) as quantity,
      -- Only where there are messages to tell apart: it is asked of each call.
      m.unit = 'message' and exists (
        select 1 from quota.meters p where p.service = l.service and p.models is not null
          and quota.counts_model(p.models, p.patterns, l.model)) as premium
    from unnest(p_days) d(day)
    -- "offset 0": day by day down the index; where there are no days, nothing is read.
    cross join lateral (
      select c.* from quota.call_logs c
      where c.started_at >= d.day::timestamp at time zone 'UTC'
        and c.started_at < (d.day + 1)::timestamp at time zone 'UTC'
        and (p_service is null or c.service = p_service)
      offset 0) l
    -- What counts every call of the service, for money rather than not; the others are parts of it.
    left join lateral (
      select m.key, m.unit, m.measure from quota.meters m where m.service = l.service and m.models is null
      order by exists (
        select from quota.plan_limits p where p.meter = m.key and p.unit_price is not null) desc, m.key
      limit 1) m on true
  ), prices as (
    -- Joined, so that many are found by reading the quotas once, and few by looking them up. Of periods that
    -- overlap, the earliest.
    select distinct on (c.id) c.id, q.unit_price
    from calls c
    join quota.usage_quotas q on q.user_id = c.user_id and q.meter = c.meter and not q.superseded
      and quota.contains(q, c.started_at)
    where c.cost is null
      and q.period_start < (select (max(d.day) + 1)::timestamp at time zone 'UTC' from unnest(p_days) d(day))
      and q.period_end > (select min(d.day)::timestamp at time zone 'UTC' from unnest(p_days) d(day))
    order by c.id, q.period_start
  )
  select c.day, c.service, c.user_id, c.model, c.assistant_id, c.status, c.started_at, c.duration_seconds,
    case when c.unit = 'message' then c.quantity end,
    case when c.unit = 'message' and c.premium then c.quantity end,
    coalesce(c.cost, quota.cost_of(null, c.unit, c.quantity, p.unit_price)),
    c.tokens, c.bytes
  from calls c
  left join prices p on p.id = c.id
$function$;
comment on function quota.calls_of_days(date[],text) is 'The calls of these days (UTC) as analytics count them: messages of services that count messages, calls without a cost at the price of their period.';
grant execute on function quota.calls_of_days(date[],text) to quota_finance;
grant execute on function quota.calls_of_days(date[],text) to quota_operator;
grant execute on function quota.calls_of_days(date[],text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.can_retry(p_source quota.adopt_sources, p_is_unread boolean)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select p_source.reading is null
    or p_source.staged is null and p_source.backfilled_at is not null and not p_is_unread
$function$;
comment on function quota.can_retry(quota.adopt_sources,boolean) is 'Whether a row that waits can be taken up: while a backfill has the rows of another database, it is through with them first.';
grant execute on function quota.can_retry(quota.adopt_sources,boolean) to quota_finance;
grant execute on function quota.can_retry(quota.adopt_sources,boolean) to quota_operator;
grant execute on function quota.can_retry(quota.adopt_sources,boolean) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.carry_alerts(p_meter text, p_told jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  marked integer;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  update quota.usage_alerts a set acknowledged_at = t.read_at
  from jsonb_to_recordset(p_told) t("user" text, threshold integer, read_at timestamptz, at timestamptz)
  join quota.users u on u.external_id = t."user"
  join quota.usage_quotas q on q.user_id = u.id and q.meter = p_meter and not q.superseded
    and quota.contains(q, coalesce(t.at, quota.now()))
  where t.read_at is not null and a.user_id = q.user_id and a.meter = q.meter
    and a.period_start = q.period_start and a.threshold = t.threshold and a.acknowledged_at is null;
  get diagnostics marked = row_count;
  return marked;
end $function$;
comment on function quota.carry_alerts(text,jsonb) is 'Marks alerts as seen that users of an adopted product have read there; how many.';

CREATE OR REPLACE FUNCTION quota.carry_enforced(p_service text, p_told jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  limited_users uuid[];
  since timestamptz[];
begin
  perform quota.refuse_other_users(array[null::uuid]);
  perform set_config('quota.backfill', 'on', true);
  limited_users := array(
    select distinct u.id
    from jsonb_to_recordset(p_told) t("user" text, since timestamptz)
    join quota.users u on u.external_id = t."user" and u.erased_at is null
    where t.since is not null);
  if cardinality(limited_users) = 0 then
    return 0;
  end if;
  perform quota.open_running(limited_users, array_fill(p_service, array[cardinality(limited_users)]));
  perform quota.hold_assistants(limited_users);
  with told as (
    select u.id as user_id, min(t.since) as at
    from jsonb_to_recordset(p_told) t("user" text, since timestamptz)
    join quota.users u on u.external_id = t."user"
    where t.since is not null group by u.id
  ), marked as (
    update quota.subscriptions s set limit_enforced_at = t.at
    from told t
    where s.user_id = t.user_id and s.user_id = any (limited_users) and s.service = p_service
      and s.limit_enforced_at is null
    returning s.user_id, s.limit_enforced_at
  )
  select array_agg(m.user_id), array_agg(m.limit_enforced_at) into limited_users, since from marked m;
  if limited_users is null then
    return 0;
  end if;
  insert into quota.audit_log (action, user_id, service, reason, after)
  select 'limit.carried_over', m.user_id, p_service, 'limited by the app',
    jsonb_build_object('limitEnforcedAt', m.at)
  from unnest(limited_users, since) m(user_id, at);
  -- The app has limited their assistants: nothing is to be sent.
  insert into quota.assistant_limits as l
    (assistant_id, user_id, desired, status, requested_at, applied_at, verified_at)
  select a.id, a.user_id, 'limited', 'applied', m.at, m.at, clock_timestamp()
  from unnest(limited_users, since) m(user_id, at)
  join quota.assistants a on a.user_id = m.user_id and a.state = 'active' and not a.is_gated
  order by a.id
  on conflict (assistant_id) do update
    set desired = 'limited', status = 'applied', change = l.change + 1, applied_at = excluded.applied_at,
      requested_at = excluded.requested_at, updated_at = quota.now(), verified_at = clock_timestamp()
    where l.status = 'restored';
  return cardinality(limited_users);
end $function$;
comment on function quota.carry_enforced(text,jsonb) is 'Takes over which users an adopted product has limited, and since when: their assistants are limited already, and nothing is sent. How many were not so here.';

CREATE OR REPLACE FUNCTION quota.carry_limits(p_meter text, p_told jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  counted_by text := (select m.service from quota.meters m where m.key = p_meter);
  told quota.carried_limit[];
  lacking uuid[];
  changed integer;
  past integer;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  perform set_config('quota.backfill', 'on', true);
  told := array(select t from jsonb_populate_recordset(null::quota.carried_limit, p_told) t);
  lacking := array(
    select distinct u.id from unnest(told) t join quota.users u on u.external_id = t."user"
    where u.erased_at is null and not exists (
      select from quota.subscriptions s where s.user_id = u.id and s.service = counted_by));
  perform quota.lock_subscriptions(lacking, array_fill(counted_by, array[cardinality(lacking)]));

  -- What holds now is a custom limit where it is not that of the plan.
  insert into quota.limit_overrides as o (user_id, plan, meter, limit_quantity, cost_limit, reason)
  select distinct on (s.user_id) s.user_id, s.plan, p_meter, nullif(t."limit", l.limit_quantity),
    nullif(t.cost_limit, l.cost_limit), 'as the app had it'
  from unnest(told) t
  join quota.users u on u.external_id = t."user" and u.erased_at is null
  join quota.subscriptions s on s.user_id = u.id and s.service = counted_by
  join quota.plan_limits l on l.plan = s.plan and l.meter = p_meter
  where t.at is null or exists (
    select from quota.quota_terms(u.id, p_meter, t.at, t.at) p
    where p.period_start <= quota.now() and p.period_end > quota.now())
  order by s.user_id, t.at desc nulls last
  on conflict (user_id, plan, meter) do update
    set limit_quantity = excluded.limit_quantity, cost_limit = excluded.cost_limit, reason = excluded.reason
    where (o.limit_quantity, o.cost_limit) is distinct from (excluded.limit_quantity, excluded.cost_limit);
  delete from quota.limit_overrides o
  where o.meter = p_meter and o.limit_quantity is null and o.cost_limit is null
    and o.reason = 'as the app had it';
  select count(*) into changed from quota.limit_overrides o
  where o.meter = p_meter and o.reason = 'as the app had it';

  update quota.usage_quotas q
  set limit_quantity = coalesce(t."limit", q.limit_quantity),
    cost_limit = coalesce(t.cost_limit, q.cost_limit), alerted = null
  from unnest(told) t
  join quota.users u on u.external_id = t."user"
  where q.user_id = u.id and q.meter = p_meter and quota.contains(q, t.at)
    and q.period_end <= quota.now() and not q.superseded
    and (q.limit_quantity, q.cost_limit)
      is distinct from (coalesce(t."limit", q.limit_quantity), coalesce(t.cost_limit, q.cost_limit));
  get diagnostics past = row_count;
  return changed + past;
end $function$;
comment on function quota.carry_limits(text,jsonb) is 'Takes over what an adopted product allowed each of its users: as custom limits, and in periods that are over as what they were. How many hold, or were changed.';

CREATE OR REPLACE FUNCTION quota.carry_originals(p_told jsonb, p_limitable text[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  taken integer;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  with told as (
    select distinct on (a.id) a.id, a.user_id, t.original, n.names
    from jsonb_to_recordset(p_told) t(assistant text, original jsonb)
    join quota.assistants a on a.provider_assistant_id = t.assistant
    cross join lateral (
      select array_agg(distinct k) as names
      from unnest(p_limitable || array(select jsonb_object_keys(quota.limited_state(a.user_id)))) k) n
    where jsonb_typeof(t.original) = 'object'
    order by a.id
  ), given as (
    update quota.assistant_limits l
    -- A field that the app did not store was not set: null stands for it.
    set original = (select jsonb_object_agg(k, t.original -> k) from unnest(t.names) k),
      updated_at = quota.now()
    from told t
    where l.assistant_id = t.id and l.desired = 'limited' and l.original is null
    returning l.user_id, l.assistant_id, l.change, t.original, t.names
  )
  insert into quota.assistant_originals (user_id, assistant_id, change, fields, absent, source)
  select g.user_id, g.assistant_id, g.change,
    coalesce((select jsonb_object_agg(k, g.original -> k) from unnest(g.names) k where g.original ? k), '{}'),
    array(select k from unnest(g.names) k where not g.original ? k), 'file'
  from given g;
  get diagnostics taken = row_count;
  return taken;
end $function$;
comment on function quota.carry_originals(jsonb,text[]) is 'Takes over what an adopted product has stored of assistants before it limited them, for those that are limited and whose original nobody knows; how many. p_limitable: the fields that a limit changes.';

CREATE OR REPLACE FUNCTION quota.carry_usage(former quota.usage_quotas[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  carried quota.usage_quotas[];
begin
  -- The present cut's period that stands in place of the former running one is the one whose start is nearest
  -- to its
  -- start. Where that is later, what was used between the two would be free.
  select array_agg(q) into carried
  from unnest(former) q
  cross join lateral quota.quota_terms(q.user_id, q.meter, q.period_start, q.period_start) t
  where isfinite(q.period_start) and q.used > 0
    and q.period_start - t.period_start > t.period_end - q.period_start;
  if carried is null then
    return;
  end if;
  with successors as (
    select q, s.*
    from unnest(carried) q
    cross join lateral quota.quota_terms(q.user_id, q.meter, q.period_start, q.period_start) t
    cross join lateral quota.quota_terms(q.user_id, q.meter, t.period_end, t.period_end) s
  )
  insert into quota.usage_quotas
    (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
      granted, alerted)
  select user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at,
    on_exceeded, granted, quota.mark_unseen(0, limit_quantity + granted, 0, cost_limit, warn_at)
  from successors
  on conflict do nothing;

  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
  select n.user_id, n.meter, n.period_start, 'carried', part.quantity - before.quantity,
    part.cost - before.cost,
    'used since ' || to_char(q.period_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI"Z"')
      || ', when the period began before the time zone was changed'
  from unnest(carried) q
  cross join lateral quota.quota_terms(q.user_id, q.meter, q.period_start, q.period_start) t
  join quota.usage_quotas n on n.user_id = q.user_id and n.meter = q.meter and n.period_start = t.period_end
  cross join lateral quota.usage_until(q, least(n.period_start, quota.now())) part
  cross join lateral (
    select coalesce(sum(a.quantity), 0) as quantity, coalesce(sum(a.cost), 0) as cost from quota.adjustments a
    where a.user_id = n.user_id and a.meter = n.meter and a.period_start = n.period_start
      and a.kind = 'carried') before
  where part.quantity > before.quantity or part.cost > before.cost
  order by n.user_id, n.meter, n.period_start;
end $function$;
comment on function quota.carry_usage(quota.usage_quotas[]) is 'After a change of zone or anchor: what was used in a former running period and would lie before the period that takes its place is carried into that one, so that no change gives an allowance twice. The caller holds the subscriptions.';

CREATE OR REPLACE FUNCTION quota.change_plan(p_users uuid[], p_plan text, p_reason text, p_run uuid DEFAULT NULL::uuid, p_before jsonb DEFAULT '{}'::jsonb, p_after jsonb DEFAULT '{}'::jsonb)
 RETURNS SETOF bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  fresh quota.plans;
begin
  perform quota.refuse_other_users(p_users);
  select * into fresh from quota.plans p where p.key = p_plan;
  if not found then
    raise exception 'unknown plan "%"', quota.shown(p_plan) using errcode = 'QT002';
  end if;
  perform quota.hold_subscriptions(p_users, array_fill(fresh.service, array[cardinality(p_users)]));

  return query
  with zones as (
    -- Where the former plan set the zone, or the server does not know it any more, the user's comes back.
    select u.id as user_id, u.created_at, s.plan, s.timezone, s.anchor_local, coalesce(fresh.timezone,
        case when former.timezone is null and (s.timezone = u.timezone or quota.is_known_zone(s.timezone))
          then s.timezone end, u.timezone) as new_timezone
    from unnest(p_users) w(id)
    join quota.users u on u.id = w.id
    left join quota.subscriptions s on s.user_id = u.id and s.service = fresh.service
    left join quota.plans former on former.key = s.plan
  ), audited as (
    insert into quota.audit_log (action, user_id, service, subject, reason, run_id, before, after)
    select 'plan.changed', z.user_id, fresh.service, fresh.key, p_reason, p_run,
      case when z.plan is not null
        then jsonb_build_object('plan', z.plan, 'timezone', z.timezone) || p_before end,
      jsonb_build_object('plan', fresh.key, 'timezone', z.new_timezone) || p_after
    from zones z
    order by z.user_id
    returning id
  ), moved as (
    update quota.subscriptions s
    set plan = fresh.key, timezone = z.new_timezone,
      anchor_local = quota.moved_anchor(s.anchor_local, s.timezone, z.new_timezone, z.created_at)
    from zones z
    where s.user_id = z.user_id and s.service = fresh.service
      and (s.plan, s.timezone) is distinct from (fresh.key, z.new_timezone)
  ), subscribed as (
    insert into quota.subscriptions (user_id, service, plan)
    select z.user_id, fresh.service, fresh.key from zones z where z.plan is null order by z.user_id
  )
  select a.id from audited a;
end $function$;
comment on function quota.change_plan(uuid[],text,text,uuid,jsonb,jsonb) is 'Puts users on a plan: its limits hold at once; periods stay as they are unless the plan cuts time otherwise. One audit row per user, whose ids are returned. QT002: no such plan.';
grant execute on function quota.change_plan(uuid[],text,text,uuid,jsonb,jsonb) to quota_operator;

CREATE OR REPLACE FUNCTION quota.change_zones(users uuid[], zones text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(users);
  perform quota.hold_subscriptions(users);
  -- Subscriptions that are in the user's zone follow it, and those in one that the server does not know any
  -- more. Their anchor stays the signup; that of an unknown zone becomes it: there is nothing to reckon from.
  update quota.subscriptions s
  set timezone = c.zone,
    anchor_local = case
      when not quota.is_known_zone(s.timezone) or s.anchor_local = u.created_at at time zone u.timezone
        then u.created_at at time zone c.zone
      else s.anchor_local end
  from unnest(users, zones) c(user_id, zone)
  join quota.users u on u.id = c.user_id, quota.plans p
  where s.user_id = c.user_id and p.key = s.plan and p.timezone is null and s.timezone <> c.zone
    and (s.timezone = u.timezone or not quota.is_known_zone(s.timezone));
  update quota.users u set timezone = c.zone
  from unnest(users, zones) c(user_id, zone) where u.id = c.user_id and u.timezone <> c.zone;
end $function$;
comment on function quota.change_zones(uuid[],text[]) is 'Gives users another time zone, and the subscriptions that followed their zone so far. What time is cut anew counts anew; no allowance is given twice (carry_usage).';
grant execute on function quota.change_zones(uuid[],text[]) to quota_operator;

CREATE OR REPLACE FUNCTION quota.charged_lines(r quota.reconciliations, exports integer[], beside bigint[], c quota.rate_cards)
 RETURNS SETOF quota.billing_lines
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select l.*
  from quota.billing_lines l
  where l.export_id = any (exports)
    and (l.kind = 'call'
      or (l.kind = 'aggregate' and l.day >= r.month and l.day < r.month + interval '1 month'))
    and (c.models is null or quota.model_family(l.model) = any (c.models))
    and (c.line_has is null or l.raw::jsonb @> c.line_has)
    and quota.line_key(l.export_id, l.line) <> all (beside)
$function$;
comment on function quota.charged_lines(quota.reconciliations,integer[],bigint[],quota.rate_cards) is 'The lines of a month that a card speaks of: those of its exports, without some beside it; sums of days as they are.';

CREATE OR REPLACE FUNCTION quota.charged_logs(r quota.reconciliations, exports integer[], beside bigint[], c quota.rate_cards)
 RETURNS SETOF quota.call_logs
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select g.*
  from quota.call_logs g
  where c.line_has is null and g.provider = r.provider
    and (c.models is null or quota.model_family(g.model) = any (c.models))
    and g.started_at >= r.month::timestamp at time zone 'UTC'
    and g.started_at < (r.month + interval '1 month') at time zone 'UTC'
  union all
  -- What only the line says is known of calls that have one.
  select g.*
  from quota.charged_lines(r, exports, beside, c) l
  join quota.reconciled_items i on i.reconciliation_id = r.id and i.export_id = l.export_id
    and i.line = l.line
  join quota.call_logs g on g.id = i.log_id
  where c.line_has is not null
$function$;
comment on function quota.charged_logs(quota.reconciliations,integer[],bigint[],quota.rate_cards) is 'The logs of a month that a card speaks of.';

CREATE OR REPLACE FUNCTION quota.check_concurrent_processing_limit(p_user text, p_service text DEFAULT NULL::text)
 RETURNS TABLE(service text, can_process boolean, active integer, max_concurrent integer)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select s.service, p.max_concurrent is null or count(c.id) < p.max_concurrent, count(c.id)::integer,
    p.max_concurrent
  from quota.user_or_newcomer(p_user) o(id)
  cross join lateral quota.services_of(o.id, p_service) s
  join quota.plans p on p.key = s.plan
  left join quota.concurrent_processing c on c.user_id = o.id and c.service = s.service
    and c.expires_at > quota.now()
  where quota.refuse_unknown_service(p_service)
  group by s.service, p.max_concurrent
  order by s.service
$function$;
comment on function quota.check_concurrent_processing_limit(text,text) is 'Whether one more job may run, per service, also before the first call; max_concurrent null: no limit.';
grant execute on function quota.check_concurrent_processing_limit(text,text) to quota_app;
grant execute on function quota.check_concurrent_processing_limit(text,text) to quota_finance;
grant execute on function quota.check_concurrent_processing_limit(text,text) to quota_operator;
grant execute on function quota.check_concurrent_processing_limit(text,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.claim_alerts(batch_size integer, lease interval)
 RETURNS TABLE(id uuid, attempts integer, payload jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  claimed uuid[];
begin
  claimed := array(
    select c.id from quota.alert_deliveries c
    where c.status in ('pending', 'failed') and c.next_attempt_at <= quota.now()
      and ((select quota.bound_user()) is null or c.user_id = (select quota.bound_user()))
    order by c.next_attempt_at, c.id limit batch_size for update skip locked);
  update quota.alert_deliveries d set attempts = d.attempts + 1, next_attempt_at = quota.now() + lease
  where d.id = any (claimed);
  -- One look says what is true and what is told: a statement sees the quotas of one instant.
  return query
  select d.id, d.attempts, t.payload
  from quota.alert_deliveries d cross join lateral quota.alert_payload(d.user_id, d.id) t(payload)
  where d.id = any (claimed)
  order by t.payload->>'crossedAt', d.id;
end $function$;
comment on function quota.claim_alerts(integer,interval) is 'Takes alerts that are due for the time of a lease, with what is to be sent; null: it is not so any more, see withdraw_alerts. A sender that dies leaves them due again.';
grant execute on function quota.claim_alerts(integer,interval) to quota_operator;

CREATE OR REPLACE FUNCTION quota.claim_due(plans text[], batch_size integer, only_user uuid, after quota.reset_position)
 RETURNS quota.subscriptions[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_sort TO 'off'
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
AS $function$
declare
  claimed quota.subscriptions[] := '{}';
  more quota.subscriptions[];
  next_plan text;
begin
  if only_user is not null then
    return array(
      select s from quota.subscriptions s
      where s.user_id = only_user and s.plan = any (plans) and s.next_reset_at <= quota.now()
      limit batch_size for no key update skip locked);
  end if;
  foreach next_plan in array plans loop
    continue when next_plan < after.plan;
    select array_agg(c.s) into more
    from (
      select s from quota.subscriptions s
      where s.plan = next_plan and s.next_reset_at <= quota.now()
        and (s.next_reset_at, s.user_id) > (
          case when next_plan = after.plan then after.next_reset_at else '-infinity' end,
          case when next_plan = after.plan then after.user_id else '00000000-0000-0000-0000-000000000000' end)
      order by s.next_reset_at, s.user_id
      limit batch_size - cardinality(claimed)
      for no key update skip locked
    ) c;
    claimed := claimed || more;
    exit when cardinality(claimed) >= batch_size;
  end loop;
  return claimed;
end $function$;
comment on function quota.claim_due(text[],integer,uuid,quota.reset_position) is 'Locks up to batch_size due subscriptions that nobody else is working on, of one user or in the order of the index after a position.';

CREATE OR REPLACE FUNCTION quota.claim_operator_alerts(batch_size integer, lease interval)
 RETURNS TABLE(id uuid, payload jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(null);
  return query
  with claimed as (
    update quota.operator_alerts a set attempts = a.attempts + 1, next_attempt_at = quota.now() + lease
    where a.id in (
      select c.id from quota.operator_alerts c
      where c.status in ('pending', 'failed') and c.next_attempt_at <= quota.now()
      order by c.next_attempt_at, c.id limit batch_size for update skip locked)
    returning a.*
  )
  select c.id, jsonb_build_object('id', c.id, 'type', 'operator.alert', 'kind', c.kind, 'level', 'exceeded',
    'service', nullif(c.service, ''), 'day', c.day, 'value', c.value::text, 'limit', c.limit_value::text,
    'calls', c.calls, 'raisedAt', quota.instant_text(c.raised_at), 'asOf', quota.instant_text(quota.now()))
  from claimed c
  order by c.raised_at, c.day, c.service, c.kind;
end $function$;
comment on function quota.claim_operator_alerts(integer,interval) is 'Takes alerts of operators that are due for the time of a lease, with what is to be sent.';
grant execute on function quota.claim_operator_alerts(integer,interval) to quota_operator;

CREATE OR REPLACE FUNCTION quota.claim_told(p_source integer, OUT reading jsonb, OUT followed jsonb, OUT rows bigint)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  select s.reading, s.followed, s.followed_rows into reading, followed, rows
  from quota.adopt_sources s
  where s.id = p_source and s.is_attached and s.reading is not null and s.staged is null
    and s.backfilled_at is not null
  for no key update skip locked;
end $function$;
comment on function quota.claim_told(integer) is 'Holds a source in another database until the transaction ends: what is read there, and how far it is followed. Null: somebody else holds it, or no backfill was through it yet.';
grant execute on function quota.claim_told(integer) to quota_operator;

CREATE OR REPLACE FUNCTION quota.claimed_user(p_claim text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  value jsonb;
begin
  value := nullif(current_setting('request.jwt.claims', true), '')::jsonb -> p_claim;
  return case when jsonb_typeof(value) in ('string', 'number') then nullif(value #>> '{}', '') end;
exception when invalid_text_representation then
  return null;
end $function$;
comment on function quota.claimed_user(text) is 'The value of a claim of request.jwt.claims, as PostgREST sets it; null: there is none.';

CREATE OR REPLACE FUNCTION quota.closable_since(claimed quota.subscriptions[])
 RETURNS TABLE(user_id uuid, service text, meter text, since timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
  select d.user_id, d.service, m.key, coalesce((
      select p.period_start from quota.usage_quotas p
      where p.user_id = d.user_id and p.meter = m.key and not p.superseded
        and quota.contains(p, d.last_reset_at)
      order by p.period_start desc limit 1), d.last_reset_at, '-infinity')
  from unnest(claimed) d
  join quota.meters m on m.service = d.service
$function$;
comment on function quota.closable_since(quota.subscriptions[]) is 'From which start on the periods of each meter may be open: all that ended before the last reset is closed, so that old years need not be looked at.';

CREATE OR REPLACE FUNCTION quota.closed_months()
 RETURNS uuid[]
 LANGUAGE sql
 STABLE
AS $function$ select array_agg(r.id) from quota.reconciliations r where r.closed_at is not null $function$;
comment on function quota.closed_months() is 'The reconciliations that are closed; null: none is.';
grant execute on function quota.closed_months() to quota_finance;

CREATE OR REPLACE FUNCTION quota.coarse_exports(exports integer[])
 RETURNS integer[]
 LANGUAGE sql
 STABLE
AS $function$ select array(select e.id from quota.billing_exports e where e.id = any (exports)
  and e.whole_seconds) $function$;
comment on function quota.coarse_exports(integer[]) is 'Those whose durations are printed in whole seconds.';

CREATE OR REPLACE FUNCTION quota.compare_days(r quota.reconciliations, exports integer[], month_start timestamp with time zone, month_end timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.billed_days, pg_temp.logged_days, pg_temp.model_names;
  create temp table billed_days on commit drop as
  select l.day, l.model, l.cost, l.duration_seconds as seconds,
    case when l.unit in ('request', 'requests') then l.quantity end as requests,
    -- FOCUS names meters where others name models; that one is a model it says, or the logs do.
    e.format = 'focus' and coalesce(l.charge::json ->> 'model', '') = '' as is_meter
  from quota.billing_lines l join quota.billing_exports e on e.id = l.export_id
  where l.export_id = any (exports) and l.kind = 'aggregate' and l.day >= month_start::date
    and l.day < month_end::date
    and (l.export_id, l.line) not in (select s.export_id, s.line from pg_temp.repeated_sums s);
  if not exists (select 1 from pg_temp.billed_days) then
    return;
  end if;
  create temp table logged_days on commit drop as
  select (g.started_at at time zone 'UTC')::date as day, g.model, sum(g.cost) as cost,
    sum(g.duration_seconds) as seconds,
    sum(coalesce(g.messages, 1)) as requests
  from pg_temp.computed_rows c join quota.call_logs g on g.id = c.log_id
  where c.export_id is null
  group by 1, 2;
  perform quota.name_models();

  -- A day that the bill states without a model, even in part, is compared as a whole.
  insert into pg_temp.computed_days
  with whole_days as (
    select distinct day from pg_temp.billed_days where model is null
  ), stated as (
    select count(cost) > 0 as cost, count(seconds) > 0 as seconds, count(requests) > 0 as requests
    from pg_temp.billed_days
  ), billed as (
    select b.day, case when w.day is null then n.name end as model, sum(b.cost) as cost,
      sum(b.seconds) as seconds, sum(b.requests) as requests
    from pg_temp.billed_days b
    left join whole_days w using (day)
    left join pg_temp.model_names n on n.model = b.model
    group by 1, 2
  ), logged as (
    select l.day, case when w.day is null then n.name end as model, sum(l.cost) as cost,
      sum(l.seconds) as seconds, sum(l.requests) as requests
    from pg_temp.logged_days l
    left join whole_days w using (day)
    left join pg_temp.model_names n on n.model = l.model
    group by 1, 2
  )
  select place.day, place.model,
    case when s.cost then coalesce(b.cost, 0) end as billed, coalesce(l.cost, 0) as logged,
    case when s.seconds then coalesce(b.seconds, 0) end as billed_seconds,
      coalesce(l.seconds, 0) as logged_seconds,
    case when s.requests then coalesce(b.requests, 0) end as billed_quantity,
      coalesce(l.requests, 0) as logged_quantity
  from (select *, coalesce(model, '') as key from billed) b
  full join (select *, coalesce(model, '') as key from logged) l on l.day = b.day and l.key = b.key
  cross join stated s
  cross join lateral (select coalesce(b.day, l.day) as day, coalesce(b.model, l.model) as model) place;

  delete from pg_temp.computed_rows where export_id is null;
  insert into pg_temp.computed_rows (day, model, kind, billed, logged)
  select d.day, d.model,
    -- In whatever the bill states; too much and too little alike.
    case
      when abs(d.billed - d.logged) > greatest(r.aggregate_amount, abs(d.billed) * r.aggregate_percent / 100)
        or abs(d.billed_seconds - d.logged_seconds) > d.billed_seconds * r.aggregate_percent / 100
        or abs(d.billed_quantity - d.logged_quantity) > d.billed_quantity * r.aggregate_percent / 100
        then 'aggregate_mismatch'
      else 'matched'
    end,
    coalesce(d.billed, 0), d.logged
  from pg_temp.computed_days d;
end $function$;
comment on function quota.compare_days(quota.reconciliations,integer[],timestamp with time zone,timestamp with time zone) is 'Where exports have sums of days: puts one item per day and model in the place of the logs that no call line has.';

CREATE OR REPLACE FUNCTION quota.compute_reconciliation(reconciliation uuid, is_trial boolean DEFAULT false)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET work_mem TO '128MB'
 SET jit TO 'off'
 SET random_page_cost TO '0.2'
 SET seq_page_cost TO '0.2'
 SET default_statistics_target TO '10'
 SET max_parallel_workers_per_gather TO '0'
AS $function$
declare
  r quota.reconciliations := quota.open_reconciliation(reconciliation);
  month_start timestamptz := r.month::timestamp at time zone 'UTC';
  month_end timestamptz := (r.month + interval '1 month') at time zone 'UTC';
  exports integer[];
  has_others boolean;
  changed bigint;
begin
  exports := array(
    select x.export_id from quota.reconciliation_exports x where x.reconciliation_id = r.id order by 1);
  has_others := exists (
    select 1 from quota.billing_exports e where e.id = any (exports) and e.calls < e.lines);
  -- Nobody else analyzes lines that were loaded a moment ago. Only columns that plans depend on: the others
  -- cost as much.
  analyze quota.billing_lines (export_id, line, kind, external_id, assistant_id);
  perform quota.open_answer();
  perform quota.match_calls(r, exports, month_start, month_end);
  if has_others then
    perform quota.mark_repeated_sums(r, exports, month_start, month_end);
    perform quota.add_fees(r, exports, month_start, month_end);
    perform quota.mark_given_back(exports);
    perform quota.compare_days(r, exports, month_start, month_end);
  end if;
  changed := quota.store_items(r.id);
  if changed > 0 then
    analyze quota.reconciliation_items (reconciliation_id, export_id, line, log_id, kind);
    analyze quota.reconciliation_matches (reconciliation_id, export_id);
  end if;
  if not is_trial then
    perform quota.find_discrepancies();
    perform quota.store_discrepancies(r.id);
    if changed > 0 then
      -- Who asks next what they come from would hash all lines in place of these few.
      analyze quota.discrepancies (reconciliation_id, export_id, line, log_id, kind);
    end if;
  end if;
  return changed;
end $function$;
comment on function quota.compute_reconciliation(uuid,boolean) is 'Holds the exports of a month against the logs and stores what differs from the stored answer; how many items did. QT007 if the month is closed. A trial, to be rolled back, stores no discrepancies.';
grant execute on function quota.compute_reconciliation(uuid,boolean) to quota_finance;

CREATE OR REPLACE FUNCTION quota.contains(q quota.usage_quotas, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select q.period_start <= at and q.period_end > at $function$;
comment on function quota.contains(quota.usage_quotas,timestamp with time zone) is 'Whether the period of a quota contains an instant. Inlined, so that joins and indexes see the two bounds.';
grant execute on function quota.contains(quota.usage_quotas,timestamp with time zone) to quota_finance;
grant execute on function quota.contains(quota.usage_quotas,timestamp with time zone) to quota_operator;
grant execute on function quota.contains(quota.usage_quotas,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.cost_of(cost numeric, unit text, quantity numeric, unit_price numeric)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  -- What a message or a minute costs is told in millionths; a token costs less than that. The quantity is
  -- named once: named twice, one that has to be worked out keeps the function from being inlined, which then
  -- costs as much as all the rest of counting a call.
  select coalesce(cost,
    trim_scale(round(quantity * unit_price / quota.units_priced(unit),
      case when unit in ('token', 'byte') then 12 else 6 end))
    -- Millionths are written out.
    + case when unit in ('token', 'byte') then 0 else 0.000000 end,
    0)
$function$;
comment on function quota.cost_of(numeric,text,numeric,numeric) is 'What a call log cost: as logged, else estimated by the price of the unit (quota.units_priced).';
grant execute on function quota.cost_of(numeric,text,numeric,numeric) to quota_finance;
grant execute on function quota.cost_of(numeric,text,numeric,numeric) to quota_operator;
grant execute on function quota.cost_of(numeric,text,numeric,numeric) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.count_call(p_user uuid, p_service text, p_model text, p_status text, p_started_at timestamp with time zone, p_duration_seconds numeric, p_messages integer, p_cost numeric, p_file_bytes bigint, p_quantities jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
declare
  terms record;
  counted record;
  quantity numeric;
  told text;
  -- Asked once: inlined, the clock would be made ready at each place.
  at timestamptz := quota.now();
begin
  -- Apps record all day, and making a statement ready costs more than what it does: one that locks, one that
  -- adds, of what is so once the lock is held. Locked here and not by hold_subscriptions for that reason.
  select s.plan, p.meter, p.unit, p.since, p.allowed_models into terms
  from quota.subscriptions s left join quota.simple_plans p on p.plan = s.plan
  where s.user_id = p_user and s.service = p_service
  for no key update of s;
  if not found then
    return false;
  end if;
  quantity := quota.quantity_of(terms.unit, null, p_status, p_duration_seconds, p_messages, null, null);
  -- What belongs to a period that is over, or to before a grant ended or a reset, or also to a period that a
  -- former plan cut, whether closed by the change of plan or by a reset before it, is for the longer way.
  update quota.usage_quotas q
  set used = q.used + quantity, calls = q.calls + 1,
    cost = q.cost + quota.cost_of(p_cost, terms.unit, quantity, q.unit_price)
  where terms.since < p_started_at
    and q.user_id = p_user and q.meter = terms.meter and quota.contains(q, p_started_at)
    and q.period_end > at and q.adjusted = 0 and not q.superseded
    and not exists (
      select from quota.adjustments a
      where a.user_id = p_user and a.meter = terms.meter and a.kind = 'reset' and a.created_at > p_started_at)
    and not exists (
      select from quota.usage_quotas o
      where o.user_id = p_user and o.meter = terms.meter and o.period_start <> q.period_start
        and quota.contains(o, p_started_at))
    and not exists (
      select from quota.grants g
      where g.user_id = p_user and least(g.expires_at, g.revoked_at) between p_started_at and at)
  returning q.meter, q.period_start, q.period_end, q.used, q.limit_quantity, q.cost, q.calls,
    q.granted = 0 and q.period_start <= at and q.used < q.limit_quantity as is_plain,
    -- More than a percent below every limit, as nearly all are, there is nothing to enforce.
    q.cost_limit is not null or q.exhausted_at is not null
      or q.used >= q.limit_quantity or (100 * q.used + q.limit_quantity) / nullif(q.limit_quantity,
        0) >= any (q.warn_at) as may_cross
  into counted;
  if not found then
    return quota.count_on_meters(p_user, p_service, p_model, p_status, p_started_at, p_duration_seconds,
      p_messages, p_cost, p_file_bytes, p_quantities);
  elsif counted.may_cross then
    perform quota.settle_crossed(array[q]) from quota.usage_quotas q
    where q.user_id = p_user and q.meter = counted.meter and q.period_start = counted.period_start
      and quota.marks_differ(q);
  elsif counted.is_plain and current_setting('quota.counted', true) = 'asked' then
    -- A model that the plan names in capitals is left to the longer way.
    if (p_model <> all (terms.allowed_models)) is not true
      and not exists (select from quota.concurrent_processing c where c.user_id = p_user)
    then
      -- As seconds: no notation of instants that a session may have can say them otherwise.
      told := set_config('quota.counted',
        (counted.used, counted.limit_quantity, counted.cost, extract(epoch from quota.runs_out_at(
          counted.used, 0, counted.limit_quantity, counted.cost, null, null, counted.calls,
          counted.period_start, counted.period_end, at)))::quota.counted_usage::text, true);
    end if;
  end if;
  return true;
end $function$;
comment on function quota.count_call(uuid,text,text,text,timestamp with time zone,numeric,integer,numeric,bigint,jsonb) is 'Adds one call to the periods of its user''s meters, in the order of locks, and enforces what it crosses; false, and nothing is added, if one of them is not open yet. Where quota.counted says "asked", and there is plenty left and nothing else to look at, tells there how the quota stands.';

CREATE OR REPLACE FUNCTION quota.count_on_meters(p_user uuid, p_service text, p_model text, p_status text, p_started_at timestamp with time zone, p_duration_seconds numeric, p_messages integer, p_cost numeric, p_file_bytes bigint, p_quantities jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
declare
  counted record;
  meters integer;
  is_open boolean;
begin
  -- What belongs to a period that is over may take of a grant that the running one counts on, or to before a
  -- grant ended be covered by it, or count as its meter once did: that is for the full way.
  select count(q.user_id), bool_and(case
    when q.user_id is null then not exists (
      select from quota.plan_limits l where l.plan = s.plan and l.meter = m.key)
    else not exists (
        select from quota.grants g
        where g.user_id = q.user_id and (q.period_end <= quota.now()
          or least(g.expires_at, g.revoked_at) between p_started_at and quota.now()))
      and (m.changed_at is null or m.changed_at < p_started_at)
      and not exists (
        select from quota.adjustments a
        where a.user_id = q.user_id and a.meter = q.meter and a.kind = 'reset'
          and a.created_at > p_started_at) end)
  into meters, is_open
  from quota.subscriptions s
  join quota.meters m on m.service = s.service
    and (quota.counts_model(m.models, m.patterns, p_model) or m.changed_at >= p_started_at)
  left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key
    and quota.contains(q, p_started_at) and not q.superseded
  where s.user_id = p_user and s.service = p_service;
  if meters = 0 or not is_open then
    return false;
  end if;

  for counted in
    update quota.usage_quotas q
    set used = q.used + c.quantity, calls = q.calls + 1,
      cost = q.cost + quota.cost_of(p_cost, c.unit, c.quantity, q.unit_price)
    from (
      select m.key, m.unit, quota.quantity_of(m.unit, m.measure, p_status, p_duration_seconds, p_messages,
        p_file_bytes, p_quantities) as quantity
      from quota.meters m
      where m.service = p_service and quota.counts_model(m.models, m.patterns, p_model)
      offset 0 -- The quantity is worked out once.
    ) c
    where q.user_id = p_user and q.meter = c.key and quota.contains(q, p_started_at)
    returning q.meter, q.period_start, q.superseded,
      -- More than a percent below every limit, as nearly all are, there is nothing to enforce.
      q.cost_limit is not null or q.exhausted_at is not null
        or q.used >= q.limit_quantity or (100 * q.used + q.limit_quantity) / nullif(q.limit_quantity,
          0) >= any (q.warn_at) as may_cross
  loop
    meters := meters - case when counted.superseded then 0 else 1 end;
    if counted.may_cross then
      perform quota.settle_crossed(array[q]) from quota.usage_quotas q
      where q.user_id = p_user and q.meter = counted.meter and q.period_start = counted.period_start
        and quota.marks_differ(q);
    end if;
  end loop;
  if meters <> 0 then
    -- The periods are not as they were a statement ago.
    perform quota.refresh_quotas(array[p_user], array[p_service]);
  end if;
  return true;
end $function$;
comment on function quota.count_on_meters(uuid,text,text,text,timestamp with time zone,numeric,integer,numeric,bigint,jsonb) is 'Adds one call to the periods of its user''s meters, in the order of locks, and enforces what it crosses; false, and nothing is added, if one of them is not open yet.';

CREATE OR REPLACE FUNCTION quota.count_opened(opened quota.quota_key[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  counted quota.usage_delta[] := quota.usage_in(opened);
begin
  if counted is not null then
    perform quota.apply_usage(counted);
  end if;
end $function$;
comment on function quota.count_opened(quota.quota_key[]) is 'Counts the calls that lie in quotas that were opened a moment ago, and enforces them. The caller holds the subscriptions.';

CREATE OR REPLACE FUNCTION quota.count_refusal(p_user text, p_service text, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  owner uuid;
begin
  if p_user is null then
    perform quota.refuse_other_user(null);
  else
    owner := quota.user_or_newcomer(p_user);
  end if;
  if p_service is null then
    raise exception 'a refusal is of a service' using errcode = 'QT002';
  end if;
  perform quota.refuse_unknown_service(p_service);
  if p_reason is null or p_reason !~ '^[a-z][a-z0-9_]{0,59}$' then
    raise exception 'a reason is one word of a-z, 0-9 and _, like quota_exceeded, not "%"',
      quota.shown(p_reason) using errcode = 'QT003';
  end if;
  perform quota.note_refusal(p_service, case when owner is null
    then (select p.key from quota.plans p where p.service = p_service and p.anonymous limit 1)
    else (select s.plan from quota.services_of(owner, p_service) s limit 1) end, p_reason);
end $function$;
comment on function quota.count_refusal(text,text,text) is 'Counts that a user was told no (HTTP 429) for a reason, as quota.check names it; a null user: somebody not signed in. quota.start_session, quota.gate and quota.add_assistant count their own; quota.check only asks, also where nothing can be written.';
grant execute on function quota.count_refusal(text,text,text) to quota_app;
grant execute on function quota.count_refusal(text,text,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.counting_terms()
 RETURNS bigint
 LANGUAGE sql
 STABLE
AS $function$
  select hashtextextended(concat_ws(' ',
    (select c.sha256 from quota.schema_core c),
    (select string_agg(m::text, ' ' order by m.key) from quota.meters m),
    (select string_agg(f::text, ' ' order by f.meter, f.until) from quota.former_meters f),
    (select string_agg(l.plan || ' ' || l.meter, ' ' order by l.plan, l.meter) from quota.plan_limits l)), 0)
$function$;
comment on function quota.counting_terms() is 'A digest of all that decides what a call counts, beside the call and its quota: functions, meters, and the meters of plans.';
grant execute on function quota.counting_terms() to quota_finance;
grant execute on function quota.counting_terms() to quota_operator;
grant execute on function quota.counting_terms() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.counts_model(models text[], patterns text[], model text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select models is null or lower(model) like any (patterns) $function$;
comment on function quota.counts_model(text[],text[],text) is 'Whether a meter with these models (null: all), of which patterns is quota.like_patterns, counts a call of a model. Providers write GPT-4o and gpt-4o: it is one. Inlined: write it in joins.';
grant execute on function quota.counts_model(text[],text[],text) to quota_finance;
grant execute on function quota.counts_model(text[],text[],text) to quota_operator;
grant execute on function quota.counts_model(text[],text[],text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.creates_users()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$ select s.value = 'on' from quota.settings s where s.name = 'auto_create_users' $function$;
comment on function quota.creates_users() is 'Whether the first call of a user whom nobody has told of makes the user: the setting auto_create_users.';

CREATE OR REPLACE FUNCTION quota.crossings(q quota.usage_quotas, thresholds integer[])
 RETURNS TABLE(threshold integer, at timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
  with facts as (
    select least(v.at, quota.now()) as at, v.quantity,
      quota.cost_of(v.cost, v.unit, v.quantity, q.unit_price) as cost
    from (
      select c.cost, m.unit, quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds,
        c.messages, c.file_size_bytes, c.quantities) as quantity,
        coalesce(c.ended_at, c.started_at + make_interval(secs => c.duration_seconds::float8), c.started_at)
          as at
      from quota.meter_terms m
      join quota.call_logs c on c.user_id = q.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
        and c.started_at >= q.period_start and c.started_at < q.period_end
      where m.key = q.meter and q.period_end > m.since and q.period_end <= m.until
    ) v
    union all
    select a.created_at, a.quantity, a.cost from quota.adjustments a
    where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
  ), sums as materialized (
    select s.at, quota.percent_used(s.used, q.limit_quantity + q.granted, s.cost, q.cost_limit) as percent
    from (
      select f.at, sum(f.quantity) over (order by f.at) as used, sum(f.cost) over (order by f.at) as cost
      from facts f
    ) s
  )
  select t.threshold, coalesce(greatest((
      -- It holds since the first fact after the last one at which it did not.
      select min(s.at) from sums s
      where s.at > coalesce((
        select max(b.at) from sums b where (b.percent >= t.threshold) is not true), '-infinity')
    ), q.lowered_at), quota.now())
  from unnest(thresholds) t(threshold)
$function$;
comment on function quota.crossings(quota.usage_quotas,integer[]) is 'When a quota came to be beyond thresholds: at the end of the call, or at the correction, that crossed them, and not before its allowance was lowered to what it is.';

CREATE OR REPLACE FUNCTION quota.current_quotas(p_user uuid)
 RETURNS TABLE(user_id uuid, service text, plan text, meter text, unit text, period_start timestamp with time zone, period_end timestamp with time zone, limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text, used numeric, adjusted numeric, granted numeric, cost numeric, calls integer, exhausted_at timestamp with time zone, percent numeric, state text)
 LANGUAGE sql
 STABLE
AS $function$
  select c.user_id, c.service, c.plan, c.meter, c.unit, c.period_start, c.period_end, c.limit_quantity,
    c.cost_limit,
    c.unit_price, c.warn_at, c.on_exceeded, c.used, c.adjusted, c.granted, c.cost, c.calls, c.exhausted_at,
    c.percent,
    quota.quota_state(
      c.percent, quota.is_exhausted(c.used, c.limit_quantity + c.granted, c.cost, c.cost_limit), c.warn_at)
  from (
    select l.user_id, l.service, l.plan, m.key as meter, m.unit,
      -- In a zone that the server does not know the period that is open is all that there is.
      coalesce(lower(p.period), q.period_start) as period_start,
      coalesce(upper(p.period), q.period_end) as period_end,
      case when q.user_id is null then l.limit_quantity else q.limit_quantity end as limit_quantity,
      case when q.user_id is null then l.cost_limit else q.cost_limit end as cost_limit,
      case when q.user_id is null then l.unit_price else q.unit_price end as unit_price,
      coalesce(q.warn_at, l.warn_at) as warn_at, coalesce(q.on_exceeded, l.on_exceeded) as on_exceeded,
      coalesce(q.used, 0) as used, coalesce(q.adjusted, 0) as adjusted, coalesce(q.granted, 0) as granted,
      coalesce(q.cost, 0) as cost, coalesce(q.calls, 0) as calls, q.exhausted_at,
      quota.percent_used(
        coalesce(q.used, 0),
        case when q.user_id is null then l.limit_quantity else q.limit_quantity end + coalesce(q.granted, 0),
        coalesce(q.cost, 0),
        case when q.user_id is null then l.cost_limit else q.cost_limit end) as percent
    from quota.user_limits l
    join quota.meters m on m.key = l.meter
    cross join lateral quota.period_at(
      quota.limit_anchor(l.reset_anchor, l.boundary, l.anchor_local), l.reset_every, l.timezone,
      quota.now()) p(period)
    left join quota.usage_quotas q on q.user_id = l.user_id and q.meter = l.meter
      and not q.superseded and q.period_start = coalesce(lower(p.period), (
        select max(o.period_start) from quota.usage_quotas o
        where o.user_id = l.user_id and o.meter = l.meter and not o.superseded
          and quota.contains(o, quota.now())))
    where l.user_id = p_user
  ) c
$function$;
comment on function quota.current_quotas(uuid) is 'What a user has used of each meter in the period that contains quota.now(), opened or not.';
grant execute on function quota.current_quotas(uuid) to quota_finance;
grant execute on function quota.current_quotas(uuid) to quota_operator;
grant execute on function quota.current_quotas(uuid) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.day_of(at timestamp with time zone)
 RETURNS date
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select (at at time zone 'UTC')::date $function$;
comment on function quota.day_of(timestamp with time zone) is 'The day of analytics: UTC.';
grant execute on function quota.day_of(timestamp with time zone) to quota_finance;
grant execute on function quota.day_of(timestamp with time zone) to quota_operator;
grant execute on function quota.day_of(timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.days_to_roll()
 RETURNS SETOF date
 LANGUAGE sql
 STABLE
AS $function$
  select d::date
  from generate_series(
    coalesce(
      (select max(a.day) + 1 from quota.analytics_days a),
      (select quota.day_of(min(l.started_at)) from quota.call_logs l))::timestamp,
    (quota.day_of(quota.now()) - 1)::timestamp, interval '1 day') d
  union
  select a.day from quota.analytics_days a
  where (a.rolled_at is null or not a.by_model) and a.day < quota.day_of(quota.now())
  union
  select c.day from quota.analytics_changes c where c.day < quota.day_of(quota.now())
  order by 1
$function$;
comment on function quota.days_to_roll() is 'Days that are over and were never rolled up, or not by model, or whose calls have changed since.';
grant execute on function quota.days_to_roll() to quota_finance;
grant execute on function quota.days_to_roll() to quota_operator;
grant execute on function quota.days_to_roll() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.dead_runs()
 RETURNS TABLE(id uuid, job text, started_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- Whoever runs a job holds its lock from before the run is recorded until after it is finished.
  select r.id, r.job, r.started_at from quota.job_runs r
  where r.status = 'running' and not exists (
    select 1 from pg_locks l
    where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
      and (l.classid::bigint << 32 | l.objid::bigint) = quota.lock_key('job ' || r.job))
$function$;
comment on function quota.dead_runs() is 'Runs that say they are running, of processes that are gone.';
grant execute on function quota.dead_runs() to quota_finance;
grant execute on function quota.dead_runs() to quota_operator;
grant execute on function quota.dead_runs() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.decide(p_user uuid, p_service text, p_model text DEFAULT NULL::text, p_quantity numeric DEFAULT NULL::numeric, p_file_bytes bigint DEFAULT NULL::bigint, p_for text DEFAULT 'usage'::text, p_session bigint DEFAULT NULL::bigint, p_quantities jsonb DEFAULT NULL::jsonb, p_tells_meters boolean DEFAULT true)
 RETURNS quota.check_result
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  at timestamptz := quota.now();
  answer quota.check_result;
begin
  -- Whoever does not tell of each meter has not looked as quota.check has before: the same look, into three
  -- tables in place of six.
  if not p_tells_meters and p_file_bytes is null and p_for = 'usage' and p_quantities is null then
    select true, 'ok', null, 'Allowed.', s.service, s.plan, q.meter, q.used, q.limit_quantity,
      q.limit_quantity - q.used, round(100 * q.used / nullif(q.limit_quantity, 0), 2), q.cost, null, 'ok',
      '{}', nullif(q.period_end, 'infinity'), null, null, p.features,
      quota.runs_out_at(q.used, q.adjusted, q.limit_quantity, q.cost, null, null, q.calls, q.period_start,
        q.period_end, at)
    into answer
    from quota.subscriptions s
    join quota.simple_plans p on p.plan = s.plan and (p_model <> all (p.allowed_models)) is not true
    join quota.usage_quotas q on q.user_id = s.user_id and q.meter = p.meter and quota.contains(q, at)
      and not q.superseded
    where s.user_id = p_user and s.service = p_service and q.exhausted_at is null and q.granted = 0
      and q.cost_limit is null
      and not exists (select from quota.concurrent_processing c where c.user_id = p_user)
      and not round(100 * q.used / nullif(q.limit_quantity, 0), 2) >= any (q.warn_at || 100);
    if answer.allowed and (p_quantity is null or p_quantity between 0 and answer.remaining) then
      return answer;
    end if;
  end if;
  return quota.decide_by_meters(p_user, p_service, p_model, p_quantity, p_file_bytes, p_for, p_session,
    p_quantities, p_tells_meters);
end $function$;
comment on function quota.decide(uuid,text,text,numeric,bigint,text,bigint,jsonb,boolean) is 'The answer of quota.check, for the functions of the apps: it runs with the rights and the search path of its caller. p_session: the call whose own reservation does not count; p_tells_meters: false where nobody asks for each of them.';

CREATE OR REPLACE FUNCTION quota.decide_by_meters(p_user uuid, p_service text, p_model text, p_quantity numeric, p_file_bytes bigint, p_for text, p_session bigint, p_quantities jsonb, p_tells_meters boolean)
 RETURNS quota.check_result
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  at timestamptz := quota.now();
  worst record;
begin
  -- Nearly every check finds an open period with plenty left and nothing else to look at. Told apart in one
  -- look, it costs a sixth: no expression is made ready for a transaction that does not need it.
  if p_file_bytes is null and p_for = 'usage' and p_quantities is null then
    select x.*, min(x.unit) over every <> max(x.unit) over every as is_mixed,
      jsonb_agg(case
        when not p_tells_meters then null
        when x.used is null then quota.meter_unopened(p_user, x.meter)
        else quota.meter_left(x.meter, x.unit, x.used, x.limit_quantity, x.remaining, x.percent, x.cost, null,
          x.period_end) end) over every as meters
    into worst
    from (
      select s.plan, p.features, m.key as meter, m.unit, q.used, q.limit_quantity,
        q.limit_quantity - q.used as remaining,
        round(100 * q.used / nullif(q.limit_quantity, 0), 2) as percent, q.cost, q.period_end,
        quota.runs_out_at(q.used, q.adjusted, q.limit_quantity, q.cost, null, null, q.calls, q.period_start,
          q.period_end, at) as runs_out_at,
        coalesce(quota.counts_model(m.models, m.patterns, p_model), false) as counts,
        m.measure is not null or coalesce(q.granted <> 0 or q.cost_limit is not null, false)
          or coalesce(p.max_concurrent = 0, false) or not quota.allows_model(p.allowed_models, p_model)
          as is_special,
        q.user_id is null or q.exhausted_at is not null
          or coalesce(round(100 * q.used / nullif(q.limit_quantity, 0), 2) >= any (q.warn_at), false)
          as is_near
      from quota.subscriptions s
      join quota.plans p on p.key = s.plan
      join quota.plan_limits l on l.plan = s.plan
      join quota.meters m on m.key = l.meter
      left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key
        and quota.contains(q, at) and not q.superseded
      where s.user_id = p_user and s.service = p_service
        and not exists (select from quota.concurrent_processing c where c.user_id = p_user)
    ) x
    window every as (rows between unbounded preceding and unbounded following)
    order by x.is_special desc, x.counts desc, x.is_near desc, x.remaining, x.meter
    limit 1;
    if worst.counts and not (worst.is_special or worst.is_near or worst.is_mixed) and worst.percent < 100
      and (p_quantity is null or p_quantity between 0 and worst.remaining)
    then
      return (
        true, 'ok', null, 'Allowed.', p_service, worst.plan, worst.meter, worst.used, worst.limit_quantity,
        worst.remaining, worst.percent, worst.cost, null, 'ok', '{}', nullif(worst.period_end, 'infinity'),
        null, worst.meters, worst.features, worst.runs_out_at)::quota.check_result;
    end if;
  end if;
  return quota.decide_in_full(p_user, p_service, p_model, p_quantity, p_file_bytes, p_for, p_session,
    p_quantities);
end $function$;
comment on function quota.decide_by_meters(uuid,text,text,numeric,bigint,text,bigint,jsonb,boolean) is 'The same as quota.decide, of plans with several meters, too, where that is told in one look.';

CREATE OR REPLACE FUNCTION quota.decide_in_full(p_user uuid, p_service text, p_model text, p_quantity numeric, p_file_bytes bigint, p_for text, p_session bigint DEFAULT NULL::bigint, p_quantities jsonb DEFAULT NULL::jsonb)
 RETURNS quota.check_result
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  subscription quota.subscriptions;
  plan quota.plans;
  allowances quota.allowance[];
  needed numeric;
  meters jsonb;
  worst quota.allowance;
  reason text;
  action text;
  message text := 'Allowed.';
  state text;
  warnings text[] := '{}';
begin
  perform quota.refuse_other_user(p_user);
  if p_quantity < 0 or p_file_bytes < 0 then
    raise exception 'a quantity cannot be negative' using errcode = 'QT003';
  end if;
  if p_for not in ('usage', 'assistant') then
    raise exception 'a check is for "usage" or "assistant", not "%"', quota.shown(p_for)
      using errcode = 'QT003';
  end if;
  subscription := quota.subscription_or_default(p_user, p_service);
  select * into plan from quota.plans p where p.key = subscription.plan;
  select r.allowances, r.needed, r.meters into allowances, needed, meters
  from quota.ranked_allowances(p_user, subscription, p_service, p_model, p_quantity, p_quantities,
    p_session) r;
  worst := allowances[1];

  reason := quota.refusal_reason(plan, worst, p_user, p_service, p_model, needed, p_file_bytes, p_for,
    p_session);
  if not quota.is_known_zone(coalesce(subscription.timezone, 'UTC')) and not coalesce(worst.is_open,
    false) then
    reason := 'unknown_time_zone';
  end if;
  if reason <> 'ok' then
    message := quota.refusal_message(reason, plan, worst, worst.models is not null and not exists (
      select from unnest(allowances) a where a.exhausted and a.meter <> worst.meter));
    action := case
      when reason in ('quota_exceeded', 'cost_limit_exceeded', 'would_exceed')
        and worst.on_exceeded = 'static_fallback' then 'switch_to_static'
      when reason in ('quota_exceeded', 'cost_limit_exceeded')
        and worst.on_exceeded = 'limit_assistants' then 'limit_assistants'
      else 'block'
    end;
  end if;
  if worst.meter is not null then
    state := 'ok';
  end if;
  if worst.exhausted or worst.percent >= any (worst.warn_at) then
    state := quota.quota_state(worst.percent, worst.exhausted, worst.warn_at);
  end if;
  if exists (select from unnest(allowances) a where a.percent >= any (a.warn_at)) then
    warnings := array(
      select quota.alert_level(w, a.warn_at) || ': ' || w || '% of ' || quota.meter_label(a.meter, a.unit)
          || ' used'
      from unnest(allowances) with ordinality a cross join unnest(a.warn_at) w
      where w <= a.percent order by a.ordinality, w);
  end if;
  return (
    reason = 'ok', reason, action, message, p_service, plan.key, worst.meter, worst.used,
    worst.limit_quantity,
    worst.remaining, worst.percent, worst.cost, worst.cost_limit, state, warnings, worst.resets_at,
    case when reason <> 'ok' then plan.upgrade_to end, coalesce(meters, '[]'),
    coalesce(plan.features, '{}'), worst.runs_out_at)::quota.check_result;
end $function$;
comment on function quota.decide_in_full(uuid,text,text,numeric,bigint,text,bigint,jsonb) is 'The answer of quota.check in every case.';

CREATE OR REPLACE FUNCTION quota.deltas_of(p_sign integer, p_user uuid, p_service text, p_model text, p_status text, p_started_at timestamp with time zone, p_duration_seconds numeric, p_messages integer, p_cost numeric, p_file_bytes bigint, p_quantities jsonb)
 RETURNS SETOF quota.usage_delta
 LANGUAGE sql
 STABLE
AS $function$
  select c.user_id, c.meter, c.period_start, p_sign * c.quantity, 0::numeric,
    p_sign * quota.cost_of(p_cost, c.unit, c.quantity, c.unit_price), p_sign
  from (
    select q.user_id, q.meter, q.period_start, q.unit_price, m.unit, quota.quantity_of(
      m.unit, m.measure, p_status, p_duration_seconds, p_messages, p_file_bytes, p_quantities) as quantity
    from quota.meter_terms m
    join quota.usage_quotas q on q.user_id = p_user and q.meter = m.key and quota.contains(q, p_started_at)
      and q.period_end > m.since and q.period_end <= m.until
    where m.service = p_service and quota.counts_model(m.models, m.patterns, p_model)
  ) c
$function$;
comment on function quota.deltas_of(integer,uuid,text,text,text,timestamp with time zone,numeric,integer,numeric,bigint,jsonb) is 'What one call adds to (1) or takes from (-1) each quota that counts it, superseded ones too. Inlined, for lateral joins with many calls.';

CREATE OR REPLACE FUNCTION quota.differs(stored quota.call_logs, told quota.told_end, in_seconds boolean)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case
      when in_seconds then told.duration_seconds is distinct from stored.duration_seconds
        and told.duration_seconds is not null
      when told.quantities is not null and told.messages is null then false
      else quota.quantity_of('message', null, told.status, null, told.messages, null, null)
        <> quota.quantity_of('message', null, stored.status, null, stored.messages, null, null)
    end or coalesce(not stored.quantities @> told.quantities, told.quantities is not null)
      or coalesce(told.cost <> stored.cost, told.cost is not null)
$function$;
comment on function quota.differs(quota.call_logs,quota.told_end,boolean) is 'Whether other figures are told of a call than are stored: what it counts, whatever it is told of, and its cost.';

CREATE OR REPLACE FUNCTION quota.drop_unread(p_source integer, p_keys text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  delete from quota.adopt_dead d where d.source = p_source and d.key = any (p_keys) and d.is_unread;
end $function$;
comment on function quota.drop_unread(integer,text[]) is 'Forgets rows of another database that could not be read, and are gone.';
grant execute on function quota.drop_unread(integer,text[]) to quota_operator;

CREATE OR REPLACE FUNCTION quota.due_plans(anchor text)
 RETURNS text[]
 LANGUAGE sql
 STABLE
AS $function$
  select array(
    select distinct plan from quota.plan_limits where reset_anchor = anchor and reset_every is not null
    order by plan)
$function$;
comment on function quota.due_plans(text) is 'The plans that have a limit which resets on the signup''s anniversary or by the calendar.';
grant execute on function quota.due_plans(text) to quota_finance;
grant execute on function quota.due_plans(text) to quota_operator;
grant execute on function quota.due_plans(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.duration_tolerance(r quota.reconciliations, is_coarse boolean)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select case when is_coarse then r.duration_tolerance + 1 else r.duration_tolerance end $function$;
comment on function quota.duration_tolerance(quota.reconciliations,boolean) is 'By how much the durations of a line and its log may differ: one printed in whole seconds may be a second off by that alone.';

CREATE OR REPLACE FUNCTION quota.end_at_pace(p_used numeric, p_adjusted numeric, p_allowance numeric, p_cost numeric, p_cost_limit numeric, p_adjusted_cost numeric, p_start timestamp with time zone, p_end timestamp with time zone, p_at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
AS $function$
declare
  seconds numeric;
begin
  -- Before PostgreSQL 17 nothing can be taken from an infinite end: it is asked for first.
  if not isfinite(p_start) or not isfinite(p_end) or p_end <= p_at
    or quota.is_exhausted(p_used, p_allowance, p_cost, p_cost_limit)
  then
    return null;
  end if;
  -- Resets and corrections change what is left, not how fast it goes.
  seconds := least((p_allowance - p_used) / nullif(greatest(p_used - p_adjusted, 0), 0),
      (p_cost_limit - p_cost) / nullif(greatest(p_cost - coalesce(p_adjusted_cost, 0), 0), 0))
    * quota.passed_seconds(p_start, p_end, p_at);
  return case when seconds < extract(epoch from p_end - p_at)
    then p_at + make_interval(secs => round(seconds)::float8) end;
end $function$;
comment on function quota.end_at_pace(numeric,numeric,numeric,numeric,numeric,numeric,timestamp with time zone,timestamp with time zone,timestamp with time zone) is 'The answer of quota.runs_out_at for whoever may run out: whether anybody may, that function tells.';
grant execute on function quota.end_at_pace(numeric,numeric,numeric,numeric,numeric,numeric,timestamp with time zone,timestamp with time zone,timestamp with time zone) to quota_finance;
grant execute on function quota.end_at_pace(numeric,numeric,numeric,numeric,numeric,numeric,timestamp with time zone,timestamp with time zone,timestamp with time zone) to quota_operator;
grant execute on function quota.end_at_pace(numeric,numeric,numeric,numeric,numeric,numeric,timestamp with time zone,timestamp with time zone,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.end_call(p_call bigint, told quota.told_end)
 RETURNS quota.record_result
 LANGUAGE plpgsql
AS $function$
declare
  session quota.call_logs;
  result quota.record_result;
begin
  perform quota.refuse_impossible(told.duration_seconds, told.cost, told.started_at);
  perform quota.refuse_endless(array[told.status], told.error_message, null);
  if told.duration_seconds > 604800 then
    raise exception 'a call of % seconds is longer than the 7 days that one call may last',
      quota.shown(told.duration_seconds::text) using errcode = 'QT003';
  elsif told.status not in ('completed', 'error') or told.status is null then
    raise exception 'a session ends as "completed" or "error", not "%"', quota.shown(told.status)
      using errcode = 'QT003';
  elsif told.messages < 0 or told.words_spoken < 0 then
    raise exception 'a quantity cannot be negative' using errcode = 'QT003';
  end if;
  if told.quantities is not null then
    told := quota.with_quantities(told, (select l.service from quota.call_logs l where l.id = p_call));
  end if;
  result := quota.settle_call(p_call, told);
  select * into session from quota.call_logs l where l.id = p_call;
  return quota.with_allowance(result, session.user_id, session.service, session.model);
end $function$;
comment on function quota.end_call(bigint,quota.told_end) is 'Settles a call by what is told of its end, and answers what is left. Raises QT003 for what cannot be.';

CREATE OR REPLACE FUNCTION quota.end_jobs(p_source integer, p_keys text[])
 RETURNS void
 LANGUAGE sql
AS $function$
  delete from quota.concurrent_processing c
  where c.id in (select quota.adopted_lease(p_source, k) from unnest(p_keys) k);
  delete from quota.adopt_links l where l.source = p_source and l.key = any (p_keys)
$function$;
comment on function quota.end_jobs(integer,text[]) is 'Jobs whose rows an adopted product has deleted do not run any more.';

CREATE OR REPLACE FUNCTION quota.end_leases()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if tg_op = 'DELETE' then
    delete from quota.concurrent_processing c using old_rows o
    where o.status = 'active' and c.user_id = o.user_id and c.call_log_id = o.id;
    return null;
  end if;
  delete from quota.concurrent_processing c
  using old_rows o join new_rows n on n.id = o.id
  where o.status = 'active' and c.user_id = o.user_id and c.call_log_id = o.id
    and (n.status <> 'active' or n.user_id <> o.user_id or n.service <> o.service);
  update quota.concurrent_processing c set started_at = n.started_at
  from old_rows o join new_rows n on n.id = o.id
  where n.started_at <> o.started_at and o.status = 'active' and c.user_id = o.user_id
    and c.call_log_id = o.id;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.end_session(p_session bigint, p_duration_seconds numeric DEFAULT NULL::numeric, p_cost numeric DEFAULT NULL::numeric, p_words integer DEFAULT NULL::integer, p_messages integer DEFAULT NULL::integer, p_status text DEFAULT 'completed'::text, p_error text DEFAULT NULL::text, p_quantities jsonb DEFAULT NULL::jsonb)
 RETURNS quota.record_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  owner uuid;
begin
  select l.user_id into owner from quota.call_logs l where l.id = p_session;
  -- Whoever speaks for one user learns of a number that is not theirs nothing, not whether it is somebody's.
  perform quota.refuse_other_user(coalesce(owner, '00000000-0000-0000-0000-000000000001'));
  if owner is null then
    raise exception 'unknown session %', p_session using errcode = 'QT003';
  end if;
  return quota.end_call(p_session, (p_status, null, p_duration_seconds, p_messages, p_cost, p_words, p_error,
    null, null, null, null, p_quantities)::quota.told_end);
end $function$;
comment on function quota.end_session(bigint,numeric,numeric,integer,integer,text,text,jsonb) is 'Settles a session: its duration (default: since its start), cost and words; frees what was reserved. Also one that was settled at an estimate because nobody told its end. recorded = false: its end is known already; differs: as something else. p_quantities: what else it used, by unit or meter. action = switch_to_static: nothing is left.';
grant execute on function quota.end_session(bigint,numeric,numeric,integer,integer,text,text,jsonb) to quota_app;
grant execute on function quota.end_session(bigint,numeric,numeric,integer,integer,text,text,jsonb) to quota_operator;

CREATE OR REPLACE FUNCTION quota.end_session(p_user text, p_key text, p_seconds numeric, p_cost numeric DEFAULT NULL::numeric, p_words integer DEFAULT NULL::integer, p_messages integer DEFAULT NULL::integer, p_status text DEFAULT 'completed'::text, p_error text DEFAULT NULL::text, p_provider text DEFAULT NULL::text, p_service text DEFAULT NULL::text, p_quantities jsonb DEFAULT NULL::jsonb)
 RETURNS quota.record_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  owner uuid;
  session bigint;
begin
  select u.id into owner from quota.users u where u.external_id = p_user;
  if owner is null or not quota.is_plain_caller() then
    owner := case when p_service is null then quota.resolve_user(p_user) else quota.user_or_new(p_user) end;
  end if;
  session := quota.find_session(owner, p_key, coalesce(p_provider, p_service));
  if session is not null then
    return quota.end_call(session, (p_status, null, p_seconds, p_messages, p_cost, p_words, p_error,
      null, null, null, null, p_quantities)::quota.told_end);
  elsif p_service is null then
    raise exception 'unknown session "%"', quota.shown(p_key) using errcode = 'QT003',
      hint = 'With p_service an end is recorded also where its start was not told.';
  end if;
  return quota.record(p_user, p_service, p_key, case quota.service_unit(p_service)
      when 'second' then coalesce(p_seconds, (p_quantities->>'seconds')::numeric, 0)
      when 'message' then coalesce(p_messages, (p_quantities->>'messages')::numeric, 1) end, p_provider,
    p_cost => p_cost, p_status => p_status, p_words => p_words, p_error => p_error,
    p_quantities => p_quantities);
end $function$;
comment on function quota.end_session(text,text,numeric,numeric,integer,integer,text,text,text,text,jsonb) is 'The same by the user and the app''s key of the session (or our number). With p_service also where its start was never told: then the end is all there is, and is recorded.';
grant execute on function quota.end_session(text,text,numeric,numeric,integer,integer,text,text,text,text,jsonb) to quota_app;
grant execute on function quota.end_session(text,text,numeric,numeric,integer,integer,text,text,text,text,jsonb) to quota_operator;

CREATE OR REPLACE FUNCTION quota.end_staging(p_source integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  source quota.adopt_sources;
begin
  select * into source from quota.adopt_sources s where s.id = p_source for no key update;
  if source.kind = 'jobs' then
    execute format('insert into quota.adopt_links (source, key)
      select %1$s, t.key from quota_adopt.told_%1$s t on conflict do nothing', p_source);
  end if;
  perform quota.note_told(p_source);
  execute format('truncate quota_adopt.told_%s', p_source);
  update quota.adopt_sources s set staged = null, staged_to = null where s.id = p_source;
end $function$;
comment on function quota.end_staging(integer) is 'Lets a source in another database be followed, once a backfill was through what it has copied.';

CREATE OR REPLACE FUNCTION quota.enforce(quotas quota.usage_quotas[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  limited_users uuid[];
  limited_services text[];
  limited_since timestamptz[];
  freed_users uuid[];
  freed_services text[];
begin
  perform quota.sync_alerts(quotas);

  with marked as (
    update quota.usage_quotas q
    set alerted = quota.highest_reached(c),
      exhausted_at = case when e.exhausted then coalesce(c.exhausted_at, (
        select x.at from quota.crossings(c, '{100}') x)) end
    from unnest(quotas) c
    cross join lateral quota.is_exhausted(
      c.used, c.limit_quantity + c.granted, c.cost, c.cost_limit) e(exhausted)
    where q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
      and (e.exhausted = (c.exhausted_at is null) or c.alerted is distinct from quota.highest_reached(c))
    returning q.user_id, q.meter, q.on_exceeded, q.exhausted_at, c.exhausted_at as exhausted_before
  ), limited as (
    select k.user_id, m.service, min(k.exhausted_at) as since
    from marked k join quota.meters m on m.key = k.meter
    where k.on_exceeded = 'limit_assistants' and k.exhausted_before is null and k.exhausted_at is not null
      and not quota.in_shadow(m.service)
    group by k.user_id, m.service
  )
  select array_agg(l.user_id), array_agg(l.service), array_agg(l.since)
  into limited_users, limited_services, limited_since
  from limited l;
  select array_agg(q.user_id), array_agg(m.service) into freed_users, freed_services
  from unnest(quotas) q join quota.meters m on m.key = q.meter
  where q.on_exceeded = 'limit_assistants' and q.exhausted_at is not null
    and not quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
    and not exists (
      select 1 from quota.usage_quotas o join quota.meters om on om.key = o.meter
      where o.user_id = q.user_id and om.service = m.service and o.on_exceeded = 'limit_assistants'
        and not o.superseded and o.exhausted_at is not null
        and quota.contains(o, quota.now()));
  if limited_users is not null and freed_users is not null then
    perform quota.hold_assistants(limited_users || freed_users);
  end if;
  if limited_users is not null then
    perform quota.mark_limited(limited_users, limited_services, true, limited_since);
  end if;
  if freed_users is not null then
    perform quota.mark_limited(freed_users, freed_services, false);
  end if;
end $function$;
comment on function quota.enforce(quota.usage_quotas[]) is 'Raises alerts, marks and unmarks exhaustion and queues provider limits for quotas of the running period, given as they stand. Each is dated by the call that crossed.';

CREATE OR REPLACE FUNCTION quota.enforce_limits(batch_size integer, run uuid DEFAULT NULL::uuid, only_user uuid DEFAULT NULL::uuid, reason text DEFAULT 'over the allowance'::text, OUT users uuid[], OUT services text[])
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  fresh quota.usage_quotas[];
begin
  perform quota.refuse_other_users(array[only_user]);
  -- Those that a writer or a reset holds are left to it: it enforces what it writes.
  select array_agg(o.user_id), array_agg(o.service) into users, services
  from (
    select s.user_id, s.service
    from quota.subscriptions s
    where s.limit_enforced_at is null and (only_user is null or s.user_id = only_user)
      and exists (
        select 1 from quota.usage_quotas q join quota.meters m on m.key = q.meter
        where q.user_id = s.user_id and m.service = s.service and quota.calls_for_limit(q))
    order by s.user_id, s.service
    limit batch_size
    for no key update skip locked
  ) o;
  if users is null then
    return;
  end if;

  -- Read again under the lock. Usage that was not of the running period when it was logged has marked nothing
  -- exhausted (R9): that is made up for here.
  select array_agg(q order by q.user_id, q.meter) filter (where q.exhausted_at is null) into fresh
  from quota.usage_quotas q join quota.meters m on m.key = q.meter
  where (q.user_id, m.service) in (select * from unnest(users, services)) and quota.calls_for_limit(q);
  select array_agg(o.user_id order by o.user_id, o.service),
    array_agg(o.service order by o.user_id, o.service)
  into users, services
  from (
    select distinct q.user_id, m.service
    from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where (q.user_id, m.service) in (select * from unnest(users, services)) and quota.calls_for_limit(q)
  ) o;
  if users is null then
    return;
  end if;
  perform quota.hold_assistants(enforce_limits.users);
  -- Limited as of now: also those whose limit was lifted by hand, which are marked exhausted already.
  perform quota.mark_limited(users, services, true);
  if fresh is not null then
    perform quota.enforce(fresh);
  end if;
  insert into quota.audit_log (action, user_id, service, run_id, reason)
  select 'limit.enforced', o.user_id, o.service, run, enforce_limits.reason
  from unnest(users, services) o(user_id, service);
end $function$;
comment on function quota.enforce_limits(integer,uuid,uuid,text) is 'Limits up to batch_size users who are over their allowance and not limited; returns who they were, null when none was left.';
grant execute on function quota.enforce_limits(integer,uuid,uuid,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.ensure_user(p_user text, p_email text DEFAULT NULL::text, p_name text DEFAULT NULL::text, p_signup_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_timezone text DEFAULT NULL::text, OUT user_id uuid, OUT external_id text, OUT created boolean, OUT changed boolean)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_unfit_name(p_user);
  perform quota.refuse_unfit_person(p_email, p_name, p_signup_at, p_timezone);
  user_id := quota.find_user(p_user);
  if user_id is null then
    perform quota.refuse_other_name(p_user);
  else
    perform quota.refuse_other_user(user_id);
  end if;
  if (p_signup_at is not null or p_timezone is not null) and (quota.caller()).speaks_for <> 'all' then
    raise exception 'signup and time zone, which cut the periods, are told by the app, not by a user'
      using errcode = 'QT006';
  end if;
  changed := false;
  if user_id is null then
    user_id := quota.add_user(p_user, p_signup_at, p_timezone);
    created := user_id is not null;
  end if;
  if user_id is null then
    user_id := quota.resolve_user(p_user);
  end if;
  created := coalesce(created, false);
  if exists (select from quota.users u where u.id = user_id and u.erased_at is not null) then
    raise exception 'the user "%" was erased: nothing about the person is taken any more', quota.shown(p_user)
      using errcode = 'QT001';
  end if;
  if created then
    update quota.users u set email = p_email, name = p_name
    where u.id = user_id and (p_email is not null or p_name is not null);
  else
    changed := quota.update_person(user_id, p_email, p_name, p_signup_at, p_timezone);
  end if;
  select u.external_id into external_id from quota.users u where u.id = user_id;
end $function$;
comment on function quota.ensure_user(text,text,text,timestamp with time zone,text) is 'Makes a user, or brings what is known of one up to date; what is null stays. A signup or a zone that changes cuts the periods anew, and gives no allowance twice.';
grant execute on function quota.ensure_user(text,text,text,timestamp with time zone,text) to quota_app;
grant execute on function quota.ensure_user(text,text,text,timestamp with time zone,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.erase_mentions(p_pattern text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if p_pattern is null then
    return;
  end if;
  delete from quota.audit_reasons r where r.reason ~* p_pattern;
  update quota.grants g set reason = 'erased' where g.reason ~* p_pattern;
  update quota.grants g set revoke_reason = 'erased' where g.revoke_reason ~* p_pattern;
  update quota.adjustments a set reason = 'erased' where a.reason ~* p_pattern;
  update quota.limit_overrides o set reason = null where o.reason ~* p_pattern;
  update quota.plan_versions v set reason = 'erased' where v.reason ~* p_pattern;
  update quota.discrepancies d set reason = 'erased' where d.reason ~* p_pattern;
  update quota.reconciliations r set close_reason = 'erased' where r.close_reason ~* p_pattern;
  update quota.job_runs j set error = 'erased' where j.error ~* p_pattern;
  delete from quota.adopt_dead d where d.reason ~* p_pattern or d.told::text ~* p_pattern;
  update quota.adopt_sources s set follow_error = 'erased' where s.follow_error ~* p_pattern;
  update quota.adopt_mirrors m set error = 'erased' where m.error ~* p_pattern;
  update quota.billing_lines b set raw = null, description = null
  where b.description ~* p_pattern or b.raw::text ~* p_pattern;
end $function$;
comment on function quota.erase_mentions(text) is 'Takes out free text of others, of months, plans and runs that has the words of a pattern in it.';

CREATE OR REPLACE FUNCTION quota.erase_moved(p_user uuid, p_pattern text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.erase_mentions(p_pattern);
  perform quota.erase_mentions(quota.naming_pattern(p_user));
  perform quota.erase_reasons(p_user);
  insert into quota.erased_names (digest)
  select m.digest from quota.moved_users m where m.user_id = p_user
  on conflict do nothing;
  delete from quota.audit_personal p where p.user_id = p_user;
  delete from quota.arriving_users a where a.user_id = p_user;
end $function$;
comment on function quota.erase_moved(uuid,text) is 'Takes out of a shard what it still has of a person who is in another one: what lies beside the history, reasons, and text with words of a pattern.';

CREATE OR REPLACE FUNCTION quota.erase_reasons(p_user uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update quota.grants g
  set reason = 'erased', revoke_reason = case when g.revoke_reason is not null then 'erased' end
  where g.user_id = p_user;
  update quota.adjustments a set reason = 'erased' where a.user_id = p_user and a.reason <> 'erased';
  update quota.limit_overrides o set reason = null where o.user_id = p_user and o.reason is not null;
  -- One reason may have been given for the discrepancies of several people.
  delete from quota.audit_reasons r
  using quota.audit_log a
  where a.id = r.audit_id and a.action = 'discrepancy.resolve'
    and a.after->'ids' ?| (
      select array_agg(d.id::text) from quota.discrepancies d
      where (d.user_id = p_user or d.owner_id = p_user) and d.reason is not null);
  update quota.discrepancies d set reason = 'erased'
  where (d.user_id = p_user or d.owner_id = p_user) and d.reason is not null;
  delete from quota.audit_reasons r where r.user_id = p_user;
end $function$;
comment on function quota.erase_reasons(uuid) is 'Reasons are free text: whatever was said about a user goes, and that something was said stays.';

CREATE OR REPLACE FUNCTION quota.erase_user(p_user uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.erase_mentions(quota.naming_pattern(p_user));
  perform quota.erase_reasons(p_user);
  insert into quota.erased_names (digest)
  select encode(sha256(convert_to(u.external_id, 'UTF8')), 'hex') from quota.users u
  where u.id = p_user and u.erased_at is null
  on conflict do nothing;
  update quota.users u
  set external_id = 'erased-' || u.id, email = null, name = null,
    erased_at = coalesce(u.erased_at, quota.now())
  where u.id = p_user;
  update quota.call_logs l set metadata = null, error_message = null
  where l.user_id = p_user and (l.metadata is not null or l.error_message is not null);
  update quota.assistants a set name = null, numbers = '{}'
  where a.user_id = p_user and (a.name is not null or a.numbers <> '{}');
  update quota.billing_lines b set raw = null, description = null
  where (b.raw is not null or b.description is not null) and (
    b.external_id in (select l.provider_call_id from quota.call_logs l where l.user_id = p_user)
    or b.assistant_id in (select a.provider_assistant_id from quota.assistants a where a.user_id = p_user));
  -- What an assistant that is limited had before stays until it is restored, which takes it away.
  update quota.assistant_limits l
  set last_error = null, original = case when l.status <> 'gone' then l.original end,
    applied = case when l.status <> 'gone' then l.applied end,
    made = case when l.status <> 'gone' then l.made else '[]' end,
    doubtful = case when l.status <> 'gone' then l.doubtful else '{}' end
  where l.user_id = p_user and (
    l.last_error is not null or l.original is not null or l.applied is not null or l.made <> '[]'
    or l.doubtful <> '{}');
  update quota.alert_deliveries d set last_error = null
  where d.user_id = p_user and d.last_error is not null;
  delete from quota.assistant_originals o where o.user_id = p_user;
  delete from quota.audit_personal p where p.user_id = p_user;
end $function$;
comment on function quota.erase_user(uuid) is 'Takes the person out and leaves the facts: usage, costs, resets and reconciliations stay, under an id that names nobody. Reasons about the person go, and what else has words of the person in it.';

CREATE OR REPLACE FUNCTION quota.estimated_of(p_user uuid, p_meter text, p_from timestamp with time zone, p_to timestamp with time zone)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce(sum(quota.quantity_of(m.unit, m.measure, l.status, l.duration_seconds, l.messages,
    l.file_size_bytes, l.quantities)), 0)
  from quota.meter_terms m
  join quota.call_logs l on l.service = m.service and quota.counts_model(m.models, m.patterns, l.model)
  where m.key = p_meter and p_to > m.since and p_to <= m.until
    and l.user_id = p_user and l.started_at >= p_from and l.started_at < p_to
    and l.settled_by in ('nobody', 'reservation', 'heartbeat')
$function$;
comment on function quota.estimated_of(uuid,text,timestamp with time zone,timestamp with time zone) is 'The part of what a user used of a meter in a period that is an estimate.';
grant execute on function quota.estimated_of(uuid,text,timestamp with time zone,timestamp with time zone) to quota_finance;
grant execute on function quota.estimated_of(uuid,text,timestamp with time zone,timestamp with time zone) to quota_operator;
grant execute on function quota.estimated_of(uuid,text,timestamp with time zone,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.expected_costs(reconciliation uuid)
 RETURNS TABLE(name text, unit text, note text, price numeric, logs bigint, logged_seconds numeric, expected numeric, lines bigint, billed_seconds numeric, by_bill_durations numeric, billed numeric)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET work_mem TO '128MB'
 SET jit TO 'off'
 SET enable_sort TO 'off'
AS $function$
declare
  r quota.reconciliations;
  exports integer[];
  beside bigint[];
  currency text;
  c quota.rate_cards;
begin
  perform quota.refuse_other_users(null);
  select * into r from quota.reconciliations where id = reconciliation;
  exports := array(
    select x.export_id from quota.reconciliation_exports x where x.reconciliation_id = r.id order by 1);
  -- Billed before, of another month, or not to be charged by time: few as a rule.
  beside := array(
    select quota.line_key(i.export_id, i.line) from quota.reconciliation_items i
    where i.reconciliation_id = r.id
      and i.kind in ('outside_month', 'duplicate_line', 'not_connected', 'unsettled', 'fee')
      and i.export_id is not null);
  -- Prices in one currency say nothing of a bill in another.
  select min(e.currency) into currency from quota.billing_exports e where e.id = any (exports);
  for c in
    select k.* from quota.rate_cards k
    where k.provider = r.provider and (k.unit !~ '^[A-Z]{3}$' or k.unit = coalesce(currency, k.unit))
    order by k.name
  loop
    -- A query for each card, planned for its values: what it does not ask for costs nothing. Calls of equal
    -- time cost the same, so a price is worked out and rounded once for each time, not for each of a million
    -- calls.
    return query
    select c.name, c.unit, c.note, c.price, g.logs, g.seconds, g.expected, b.lines, b.seconds,
      b.by_bill_durations, b.billed
    from (
      select coalesce(sum(t.calls), 0)::bigint as logs, sum(t.calls * t.seconds) as seconds,
        coalesce(sum(t.calls * round(t.seconds * c.price / 60, 6)), 0) as expected
      from (
        select quota.billable_seconds(o.duration_seconds, c) as seconds, count(*) as calls
        from quota.charged_logs(r, exports, beside, c) o where o.duration_seconds is not null group by 1) t
    ) g
    cross join (
      select coalesce(sum(t.calls), 0)::bigint as lines, sum(t.calls * t.seconds) as seconds,
        sum(t.calls * round(t.seconds * c.price / 60, 6)) as by_bill_durations, sum(t.billed) as billed
      from (
        select quota.billable_seconds(l.duration_seconds, c) as seconds, count(*) as calls,
          sum(case
            when c.compares = 'cost' then l.cost
            when c.compares = 'quantity' then l.quantity
            when c.compares like 'breakdown.%'
              then (l.raw #>> array['costBreakdown', split_part(c.compares, '.', 2)])::numeric
          end) as billed
        from quota.charged_lines(r, exports, beside, c) l group by 1) t
    ) b;
  end loop;
end $function$;
comment on function quota.expected_costs(uuid) is 'Per rate card: what the logs of the month should have cost, what the bill''s own durations should have, and what was billed; the seconds are those that the card charges for, the price is per minute.';
grant execute on function quota.expected_costs(uuid) to quota_finance;
grant execute on function quota.expected_costs(uuid) to quota_operator;
grant execute on function quota.expected_costs(uuid) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.extend_lease(p_call quota.call_logs, p_progress numeric, p_grace interval DEFAULT NULL::interval)
 RETURNS quota.touch_result
 LANGUAGE plpgsql
AS $function$
declare
  lease quota.concurrent_processing;
  is_start constant boolean := p_grace is not null;
  is_live boolean := quota.is_live(p_call.service);
  room quota.session_room;
  result quota.touch_result;
begin
  select * into lease from quota.concurrent_processing c
  where c.user_id = p_call.user_id and c.call_log_id = p_call.id;
  if p_call.status <> 'active' then
    -- It was given up too early: what it was taken to have used is told by itself again.
    update quota.call_logs l
    set status = 'active', duration_seconds = null, messages = null, ended_at = null, error_message = null,
      quantities = l.quantities - (quota.service_unit(l.service) || 's'), settled_by = null
    where l.id = p_call.id;
  end if;
  perform quota.lock_allowance(p_call.user_id, p_call.service);
  if lease.id is null then
    -- Of what it was given what it was taken to have used is all that is known.
    insert into quota.concurrent_processing
      (user_id, service, call_log_id, started_at, expires_at, progress, reserved, cap)
    values (p_call.user_id, p_call.service, p_call.id, p_call.started_at, quota.now(),
      case p_call.settled_by when 'heartbeat' then quota.told_quantity(p_call) end,
      coalesce(quota.told_quantity(p_call), 0), quota.told_quantity(p_call))
    returning * into lease;
  end if;
  if not is_start then
    -- Signs of life come late, too: the one that tells most is the last.
    lease.progress := greatest(lease.progress, coalesce(p_progress, case when is_live
      then round(greatest(extract(epoch from quota.now() - p_call.started_at), 0), 3) end));
  end if;
  update quota.concurrent_processing c set progress = lease.progress
  where c.user_id = lease.user_id and c.id = lease.id;
  room := quota.session_room(p_call, lease.estimate, lease.cap, coalesce(lease.progress, 0));
  result.running := true;
  result.session_id := p_call.id;
  result.status := 'active';
  result.progress := lease.progress;
  result.remaining := room.remaining;
  result.cap_seconds := room.cap;
  result.ends_at := case when is_live and room.cap is not null then greatest(quota.now()
    + make_interval(secs => (room.cap - coalesce(lease.progress, 0))::float8), quota.now()) end;
  result.expires_at := quota.now() + case when is_start and is_live and lease.progress is null
    then quota.first_lease(room.cap, p_grace) else quota.lease_length(p_call.user_id, p_call.service) end;
  if room.remaining = 0 or is_live and room.cap <= lease.progress then
    result.action := case room.on_exceeded when 'static_fallback' then 'switch_to_static'
      when 'limit_assistants' then 'limit_assistants' else 'block' end;
  end if;
  result.is_estimate := false;
  result.cost := room.cost;
  result.cost_limit := room.cost_limit;
  update quota.concurrent_processing c
  set cap = room.cap, expires_at = result.expires_at,
    -- Of what nothing was told, it will be settled at what it holds: a start told again holds no less.
    reserved = greatest(coalesce(room.cap, 0), coalesce(lease.progress, case when is_start
      then lease.reserved end, 0)),
    touched_at = case when is_start then c.touched_at else quota.now() end
  where c.user_id = lease.user_id and c.id = lease.id;
  return result;
end $function$;
comment on function quota.extend_lease(quota.call_logs,numeric,interval) is 'A sign of life of a session that the caller holds: extends its lease, makes one where there is none, keeps the progress, and fits what it has reserved to what is left. p_grace: it is its start that is told again, which says nothing of what is used.';

CREATE OR REPLACE FUNCTION quota.facts_of_users()
 RETURNS TABLE(user_id uuid, facts bigint)
 LANGUAGE sql
 STABLE
AS $function$
  select u.id, coalesce(c.count, 0) + coalesce(q.count, 0) + coalesce(j.count, 0) + coalesce(g.count, 0)
    + coalesce(a.count, 0)
  from quota.users u
  left join (select user_id, count(*) from quota.call_logs group by user_id) c on c.user_id = u.id
  left join (select user_id, count(*) from quota.usage_quotas group by user_id) q on q.user_id = u.id
  left join (select user_id, count(*) from quota.adjustments group by user_id) j on j.user_id = u.id
  left join (select user_id, count(*) from quota.grants group by user_id) g on g.user_id = u.id
  left join (select user_id, count(*) from quota.usage_alerts group by user_id) a on a.user_id = u.id
$function$;
comment on function quota.facts_of_users() is 'How many calls, quotas, adjustments, grants and alerts each user has, together.';
grant execute on function quota.facts_of_users() to quota_finance;
grant execute on function quota.facts_of_users() to quota_operator;
grant execute on function quota.facts_of_users() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.features(p_user text, p_service text DEFAULT NULL::text)
 RETURNS TABLE(service text, plan text, features jsonb)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select s.service, p.key, p.features
  from quota.user_or_newcomer(p_user) o(id)
  cross join lateral quota.services_of(o.id, p_service) s
  join quota.plans p on p.key = s.plan
  where quota.refuse_unknown_service(p_service)
  order by s.service
$function$;
comment on function quota.features(text,text) is 'What else the plans of a user include, by service: an object of names with true, false, numbers or texts; also before the first call.';
grant execute on function quota.features(text,text) to quota_app;
grant execute on function quota.features(text,text) to quota_finance;
grant execute on function quota.features(text,text) to quota_operator;
grant execute on function quota.features(text,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.find_discrepancies()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.differing_items, pg_temp.computed_discrepancies;
  create temp table differing_items on commit drop as
  select * from pg_temp.computed_rows c
  where c.kind not in ('matched', 'not_connected', 'outside_month', 'fee');
  analyze pg_temp.differing_items;

  -- The subject names the call, not the place in a file: a newer export of the month keeps what was resolved.
  create temp table computed_discrepancies on commit drop as
  select x.*, case when x.occurrence > 1 then x.about || ' #' || x.occurrence else x.about end as subject
  from (
    select y.*, row_number() over (
      partition by y.kind, y.about order by y.billed, y.export_id, y.line, y.log_id) as occurrence
    from (
      select x.*, coalesce(
        'call ' || x.external_id, 'line ' || x.export_id || ':' || x.line, 'log ' || x.log_id,
        concat_ws(' ', 'day', x.day, x.model)) as about
      from (
    select c.kind, c.export_id, c.line, c.log_id, c.day, c.model,
      coalesce(l.external_id, g.provider_call_id) as external_id,
      coalesce(g.user_id, a.user_id) as user_id, a.user_id as owner_id,
      coalesce(l.assistant_id, g.assistant_id) as assistant_id,
      coalesce(l.started_at, l.created_at, g.started_at, c.day::timestamp at time zone 'UTC') as started_at,
      coalesce(l.duration_seconds, d.billed_seconds) as billed_seconds,
      coalesce(g.duration_seconds, d.logged_seconds) as logged_seconds,
      d.billed_quantity, d.logged_quantity, c.billed, c.logged
    from pg_temp.differing_items c
    left join pg_temp.loose_lines l on l.export_id = c.export_id and l.line = c.line
    -- By an array of numbers, so that logs of shards are asked for these alone.
    left join (
      select * from quota.call_logs
      where id = any (array(select d.log_id from pg_temp.differing_items d where d.log_id is not null))
    ) g on g.id = c.log_id
    left join quota.assistants a on a.provider_assistant_id = l.assistant_id
    left join pg_temp.computed_days d on d.day = c.day and coalesce(d.model, '') = coalesce(c.model, '')
      and c.export_id is null
      ) x
    ) y
  ) x;
  analyze pg_temp.computed_discrepancies;
end $function$;
comment on function quota.find_discrepancies() is 'Makes the temporary table computed_discrepancies: what of computed_rows does not fit, with what is known about it.';

CREATE OR REPLACE FUNCTION quota.find_repeated_logs()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.repeated_logs;
  -- Nearly all have one line. Sixty-four logs are a bit each of one number: so the few numbers are found of
  -- which a log has more, and only those are counted one by one.
  create temp table repeated_logs on commit drop as
  with crowded as (
    select p.log_id >> 6 as block
    from pg_temp.computed_plain p where p.export_id is not null and p.log_id is not null
    group by 1 having count(*) > bit_count(bit_or(1::bigint << (p.log_id & 63)::integer)::bit(64))
  )
  select p.log_id
  from pg_temp.computed_plain p where p.export_id is not null and p.log_id >> 6 in (select block from crowded)
  group by 1 having count(*) > 1;
end $function$;
comment on function quota.find_repeated_logs() is 'Makes the temporary table repeated_logs: the logs that several lines have.';

CREATE OR REPLACE FUNCTION quota.find_session(p_user uuid, p_key text, p_provider text)
 RETURNS bigint
 LANGUAGE sql
 STABLE
AS $function$
  -- The likeliest place first; each costs only when the one before has nothing.
  select coalesce(
    (select l.id
      from quota.concurrent_processing c join quota.call_logs l on l.id = c.call_log_id
      where c.user_id = p_user and l.provider_call_id = p_key
        and l.provider = coalesce(p_provider, l.provider)
      order by l.id desc limit 1),
    (select l.id from quota.call_logs l
      where l.provider = any (case when p_provider is not null then array[p_provider]
          else array(select distinct m.service from quota.meters m) end)
        and l.provider_call_id = p_key and l.user_id = p_user
      order by l.started_at desc limit 1),
    (select l.id from quota.call_logs l
      where p_provider is null and l.user_id = p_user and l.provider_call_id = p_key
      order by l.started_at desc limit 1),
    (select l.id from quota.call_logs l
      where l.id = case when p_key ~ '^[0-9]{1,18}$' then p_key::bigint end and l.user_id = p_user))
$function$;
comment on function quota.find_session(uuid,text,text) is 'The call of a user by the app''s key (of any provider where none is named), or by our number; null: there is none.';

CREATE OR REPLACE FUNCTION quota.find_user(p_user text)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  found_id uuid;
begin
  select u.id into found_id from quota.users u where u.external_id = p_user;
  if found_id is null and p_user ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
    select u.id into found_id from quota.users u where u.id = p_user::uuid;
  end if;
  return found_id;
end $function$;
comment on function quota.find_user(text) is 'The id of the user with this external id, else with this id; null: there is none.';

CREATE OR REPLACE FUNCTION quota.first_lease(p_cap numeric, p_grace interval)
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select make_interval(secs => coalesce(p_cap, 86400)::float8) + coalesce(p_grace, '5 minutes')
$function$;
comment on function quota.first_lease(numeric,interval) is 'How long a session whose seconds pass in real time is taken to be alive from its start on, before it gives a sign of life: as long as what it may use, null: a day, and a grace. Inlined.';

CREATE OR REPLACE FUNCTION quota.fit_call_partition(p_name text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  execute format('create unique index %1$I on quota.%2$I (provider, provider_call_id)
    where provider_call_id is not null', p_name || '_provider_call', p_name);
  execute format('create unique index %1$I on quota.%2$I (import_key) where import_key is not null',
    p_name || '_import_key', p_name);
  -- It is read through quota.call_logs, by the policies and rights of that: itself it shows nobody anything.
  execute format('alter table quota.%I enable row level security', p_name);
end $function$;
comment on function quota.fit_call_partition(text) is 'Gives a partition of call_logs what only it can have: unique keys within it, and no door of its own.';

CREATE OR REPLACE FUNCTION quota.fit_periods(users uuid[], services text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update quota.usage_quotas q
  set closed_at = quota.now(), used_at_close = q.used, superseded = true
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  where q.user_id = u.user_id and q.meter = m.key and q.closed_at is null and not quota.fits_subscription(q);

  update quota.usage_quotas q
  set superseded = false, lowered_at = quota.now(),
    closed_at = case when q.period_end <= s.last_reset_at then q.closed_at end,
    used_at_close = case when q.period_end <= s.last_reset_at then q.used_at_close end
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  join quota.subscriptions s on s.user_id = u.user_id and s.service = u.service
  where q.user_id = u.user_id and q.meter = m.key and q.superseded and quota.fits_subscription(q);
end $function$;
comment on function quota.fit_periods(uuid[],text[]) is 'Ends the open periods of (user, service) pairs that their present plan, anchor and zone would not have cut this way; those of a plan that came back live again. For refresh_quotas.';

CREATE OR REPLACE FUNCTION quota.fit_status(p_status text, p_file_bytes bigint, p_words integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
  if p_status not in ('active', 'completed', 'error') then
    raise exception 'a call is "active", "completed" or "error", not "%"', quota.shown(p_status)
      using errcode = 'QT003';
  elsif least(p_file_bytes, p_words) < 0 then
    raise exception 'neither the bytes of a file nor words can be negative: %', least(p_file_bytes, p_words)
      using errcode = 'QT003';
  end if;
  return coalesce(p_status, 'completed');
end $function$;
comment on function quota.fit_status(text,bigint,integer) is 'The status of a call as it is kept: completed, where none is told. Raises QT003 on a word that is none, and on negative sizes.';

CREATE OR REPLACE FUNCTION quota.fits_subscription(q quota.usage_quotas)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select exists (
    select 1
    from quota.meters m
    join quota.subscriptions s on s.user_id = q.user_id and s.service = m.service
    join quota.plan_limits l on l.plan = s.plan and l.meter = m.key
    where m.key = q.meter
      and tstzrange(q.period_start, q.period_end, '[)') = quota.period_at(
        quota.limit_anchor(l.reset_anchor, l.boundary, s.anchor_local), l.reset_every, s.timezone,
        case when isfinite(q.period_start) then q.period_start else quota.now() end))
$function$;
comment on function quota.fits_subscription(quota.usage_quotas) is 'Whether the user''s present plan, anchor and zone cut time into this very period.';

CREATE OR REPLACE FUNCTION quota.fold_parts(export integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(null);
  drop table if exists pg_temp.call_parts, pg_temp.long_resources;
  create temp table call_parts on commit drop as
  select l.*, row_number() over (
    partition by l.external_id, l.charge, l.started_at, l.ended_at, l.cost, l.quantity, l.invoice_month
    order by l.line) as copy
  from quota.billing_lines l
  where l.export_id = export and l.kind = 'call' and l.external_id in (
    select external_id from quota.billing_lines where export_id = export and kind = 'call'
    group by 1 having count(*) > 1);
  create temp table long_resources on commit drop as
  select p.external_id from pg_temp.call_parts p
  group by 1 having max(p.ended_at) - min(p.started_at) > interval '1 day';
  delete from quota.billing_lines l using pg_temp.call_parts p where l.export_id = export and l.line = p.line;

  -- What runs for days is no call: its rows are sums of their days.
  insert into quota.billing_lines (
    export_id, line, kind, assistant_id, model, started_at, ended_at, duration_seconds, quantity,
    unit, cost, description, day, raw, charge, invoice_month)
  select p.export_id, p.line, 'aggregate', p.external_id, p.model, p.started_at, p.ended_at,
    case when p.unit ~ '^(second|minute|hour)s?$' then p.duration_seconds end, p.quantity, p.unit, p.cost,
      p.description,
    (p.started_at at time zone 'UTC')::date, p.raw, p.charge, p.invoice_month
  from pg_temp.call_parts p where p.external_id in (select external_id from pg_temp.long_resources);
  delete from pg_temp.call_parts p where p.external_id in (select external_id from pg_temp.long_resources);

  insert into quota.billing_lines (
    export_id, line, kind, external_id, model, status, started_at, ended_at, duration_seconds,
    quantity, unit, cost, description, raw, charge, invoice_month)
  select p.export_id, p.line, 'call', p.external_id, p.model, 'repeated', p.started_at, p.ended_at,
    p.duration_seconds,
    p.quantity, p.unit, p.cost, p.description, p.raw, p.charge, p.invoice_month
  from pg_temp.call_parts p where p.copy > 1;
  -- What is on another invoice is a line of its own, of the same call: it follows the first
  -- (quota.mark_parts), which alone says how long the call was.
  insert into quota.billing_lines (
    export_id, line, kind, external_id, model, status, started_at, ended_at, duration_seconds, cost,
    description, raw, charge, invoice_month)
  select export, min(p.line), 'call', p.external_id, c.model, 'ended', c.started_at, c.ended_at,
    case when min(p.line) = c.line then c.duration_seconds end,
    sum(p.cost), (array_agg(p.description order by p.line))[1],
    json_build_object('parts', json_agg(json_build_object(
      'line', p.line, 'sku', p.charge::json ->> 'sku', 'quantity', p.quantity,
      'unit', p.unit, 'cost', p.cost) order by p.line)),
    (jsonb_agg(distinct quota.part_key(p.charge, p.started_at, p.ended_at, p.invoice_month)))::text,
    p.invoice_month
  from pg_temp.call_parts p
  join (
    select w.external_id, min(w.line) as line, min(w.started_at) as started_at, max(w.ended_at) as ended_at,
      case when count(distinct w.model) = 1 then min(w.model) end as model,
      -- A part that is metered in time says how long the call was; the others only when.
      coalesce(max(w.duration_seconds) filter (where w.unit ~ '^seconds?$'),
        max(w.duration_seconds) filter (where w.unit ~ '^(minute|hour)s?$'), max(w.duration_seconds))
        as duration_seconds
    from pg_temp.call_parts w where w.copy = 1 group by w.external_id
  ) c using (external_id)
  where p.copy = 1
  group by p.external_id, p.invoice_month, c.line, c.model, c.started_at, c.ended_at, c.duration_seconds;
  return (select count(*) from quota.billing_lines l where l.export_id = export and l.kind = 'call');
end $function$;
comment on function quota.fold_parts(integer) is 'Makes one line of the rows that state one call by its parts (a row per meter of FOCUS), for each invoice that has some, in an export that no month has yet; how many such lines it has.';
grant execute on function quota.fold_parts(integer) to quota_finance;

CREATE OR REPLACE FUNCTION quota.follows_in_cache(p_meter text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  perform 1 from quota.cache_templates t where t.meter = p_meter;
  return found;
end $function$;
comment on function quota.follows_in_cache(text) is 'Whether keys under the app''s own names hold what is used of a meter.';
grant execute on function quota.follows_in_cache(text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.forecast_costs(p_service text DEFAULT NULL::text)
 RETURNS TABLE(month date, service text, plan text, calls bigint, cost numeric, forecast numeric)
 LANGUAGE sql
 STABLE
AS $function$
  with clock as (select quota.now() as at, date_trunc('month', quota.now() at time zone 'UTC') as first),
  month as (
    select c.at, c.first::date as day, c.first at time zone 'UTC' as starts,
      (c.first + interval '1 month') at time zone 'UTC' as ends
    from clock c
  ), by_plan as materialized (
    select u.service, u.plan, sum(u.calls)::bigint as calls, sum(u.cost) as cost
    from month m
    cross join lateral quota.usage_by_plan(m.day, quota.day_of(m.at), p_service) u
    group by u.service, u.plan
  ), spent as (
    select b.service, b.plan, false as is_total, b.calls, b.cost from by_plan b
    union all
    select null, null, true, coalesce(sum(b.calls), 0)::bigint, coalesce(sum(b.cost), 0) from by_plan b
  )
  select m.day, s.service, s.plan, s.calls, s.cost,
    round(s.cost + s.cost * extract(epoch from m.ends - m.at)
      / quota.pace_seconds(s.calls, m.starts, m.ends), 6)
  from month m
  cross join spent s
  order by s.is_total desc, s.cost desc, s.service, s.plan
$function$;
comment on function quota.forecast_costs(text) is 'What the calls of the running month (UTC) cost so far, and will have cost at its end at this pace (see quota.pace_seconds; null: nothing can be said yet): all in all first, without a service, then per plan.';
grant execute on function quota.forecast_costs(text) to quota_finance;
grant execute on function quota.forecast_costs(text) to quota_operator;
grant execute on function quota.forecast_costs(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.forecast_quotas(p_service text DEFAULT NULL::text)
 RETURNS TABLE(user_id uuid, external_id text, service text, plan text, meter text, unit text, used numeric, allowance numeric, cost numeric, cost_limit numeric, percent numeric, period_end timestamp with time zone, per_day numeric, runs_out_at timestamp with time zone, by_cost boolean)
 LANGUAGE sql
 STABLE
 SET enable_nestloop TO 'off'
AS $function$
  with clock as materialized (select quota.now() as at),
  promising as materialized (
    -- What is cheap sorts nearly all quotas out before anything is joined. A pace is that of a thirtieth of
    -- the period at least: whoever has thirty times left of what was used does not run out before the end,
    -- whenever that is (one more, as seconds are rounded). Money may have been corrected, and has no such
    -- bound before its corrections are known.
    select q.user_id, q.meter, q.period_start, q.period_end, q.used, q.adjusted, q.cost, q.cost_limit,
      q.limit_quantity + q.granted as allowance, isfinite(q.period_start) as is_period
    from quota.usage_quotas q
    where not q.superseded and q.exhausted_at is null and q.calls > 0
      and q.period_start <= (select c.at from clock c) and q.period_end > (select c.at from clock c)
      and (not isfinite(q.period_start)
        or q.calls >= 5 and isfinite(q.period_end)
          and (q.cost_limit is not null
            or q.limit_quantity + q.granted - q.used < 31 * (q.used - q.adjusted)))
  ), running as materialized (
    select p.*, s.service, s.plan, m.unit, m.models, clock.at,
      -- As quota.pace_seconds tells it.
      case when p.is_period
        then quota.passed_seconds(p.period_start, p.period_end, clock.at) / 86400 end as days
    from promising p
    cross join clock
    join quota.meters m on m.key = p.meter
    join quota.subscriptions s on s.user_id = p.user_id and s.service = m.service
    where p_service is null or s.service = p_service
  ), lifetimes as (
    -- A lifetime has no pace: its last thirty days have. Few services have lifetimes.
    select l.* from quota.usage_of_month((select c.at from clock c),
      array(select distinct r.service from running r where not r.is_period)) l
  ), paced as (
    select r.*,
      case when r.is_period then (r.used - r.adjusted) / r.days
        when r.unit = 'second' then l.seconds / 30
        when r.unit = 'token' then l.tokens / 30
        when r.unit = 'byte' then l.bytes / 30
        when r.models is null then l.messages / 30.0
        else l.premium_messages / 30.0 end as per_day,
      case
        when r.cost_limit is null then null
        when not r.is_period then l.cost / 30
        else (r.cost - coalesce(quota.adjusted_cost(r.user_id, r.meter, r.period_start), 0)) / r.days
      end as cost_per_day
    from running r
    left join lifetimes l on not r.is_period and l.user_id = r.user_id and l.service = r.service
    -- "offset 0", here and below: what is worked out is worked out once, and not wherever it is named.
    offset 0
  ), ends as (
    select p.*, (p.allowance - p.used) / nullif(greatest(p.per_day, 0), 0) as days_left,
      (p.cost_limit - p.cost) / nullif(greatest(p.cost_per_day, 0), 0) as cost_days_left
    from paced p
    offset 0
  )
  select e.user_id, u.external_id, e.service, e.plan, e.meter, e.unit, e.used, e.allowance, e.cost,
    e.cost_limit,
    quota.percent_used(e.used, e.allowance, e.cost, e.cost_limit), nullif(e.period_end, 'infinity'),
    round(e.per_day, 3), t.runs_out_at, coalesce(e.cost_days_left < e.days_left, e.days_left is null)
  from ends e
  join quota.users u on u.id = e.user_id
  -- More than a year ahead is no forecast (and an interval must not overflow).
  cross join lateral (select least(e.days_left, e.cost_days_left) as days) d
  cross join lateral (
    select e.at + make_interval(secs => round(d.days * 86400)::float8) as runs_out_at) t
  where d.days <= 366 and t.runs_out_at < e.period_end
$function$;
comment on function quota.forecast_quotas(text) is 'Who uses up the allowance or the cost limit before it is reset, at the mean pace of the running period (see quota.pace_seconds; a lifetime: of the last 30 days), and when.';
grant execute on function quota.forecast_quotas(text) to quota_finance;
grant execute on function quota.forecast_quotas(text) to quota_operator;
grant execute on function quota.forecast_quotas(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.forget_lines(p_export integer)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select quota.refuse_other_users(null);
  update quota.billing_lines b set raw = null, description = null
  from (
    select l.line
    from quota.users u
    join quota.call_logs g on g.user_id = u.id
    join quota.billing_lines l on l.export_id = p_export and l.external_id = g.provider_call_id
    where u.erased_at is not null
    union
    select l.line
    from quota.users u
    join quota.assistants a on a.user_id = u.id
    join quota.billing_lines l on l.export_id = p_export and l.assistant_id = a.provider_assistant_id
    where u.erased_at is not null
  ) theirs
  -- Nobody as a rule: without this all lines would be read to find out.
  where exists (select from quota.users u where u.erased_at is not null)
    and b.export_id = p_export and b.line = theirs.line and (b.raw is not null or b.description is not null)
$function$;
comment on function quota.forget_lines(integer) is 'Takes what is not needed to compute out of the lines of an export whose calls or assistants are those of erased users.';
grant execute on function quota.forget_lines(integer) to quota_finance;

CREATE OR REPLACE FUNCTION quota.forget_lost(p_source integer, p_size integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '250ms'
AS $function$
declare
  kind text := (
    select s.kind from quota.adopt_sources s
    where s.id = p_source and (s.kind <> 'calls' or s.on_delete = 'remove'));
  keys text[];
  there text[];
begin
  if kind is null or kind = 'users' then
    return 0;
  end if;
  execute format('select quota_adopt.source_%s_lost($1)', p_source) into keys using p_size;
  if cardinality(keys) > 0 then
    -- Held, and looked at again: one that has come back at this moment stays.
    there := quota.take_keys(p_source, keys);
    perform quota.forget_rows(p_source, array(select k from unnest(keys) k where k <> all (there)));
  end if;
  return cardinality(keys);
end $function$;
comment on function quota.forget_lost(integer,integer) is 'Takes back what came of rows that were deleted while nobody could tell; how many. 0: there are none.';

CREATE OR REPLACE FUNCTION quota.forget_rows(p_source integer, p_keys text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  kind text := (select s.kind from quota.adopt_sources s where s.id = p_source);
  calls quota.adopted_call[];
begin
  if kind = 'calls' then
    select array_agg(c) into calls
    from unnest(p_keys) k
    cross join lateral jsonb_populate_record(null::quota.adopted_call,
      jsonb_build_object('key', k, 'is_there', false)) c;
    perform quota.hold_adopted(p_source, calls);
    perform quota.remove_adopted(p_source, calls);
  elsif kind = 'assistants' then
    perform quota.retire_assistants(p_source, p_keys);
  elsif kind = 'jobs' then
    perform quota.end_jobs(p_source, p_keys);
  end if;
end $function$;
comment on function quota.forget_rows(integer,text[]) is 'Takes back what came of rows that are gone: calls are removed, assistants are gone, jobs have ended, users stay.';

CREATE OR REPLACE FUNCTION quota.forget_untold(p_source integer)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  source quota.adopt_sources;
  gone text[];
begin
  select * into source from quota.adopt_sources s where s.id = p_source;
  if source.kind = 'jobs' then
    execute format('insert into quota.adopt_links (source, key)
      select %1$s, t.key from quota_adopt.told_%1$s t on conflict do nothing', p_source);
  end if;
  if source.kind = 'assistants' then
    execute format('select array_agg(l.key) from quota.adopt_assistants l where l.source = %1$s
      and not exists (select from quota_adopt.told_%1$s t where t.key = l.key)', p_source) into gone;
  elsif source.kind = 'jobs' or source.kind = 'calls' and source.on_delete = 'remove' then
    execute format('select array_agg(l.key) from quota.adopt_links l where l.source = %1$s
      and (%2$L = ''jobs'' or l.call_log_id is not null)
      and not exists (select from quota_adopt.told_%1$s t where t.key = l.key)', p_source, source.kind)
    into gone;
  end if;
  if gone is not null then
    perform quota.forget_rows(p_source, gone);
  end if;
end $function$;
comment on function quota.forget_untold(integer) is 'Takes back what came of rows that are not among those that were told, where they are all that there are.';

CREATE OR REPLACE FUNCTION quota.former_terms(p_user uuid, p_service text, p_plan text, p_meter text, p_period tstzrange)
 RETURNS TABLE(limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text)
 LANGUAGE sql
 STABLE
AS $function$
  -- What is the same for all users is written out once, however many periods are asked for. The rest stands
  -- in steps of one row each (offset 0): as joins, a planner that knows no numbers yet sorts for each period.
  with versions as materialized (
    select v.plan, v.version, v.applied_at from quota.plan_versions v
  ), written as materialized (
    select v.plan, v.version, l->>'meter' as meter, (l->>'limit')::numeric as limit_quantity,
      (l->>'costLimit')::numeric as cost_limit, (l->>'unitPrice')::numeric as unit_price,
      coalesce((select array_agg(w::integer) from jsonb_array_elements_text(l->'warnAt') w), '{}') as warn_at,
      l->>'onExceeded' as on_exceeded
    from quota.plan_versions v cross join lateral jsonb_array_elements(v.definition->'limits') l
  )
  select coalesce(o.limit_quantity, w.limit_quantity), coalesce(o.cost_limit, w.cost_limit), w.unit_price,
    w.warn_at, w.on_exceeded
  from (
    select min(f.until) filter (where f.until >= upper(p_period)) as until,
      max(f.until) filter (where f.until < upper(p_period)) as since
    from quota.former_plans f
    where f.user_id = p_user and f.service = p_service and p_period is not null
  ) former
  -- The plan of the end of the period: a change of plan holds at once. Its version of when it began to hold
  -- there.
  cross join lateral (
    select case when former.until is null then p_plan else (
        select f.plan from quota.former_plans f
        where f.user_id = p_user and f.service = p_service and f.until = former.until) end as plan,
      greatest(lower(p_period), former.since) as since
    where p_period is not null
    offset 0
  ) held
  cross join lateral (
    select coalesce(max(v.version) filter (where v.applied_at <= held.since), min(v.version)) as version
    from versions v where v.plan = held.plan
  ) its
  cross join lateral (
    select * from written w
    where w.plan = held.plan and w.version = its.version and w.meter = p_meter
    offset 0
  ) w
  left join lateral (
    select o.limit_quantity, o.cost_limit from quota.limit_overrides o
    where o.user_id = p_user and o.plan = held.plan and o.meter = p_meter
    offset 0
  ) o on true
$function$;
comment on function quota.former_terms(uuid,text,text,text,tstzrange) is 'The terms of a meter in a period that is over, as the plan that the user then had stated them; none where that plan did not count it, and none of no period.';
grant execute on function quota.former_terms(uuid,text,text,text,tstzrange) to quota_finance;
grant execute on function quota.former_terms(uuid,text,text,text,tstzrange) to quota_operator;
grant execute on function quota.former_terms(uuid,text,text,text,tstzrange) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.free_lock(p_name text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  key bigint := quota.lock_key(p_name);
  is_misused boolean;
begin
  -- Whoever looks at pg_locks while a lock is held sees its number, and may take it afterwards.
  select not bool_or(a.usesysid is null or exists (
    select from unnest(array[to_regrole('quota_operator'), to_regrole('quota_finance'), (
      select n.nspowner::regrole from pg_namespace n where n.nspname = 'quota')]) r(id)
    where pg_has_role(a.usesysid, r.id, 'member')))
  into is_misused
  from pg_locks l
  left join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and (l.classid::bigint << 32 | l.objid::bigint) = key;
  if is_misused is not true then
    return false; -- Who holds it works under it, or nobody does.
  end if;
  insert into quota.lock_seeds (name, seed)
  values (p_name, ('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint)
  on conflict (name) do update set seed = excluded.seed;
  return true;
end $function$;
comment on function quota.free_lock(text) is 'Gives a lock another number, if it is held by somebody who does none of the work that it is for; whether it was.';
grant execute on function quota.free_lock(text) to quota_finance;
grant execute on function quota.free_lock(text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.gate(p_provider text, p_body jsonb, p_service text DEFAULT 'voice'::text, p_refusal text DEFAULT NULL::text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  told jsonb := p_body->'message';
begin
  if p_provider is distinct from 'vapi' then
    raise exception 'the gate answers the webhooks of "vapi", not of "%"', quota.shown(p_provider)
      using errcode = 'QT003';
  elsif jsonb_typeof(told) is distinct from 'object' or jsonb_typeof(told->'type') is distinct from 'string'
  then
    raise exception 'this is no body of a webhook of VAPI: a "message" with a "type" is missing'
      using errcode = 'QT003', hint = 'Give the whole body as it came, as jsonb.';
  end if;
  case told->>'type'
    when 'assistant-request' then
      return quota.admit_call(told, p_service, p_refusal);
    when 'end-of-call-report' then
      return quota.settle_admitted(told, p_service);
    else
      return '{}';
  end case;
end $function$;
comment on function quota.gate(text,jsonb,text,text) is 'What to answer a webhook of the provider with, as it is. A call that wants to begin gets the assistant and what is left as its length, reserved under its id, or {error}, which is spoken: p_refusal, else what the plan says, else a sentence. The report of its end settles it; to anything else {} is said. QT003: no such body.';
grant execute on function quota.gate(text,jsonb,text,text) to quota_app;
grant execute on function quota.gate(text,jsonb,text,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.gate_owner(p_body jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(null);
  return (
    select u.external_id
    from quota.called_assistant(p_body->'message') a
    join quota.users u on u.id = a.user_id and u.erased_at is null);
end $function$;
comment on function quota.gate_owner(jsonb) is 'Whose assistant a webhook of VAPI concerns, by external id; null: nobody''s here. Of several databases the one that knows him is given the webhook. QT006: asked by whoever speaks for one user.';
grant execute on function quota.gate_owner(jsonb) to quota_app;
grant execute on function quota.gate_owner(jsonb) to quota_operator;

CREATE OR REPLACE FUNCTION quota.get_user_plan_limits(p_user text, p_service text DEFAULT NULL::text)
 RETURNS TABLE(service text, plan text, plan_name text, meter text, unit text, limit_quantity numeric, granted numeric, used numeric, remaining numeric, percent numeric, state text, cost numeric, cost_limit numeric, unit_price numeric, reset_every interval, last_reset timestamp with time zone, resets_at timestamp with time zone, max_assistants integer, max_file_bytes bigint, max_concurrent integer, max_session_seconds numeric, allowed_models text[], upgrade_to text, features jsonb, runs_out_at timestamp with time zone, calls integer, exhausted_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select c.service, p.key, p.name, c.meter, c.unit, c.limit_quantity, c.granted, c.used,
    quota.remaining_of(
      c.limit_quantity + c.granted, c.used, c.cost_limit, c.cost, c.unit, c.unit_price,
      quota.reserved_for(o.id, c.meter, coalesce(c.period_start, '-infinity'), null)),
    c.percent, c.state, c.cost, c.cost_limit, c.unit_price, l.reset_every,
    quota.last_reset(o.id, c.meter, c.period_start), nullif(c.period_end, 'infinity'),
    p.max_assistants, p.max_file_bytes, p.max_concurrent, p.max_session_seconds, p.allowed_models,
    p.upgrade_to, p.features, c.runs_out_at, c.calls, c.exhausted_at
  from quota.user_or_newcomer(p_user) o(id)
  cross join lateral quota.standing_of(o.id, p_service) c
  join quota.plans p on p.key = c.plan
  join quota.plan_limits l on l.plan = c.plan and l.meter = c.meter
  where quota.refuse_unknown_service(p_service)
  order by c.service, c.meter
$function$;
comment on function quota.get_user_plan_limits(text,text) is 'The limits of a user''s plans, by meter, with what is used and left of each, in quantity and in money, by how many calls, since when it is used up, and when it runs out at its pace, if before its reset; also before the first call, from default plans.';
grant execute on function quota.get_user_plan_limits(text,text) to quota_app;
grant execute on function quota.get_user_plan_limits(text,text) to quota_finance;
grant execute on function quota.get_user_plan_limits(text,text) to quota_operator;
grant execute on function quota.get_user_plan_limits(text,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.give_original(p_assistant uuid, p_desired text, p_fields jsonb, p_absent text[], p_made jsonb, p_source text, p_exact boolean, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  given quota.assistant_limits;
  -- A field that was not set is known by its name: null stands for it.
  whole jsonb := coalesce((select jsonb_object_agg(f, null) from unnest(p_absent) f), '{}') || p_fields;
  made_of jsonb := case when p_made is null then '[]' else jsonb_build_array(p_made) end;
begin
  perform quota.refuse_other_users(array(
    select a.user_id from quota.assistants a where a.id = p_assistant));
  insert into quota.assistant_limits as l
    (assistant_id, user_id, desired, status, next_attempt_at, original, made, exact_change)
  select a.id, a.user_id, p_desired, 'pending', quota.now(), whole, made_of, case when p_exact then 1 end
  from quota.assistants a where a.id = p_assistant
  on conflict (assistant_id) do update
  set desired = p_desired, status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
    next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now(), original = whole,
    made = l.made || made_of, exact_change = case when p_exact then l.change + 1 end
  returning * into given;
  insert into quota.assistant_originals (user_id, assistant_id, change, fields, absent, source)
  values (given.user_id, p_assistant, given.change, p_fields, p_absent, p_source);
  with audited as (
    insert into quota.audit_log (action, user_id, subject, reason, after)
    select 'assistant.original_given', a.user_id, a.provider_assistant_id, p_reason,
      jsonb_build_object(
        'source', p_source, 'fields', array(select jsonb_object_keys(p_fields)), 'absent', p_absent)
    from quota.assistants a where a.id = p_assistant
    returning id, user_id
  )
  insert into quota.audit_personal (user_id, audit_id, after) select user_id, id, p_fields from audited;
end $function$;
comment on function quota.give_original(uuid,text,jsonb,text[],jsonb,text,boolean,text) is 'Queues the restore of an assistant, or its limit, with an original that did not come from a look at it before the limit. p_made: what it has instead, the limit of another application. Exact: restored whatever is found.';
grant execute on function quota.give_original(uuid,text,jsonb,text[],jsonb,text,boolean,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.give_up_assistants(p_ids text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  other record;
  there text[];
  gone uuid[];
  owners uuid[];
begin
  -- What another row says of one of them holds: whose it is, and that it is there.
  for other in
    select l.source, array_agg(l.key order by l.key) as keys
    from quota.adopt_assistants l join quota.adopt_sources s on s.id = l.source
    where l.provider_assistant_id = any (p_ids) and s.is_attached and s.reading is null
    group by l.source order by l.source
  loop
    there := quota.take_keys(other.source, other.keys);
    delete from quota.adopt_assistants l
    where l.source = other.source and l.key = any (other.keys) and l.key <> all (there);
  end loop;
  select array_agg(a.id), array_agg(a.user_id) into gone, owners
  from quota.assistants a
  where a.provider_assistant_id = any (p_ids) and not (a.state = 'gone' and a.is_given_up) and not exists (
    select from quota.adopt_assistants l join quota.adopt_sources s on s.id = l.source
    where l.provider_assistant_id = a.provider_assistant_id and s.is_attached);
  if gone is null then
    return;
  end if;
  -- A limit that is put on in the meantime reaches these assistants, or this sees it.
  perform quota.hold_subscriptions(owners);
  perform quota.hold_assistants(owners);
  update quota.assistants a set state = 'gone', is_given_up = true where a.id = any (gone);
  -- What was limited for their user comes back; what an operator has limited by itself stays so.
  perform quota.queue_changes(array(
    select a.id from quota.assistants a
    where a.id = any (gone) and a.held is distinct from 'limited'), 'original');
  -- Where nothing was sent, or by the app alone, there is nothing to bring back.
  update quota.assistant_limits l
  set status = 'restored', next_attempt_at = null, updated_at = quota.now()
  where l.assistant_id = any (gone) and l.desired = 'original' and l.status in ('pending', 'failed')
    and l.original is null and l.applied is null and l.intents = '[]';
end $function$;
comment on function quota.give_up_assistants(text[]) is 'Assistants that no row of an adopted product has any more are gone: they count for no maximum, are limited with nobody, and get back what they had.';

CREATE OR REPLACE FUNCTION quota.grant_allowance(p_user text, p_meter text, p_quantity numeric, p_reason text, p_expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_actor text DEFAULT NULL::text, OUT grant_id bigint, OUT granted numeric, OUT remaining numeric, OUT audit_id bigint)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former_actor text := quota.begin_act(p_reason, p_actor);
  owner uuid := quota.resolve_user(p_user);
  meter quota.meters;
begin
  select * into meter from quota.meters m where m.key = p_meter;
  if not found then
    raise exception 'unknown meter "%"', quota.shown(p_meter) using errcode = 'QT003';
  elsif p_quantity is null or p_quantity <= 0 or p_quantity > 99999999999
    or p_quantity <> round(p_quantity, case when meter.unit in ('second', 'credit') then 3 else 0 end)
  then
    raise exception 'a grant of %s: above zero, whole messages or seconds with milliseconds', meter.unit
      using errcode = 'QT003';
  elsif p_expires_at <= quota.now() then
    raise exception 'a grant that expired at % gives nothing', p_expires_at using errcode = 'QT004';
  end if;
  insert into quota.grants (user_id, meter, quantity, expires_at, reason)
  values (owner, p_meter, p_quantity, p_expires_at, p_reason) returning id into grant_id;
  select c.granted, greatest(c.limit_quantity + c.granted - c.used, 0) into granted, remaining
  from quota.current_quotas(owner) c where c.meter = p_meter;
  insert into quota.audit_log (action, user_id, service, subject, reason, after)
  values ('grant.added', owner, meter.service, p_meter, p_reason, jsonb_build_object(
    'grantId', grant_id::text, 'meter', p_meter, 'quantity', p_quantity::text,
    'expiresAt', p_expires_at, 'granted', granted::text, 'remaining', remaining::text))
  returning id into audit_id;
  perform set_config('quota.actor', former_actor, true);
end $function$;
comment on function quota.grant_allowance(text,text,numeric,text,timestamp with time zone,text) is 'Gives a user extra allowance of a meter, from the back office of an app: used after the plan''s; a limit on assistants that it lifts is lifted. Audited with the reason and who acted.';
grant execute on function quota.grant_allowance(text,text,numeric,text,timestamp with time zone,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.grant_ledger(p_user uuid, p_meter text, p_at timestamp with time zone DEFAULT quota.now())
 RETURNS TABLE(id bigint, ends_at timestamp with time zone, given numeric, given_running numeric, left_over numeric)
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  grants quota.grants[];
  ends timestamptz[];
  given_before numeric[];
  given_now numeric[];
  part record;
  taken numeric;
  share numeric;
begin
  select array_agg(g order by least(g.expires_at, g.revoked_at), g.id),
    array_agg(least(g.expires_at, g.revoked_at) order by least(g.expires_at, g.revoked_at), g.id)
  into grants, ends
  from quota.grants g where g.user_id = p_user and g.meter = p_meter and g.created_at <= p_at;
  if grants is null then
    return;
  end if;
  given_before := array_fill(0::numeric, array[cardinality(grants)]);
  given_now := given_before;

  for part in select s.quota, s.segment from quota.overuse_segments(p_user, p_meter, p_at) s loop
    taken := 0;
    for i in 1 .. cardinality(grants) loop
      continue when given_before[i] >= (grants[i]).quantity or ends[i] <= lower(part.segment)
        or (grants[i]).created_at >= (part.quota).period_end;
      -- Until it ended it covers what the earlier ones did not.
      share := greatest(least((grants[i]).quantity - given_before[i] - given_now[i], quota.used_beyond(
        part.quota, lower(part.segment), least(upper(part.segment), ends[i])) - taken), 0);
      taken := taken + share;
      if upper(part.segment) > p_at then
        given_now[i] := given_now[i] + share;
      else
        given_before[i] := given_before[i] + share;
      end if;
    end loop;
  end loop;

  return query
  select (grants[i]).id, ends[i], given_before[i], given_now[i],
    case when ends[i] <= p_at then 0 else (grants[i]).quantity - given_before[i] - given_now[i] end
  from generate_subscripts(grants, 1) i;
end $function$;
comment on function quota.grant_ledger(uuid,text,timestamp with time zone) is 'What each grant of a user''s meter gave, from the facts alone: the usage beyond the limits of ended periods (given) and of the running one (given_running), the earliest to end first; left_over is what it still has.';
grant execute on function quota.grant_ledger(uuid,text,timestamp with time zone) to quota_finance;
grant execute on function quota.grant_ledger(uuid,text,timestamp with time zone) to quota_operator;
grant execute on function quota.grant_ledger(uuid,text,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.granted_now(p_user uuid, p_meter text)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  -- What ended within the running period still covers what was used of it before.
  select coalesce(sum(l.left_over + l.given_running), 0) from quota.grant_ledger(p_user, p_meter) l
$function$;
comment on function quota.granted_now(uuid,text) is 'The extra allowance of a user''s meter in the running period.';
grant execute on function quota.granted_now(uuid,text) to quota_finance;
grant execute on function quota.granted_now(uuid,text) to quota_operator;
grant execute on function quota.granted_now(uuid,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.granted_of(p_users uuid[], p_meters text[])
 RETURNS TABLE(user_id uuid, meter text, granted numeric)
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  clock timestamptz := quota.now();
  users uuid[] := '{}';
  meters text[] := '{}';
  changes numeric[] := '{}';
  whose integer := 0;
  spent numeric[];
  taken numeric;
  share numeric;
  part record;
begin
  for part in
    select * from quota.overuse_of_grants(p_users, p_meters, clock)
  loop
    if part.is_first then
      whose := whose + 1;
      users[whose] := part.user_id;
      meters[whose] := part.meter;
      changes[whose] := 0;
      spent := '{}';
    end if;
    if part.begins_segment then
      taken := 0;
    end if;
    share := greatest(
      least(part.quantity - coalesce(spent[part.place], 0), part.beyond - taken), 0);
    taken := taken + share;
    spent[part.place] := coalesce(spent[part.place], 0) + share;
    -- What has ended still covers what it did in the running period; what a living one gave before is gone.
    if part.is_running and part.has_ended then
      changes[whose] := changes[whose] + share;
    elsif not part.is_running and not part.has_ended then
      changes[whose] := changes[whose] - share;
    end if;
  end loop;

  return query
  select a.user_id, a.meter, coalesce(g.living, 0) + coalesce(c.change, 0)
  from unnest(p_users, p_meters) a(user_id, meter)
  left join (
    select g.user_id, g.meter, sum(g.quantity) as living from quota.grants g
    where g.user_id = any (p_users) and g.created_at <= clock
      and (least(g.expires_at, g.revoked_at) <= clock) is not true
    group by g.user_id, g.meter
  ) g on g.user_id = a.user_id and g.meter = a.meter
  left join unnest(users, meters, changes) c(user_id, meter, change)
    on c.user_id = a.user_id and c.meter = a.meter;
end $function$;
comment on function quota.granted_of(uuid[],text[]) is 'What quota.granted_now says of each of many (user, meter) pairs, with the facts of all read at once.';
grant execute on function quota.granted_of(uuid[],text[]) to quota_finance;
grant execute on function quota.granted_of(uuid[],text[]) to quota_operator;
grant execute on function quota.granted_of(uuid[],text[]) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.grants_inserted()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  services text[];
begin
  select array_agg(p.user_id), array_agg(p.service) into users, services
  from (
    select distinct n.user_id, m.service from new_rows n join quota.meters m on m.key = n.meter
    order by 1, 2) p;
  if users is not null then
    -- The running quotas have to be there to take the grants.
    perform quota.open_running(users, services);
    perform quota.settle_grants(users, services);
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.guard_answer()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  closed uuid[] := quota.closed_months();
  touched uuid;
begin
  if closed is null then
    return null;
  end if;
  -- An erasure takes out reasons, for they may name a person, and changes nothing else.
  if tg_op = 'UPDATE' and tg_table_name = 'discrepancies' then
    if not exists (
      select from new_rows n full join old_rows o using (id)
      where o.id is null or n.id is null or n.reason is distinct from 'erased'
        or to_jsonb(n) - 'reason' <> to_jsonb(o) - 'reason')
    then
      return null;
    end if;
  end if;
  if tg_op <> 'DELETE' then
    select n.reconciliation_id into touched from new_rows n where n.reconciliation_id = any (closed) limit 1;
  end if;
  if tg_op <> 'INSERT' and touched is null then
    select o.reconciliation_id into touched from old_rows o where o.reconciliation_id = any (closed) limit 1;
  end if;
  perform quota.refuse_closed(touched);
  return null;
end $function$;
comment on function quota.guard_answer() is 'Refuses changes of items, matches and discrepancies of closed months. By statement: a month has millions.';

CREATE OR REPLACE FUNCTION quota.guard_attachment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op <> 'INSERT' then
    perform quota.refuse_closed(old.reconciliation_id);
  end if;
  if tg_op <> 'DELETE' then
    perform quota.refuse_closed(new.reconciliation_id);
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $function$;

CREATE OR REPLACE FUNCTION quota.guard_lines()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  export integer;
begin
  select o.export_id into export
  from (select distinct export_id from old_rows) o join quota.reconciliation_exports x using (export_id)
    limit 1;
  if export is not null then
    raise exception 'lines of export % belong to a month', export
      using errcode = 'QT005',
        hint = 'What was billed is history. A newer export takes its place with quota reconcile --replace.';
  end if;
  return null;
end $function$;
comment on function quota.guard_lines() is 'Lines can be removed only with their whole export, once no month has it.';

CREATE OR REPLACE FUNCTION quota.guard_reconciliation()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  -- quota.reopen_month takes the mark away, and an erasure a reason that names somebody; nothing else may
  -- touch a closed month.
  if old.closed_at is not null then
    if tg_op = 'DELETE' or not (
      new.close_reason is not distinct from 'erased'
        and to_jsonb(old) - 'close_reason' = to_jsonb(new) - 'close_reason'
      -- Only its own function runs as the owner with this setting.
      or coalesce(current_setting('quota.reopens_month', true), '') = 'on' and new.closed_at is null
        and has_schema_privilege('quota', 'create with grant option'))
    then
      perform quota.refuse_closed(old.id);
    end if;
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $function$;

CREATE OR REPLACE FUNCTION quota.guess_period(anchor_local timestamp without time zone, every interval, local_at timestamp without time zone)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
declare
  months integer := date_part('year', every) * 12 + date_part('month', every);
  days integer := date_part('day', every);
  seconds float8 :=
    date_part('hour', every) * 3600 + date_part('minute', every) * 60 + date_part('second', every);
begin
  if months < 0 or days < 0 or seconds < 0 or (months = 0 and days = 0 and seconds = 0) then
    raise exception 'a period must be longer than nothing, not "%"', every using errcode = '22023';
  end if;
  -- By mean lengths: a Gregorian month is 2,629,746 seconds.
  return floor(date_part('epoch', local_at - anchor_local) / (months * 2629746.0 + days * 86400.0 + seconds));
end $function$;
comment on function quota.guess_period(timestamp without time zone,interval,timestamp without time zone) is 'Roughly which period, counted from the anchor, contains a local time; for period_at only.';
grant execute on function quota.guess_period(timestamp without time zone,interval,timestamp without time zone) to quota_finance;
grant execute on function quota.guess_period(timestamp without time zone,interval,timestamp without time zone) to quota_operator;
grant execute on function quota.guess_period(timestamp without time zone,interval,timestamp without time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.has_open_period(p_user uuid, p_service text, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select exists (
    select from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where q.user_id = p_user and m.service = p_service and q.closed_at is null and isfinite(q.period_end)
      and quota.contains(q, at))
$function$;
comment on function quota.has_open_period(uuid,text,timestamp with time zone) is 'Whether an instant lies in a period of a user that is not closed; lifetimes never close.';
grant execute on function quota.has_open_period(uuid,text,timestamp with time zone) to quota_finance;
grant execute on function quota.has_open_period(uuid,text,timestamp with time zone) to quota_operator;
grant execute on function quota.has_open_period(uuid,text,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.has_unlimited(p_user uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select exists (
    select 1 from quota.assistants a left join quota.assistant_limits l on l.assistant_id = a.id
    where a.user_id = p_user and quota.is_unlimited(a, l))
$function$;
comment on function quota.has_unlimited(uuid) is 'Whether an assistant of a user is neither limited nor queued to be.';

CREATE OR REPLACE FUNCTION quota.highest_reached(q quota.usage_quotas)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
declare
  percent numeric := quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit);
  highest integer := 0;
  threshold integer;
begin
  -- Asked for each quota that usage or a reset touches: without a query it costs a twentieth.
  foreach threshold in array coalesce(q.warn_at, '{}') loop
    if threshold <= percent and threshold > highest then
      highest := threshold;
    end if;
  end loop;
  return highest;
end $function$;
comment on function quota.highest_reached(quota.usage_quotas) is 'The highest threshold that a quota has reached; 0: none.';

CREATE OR REPLACE FUNCTION quota.hold_adopted(p_source integer, p_calls quota.adopted_call[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  users uuid[];
  services text[];
begin
  select array_agg(o.user_id), array_agg(o.service) into users, services
  from (
    select u.id as user_id, c.service
    from unnest(p_calls) c join quota.users u on u.external_id = c.user_name
    union
    select g.user_id, g.service
    from unnest(p_calls) c
    join quota.adopt_links l on l.source = p_source and l.key = c.key
    join quota.call_logs g on g.id = l.call_log_id
  ) o;
  perform quota.hold_subscriptions(users, services);
end $function$;
comment on function quota.hold_adopted(integer,quota.adopted_call[]) is 'Locks whose usage rows of an adopted product change, former owners included, in the one order.';

CREATE OR REPLACE FUNCTION quota.hold_assistants(users uuid[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform 1 from quota.assistant_limits l
  where l.user_id = any (users) order by l.assistant_id for no key update;
end $function$;
comment on function quota.hold_assistants(uuid[]) is 'Locks the provider work of users until the transaction ends: after their subscriptions, by assistant, in one go.';

CREATE OR REPLACE FUNCTION quota.hold_key(p_provider text, p_key text)
 RETURNS boolean
 LANGUAGE sql
AS $function$
  select quota.hold_seeded(s.seed, p_provider, p_key)
  from quota.lock_seeds s where s.name = ''
$function$;
comment on function quota.hold_key(text,text) is 'True; until the transaction ends, keeps others from telling of the call of this key by quota.record and quota.start_session, whose row may not be there yet; null: nothing to keep.';

CREATE OR REPLACE FUNCTION quota.hold_meters(p_meters text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  services text[];
begin
  select s.users, s.services into users, services from quota.subscribed_to(p_meters) s;
  if users is not null then
    perform quota.hold_subscriptions(users, services);
  end if;
end $function$;
comment on function quota.hold_meters(text[]) is 'Keeps what meters count as it is until the transaction ends, whoever calls meanwhile.';

CREATE OR REPLACE FUNCTION quota.hold_seeded(p_seed bigint, p_provider text, p_key text)
 RETURNS boolean
 LANGUAGE sql
AS $function$
  select pg_catalog.pg_advisory_xact_lock(hashtextextended(p_provider || ' ' || p_key, p_seed)) is not null
$function$;
comment on function quota.hold_seeded(bigint,text,text) is 'True; holds what quota.hold_key holds, for a statement that has the seed of the locks already. Inlined.';

CREATE OR REPLACE FUNCTION quota.hold_subscriptions(users uuid[], services text[] DEFAULT NULL::text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform 1 from quota.subscriptions s
  where s.user_id = any (users)
    and (services is null or (s.user_id, s.service) in (select * from unnest(users, services)))
  order by s.user_id, s.service for no key update;
end $function$;
comment on function quota.hold_subscriptions(uuid[],text[]) is 'Locks the subscriptions of (user, service) pairs, or all of users, until the transaction ends, in the one order of locks. Those that are not there are not made: see lock_subscriptions.';
grant execute on function quota.hold_subscriptions(uuid[],text[]) to quota_operator;

CREATE OR REPLACE FUNCTION quota.idle_calls(idle interval, only_user uuid DEFAULT NULL::uuid)
 RETURNS SETOF quota.call_logs
 LANGUAGE sql
 STABLE
AS $function$
  select l.* from quota.call_logs l
  where l.status = 'active' and l.started_at < quota.now() - idle
    and (only_user is null or l.user_id = only_user)
    and not exists (
      select 1 from quota.concurrent_processing p where p.user_id = l.user_id and p.call_log_id = l.id)
$function$;
comment on function quota.idle_calls(interval,uuid) is 'Calls without a lease that have been active for longer than idle.';
grant execute on function quota.idle_calls(interval,uuid) to quota_finance;
grant execute on function quota.idle_calls(interval,uuid) to quota_operator;
grant execute on function quota.idle_calls(interval,uuid) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.in_known_zones(claimed quota.subscriptions[])
 RETURNS quota.subscriptions[]
 LANGUAGE sql
 STABLE
AS $function$
  select case
    when unknown = '{}' then claimed
    else array(select c from unnest(claimed) c where c.timezone <> all (unknown))
  end
  -- "offset 0": each zone is tried once; without, PostgreSQL tries that of every subscription.
  from (
    select array(
      select z.timezone from (select distinct timezone from unnest(claimed) offset 0) z
      where not quota.is_known_zone(z.timezone))) z(unknown)
$function$;
comment on function quota.in_known_zones(quota.subscriptions[]) is 'Those of the subscriptions whose time the server can reckon; the others are set apart.';

CREATE OR REPLACE FUNCTION quota.in_shadow(p_service text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select exists (
    select from quota.adopt_products p
    where p.authority = 'app' and p.detached_at is null and p_service = any (p.services))
$function$;
comment on function quota.in_shadow(text) is 'Whether an adopted product still decides about a service by itself: then it is counted, and nobody is limited or told of alerts.';
grant execute on function quota.in_shadow(text) to quota_finance;
grant execute on function quota.in_shadow(text) to quota_operator;
grant execute on function quota.in_shadow(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.insert_adopted(p_source integer, p_calls quota.adopted_call[])
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  inserted integer;
  dead_keys text[];
  faults text[];
  told quota.adopted_call[];
begin
  with owned as materialized (
    select o.* from quota.owned_calls(p_source, p_calls) o
  ), fresh as materialized (
    select o.user_id, o.counted_by, (o.call).*,
      coalesce(o.counted_by, nextval('quota.call_logs_id_seq')) as id
    from owned o where o.fault is null
  ), linked as (
    insert into quota.adopt_links as l (source, key, call_log_id)
    select p_source, f.key, f.id from fresh f
    on conflict (source, key) do update set call_log_id = excluded.call_log_id where l.call_log_id is null
    returning l.key
  ), counted as (
    insert into quota.call_logs
      (id, user_id, service, provider, provider_call_id, assistant_id, model, status, started_at, ended_at,
       duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message, quantities)
    overriding system value
    select f.id, f.user_id, f.service, f.provider, f.provider_call_id, f.assistant_id, f.model, f.status,
      f.started_at, f.ended_at, f.duration_seconds, f.messages, f.words_spoken, f.file_size_bytes, f.cost,
      f.error_message, f.quantities
    from fresh f
    -- Looked up in a table of them, however few the server takes them to be.
    where f.counted_by is null and (f.key in (select k.key from linked k)) is true
    order by f.user_id
    returning id
  ), ended as (
    select o.call, (o.call).key, o.counted_by, o.fault, k.key is not null as is_linked
    from owned o left join linked k on k.key = (o.call).key
  )
  select (select count(*) from counted),
    array_agg(e.key) filter (where not e.is_linked),
    array_agg(coalesce(e.fault, 'another session is taking it over')) filter (where not e.is_linked),
    array_agg(e.call) filter (where e.is_linked and e.counted_by is not null)
  into inserted, dead_keys, faults, told
  from ended e;
  if dead_keys is not null then
    perform quota.bury_row(p_source, d.key, 'take', null, d.fault)
    from unnest(dead_keys, faults) d(key, fault);
  end if;
  -- A call that was recorded before its row came is the same call: it becomes what the row says.
  if told is not null then
    perform quota.hold_adopted(p_source, told);
    inserted := inserted + quota.update_adopted(p_source, told);
  end if;
  return inserted;
end $function$;
comment on function quota.insert_adopted(integer,quota.adopted_call[]) is 'Counts rows of an adopted product that are not linked yet; how many.';

CREATE OR REPLACE FUNCTION quota.insert_items(reconciliation uuid, items regclass, plain regclass DEFAULT NULL::regclass)
 RETURNS bigint
 LANGUAGE plpgsql
 SET enable_sort TO 'off'
AS $function$
declare
  is_plain constant text := 'c.kind = ''matched'' and c.log_month is null and c.line is not null
    and c.log_id is not null';
  matches text := format('select c.export_id, c.line, c.log_id, c.billed, c.logged from %s c where %s',
    items, is_plain);
  inserted bigint;
begin
  execute format('
    insert into quota.reconciliation_items
      (reconciliation_id, log_id, export_id, line, log_month, day, model, kind, billed, logged)
    select $1, c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed, c.logged
    from %s c where c.kind is not null and not (%s)', items, is_plain) using reconciliation;
  get diagnostics inserted = row_count;
  if plain is not null then
    matches := format('select p.export_id, p.line, p.log_id, p.billed, p.logged from %s p union all %s',
      plain, matches);
  end if;
  -- Some are logged in other amounts that agree: apart, the others need not say both.
  execute format('
    with packs as (
      insert into quota.reconciliation_matches
        (reconciliation_id, export_id, lines, log_ids, billed, logged, billed_sum, logged_sum)
      select $1, c.export_id, array_agg(c.line), array_agg(c.log_id), array_agg(c.billed),
        array_agg(c.logged) filter (where c.billed <> c.logged), sum(c.billed), sum(c.logged)
      from (%s) c group by c.export_id, c.line / 1024, c.billed <> c.logged
      returning cardinality(lines) as lines
    )
    select $2 + coalesce(sum(p.lines), 0) from packs p', matches)
    into inserted using reconciliation, inserted;
  return inserted;
end $function$;
comment on function quota.insert_items(uuid,regclass,regclass) is 'Stores items of a temporary table, in rows of their own or, where a line matches a log, packed together with those of a table of such alone; how many.';

CREATE OR REPLACE FUNCTION quota.instant_text(at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case when isfinite(at) then to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end
$function$;
comment on function quota.instant_text(timestamp with time zone) is 'ISO 8601 UTC with milliseconds; null: unbounded.';
grant execute on function quota.instant_text(timestamp with time zone) to quota_finance;
grant execute on function quota.instant_text(timestamp with time zone) to quota_operator;
grant execute on function quota.instant_text(timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.interval_text(every interval)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select nullif(concat_ws(' ',
    case
      when i.months = 0 then null
      when i.months % 12 = 0 then i.months / 12 || case when i.months = 12 then ' year' else ' years' end
      else i.months || case when i.months = 1 then ' month' else ' months' end
    end,
    case when i.days <> 0 then i.days || case when i.days = 1 then ' day' else ' days' end end,
    case
      when i.seconds = 0 then null
      when i.seconds % 3600 = 0
        then i.seconds / 3600 || case when i.seconds = 3600 then ' hour' else ' hours' end
      when i.seconds % 60 = 0
        then i.seconds / 60 || case when i.seconds = 60 then ' minute' else ' minutes' end
      else i.seconds || case when i.seconds = 1 then ' second' else ' seconds' end
    end), '')
  from (select
    (extract(year from every) * 12 + extract(month from every))::integer as months,
    extract(day from every)::integer as days,
    (extract(hour from every) * 3600 + extract(minute from every) * 60 + extract(second from every))::bigint
      as seconds) i
$function$;
comment on function quota.interval_text(interval) is 'The spelling of intervals in plan files: 1 month, 7 days.';
grant execute on function quota.interval_text(interval) to quota_finance;
grant execute on function quota.interval_text(interval) to quota_operator;
grant execute on function quota.interval_text(interval) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.is_app_login()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return exists (
    select from quota.logins l
    where l.role_name = session_user and l.speaks_for = 'app'
      and l.role_oid = quote_ident(session_user)::regrole);
end $function$;
comment on function quota.is_app_login() is 'Whether the login, under the name and the oid it was registered with, speaks for the whole app. Not a part of quota.is_plain_caller: with a look into a table that would not be inlined.';

CREATE OR REPLACE FUNCTION quota.is_call_known(p_provider text, p_key text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return exists (
    select from quota.call_keys k join quota.call_logs l on l.id = k.call_log_id
    where k.provider = p_provider and k.key = p_key);
end $function$;
comment on function quota.is_call_known(text,text) is 'Whether there is a call of this key in any month. To be asked where call_logs is partitioned.';

CREATE OR REPLACE FUNCTION quota.is_endless(p_quantity numeric, p_cost numeric, p_metadata jsonb, p_texts text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select p_quantity < 0 or p_cost < 0 or greatest(p_quantity, p_cost) >= 1e9
    or greatest(scale(p_quantity), scale(p_cost)) > 6 or pg_column_size(p_metadata) > 40000
    or octet_length(p_texts) > 255
$function$;
comment on function quota.is_endless(numeric,numeric,jsonb,text) is 'Whether what is told of a call has to be looked at closely: quickly, for hardly any has. Inlined.';

CREATE OR REPLACE FUNCTION quota.is_estimate(settled_by text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select settled_by in ('nobody', 'reservation', 'heartbeat') $function$;
comment on function quota.is_estimate(text) is 'Whether what a call came to is an estimate, which its end, the bill or an operator replaces; null: nobody but the end told it. Inlined.';
grant execute on function quota.is_estimate(text) to quota_finance;
grant execute on function quota.is_estimate(text) to quota_operator;
grant execute on function quota.is_estimate(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.is_exhausted(used numeric, allowance numeric, cost numeric, cost_limit numeric)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select coalesce(used >= allowance, false) or coalesce(cost >= cost_limit, false) $function$;
comment on function quota.is_exhausted(numeric,numeric,numeric,numeric) is 'Whether nothing is left: the allowance or the cost limit is reached.';
grant execute on function quota.is_exhausted(numeric,numeric,numeric,numeric) to quota_finance;
grant execute on function quota.is_exhausted(numeric,numeric,numeric,numeric) to quota_operator;
grant execute on function quota.is_exhausted(numeric,numeric,numeric,numeric) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.is_known_zone(tz text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
begin
  perform timestamp '2000-01-01' at time zone tz;
  return tz is not null;
exception when invalid_parameter_value then
  return false;
end $function$;
comment on function quota.is_known_zone(text) is 'Whether this server can reckon in a time zone. One that it could when it was stored may be gone with an update of its time zone data.';
grant execute on function quota.is_known_zone(text) to quota_finance;
grant execute on function quota.is_known_zone(text) to quota_operator;
grant execute on function quota.is_known_zone(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.is_live(p_service text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$ select coalesce(bool_or(m.is_live), false) from quota.meters m where m.service = p_service $function$;
comment on function quota.is_live(text) is 'Whether the seconds of a service pass in real time, as those of a call do, and those of a transcript do not.';
grant execute on function quota.is_live(text) to quota_finance;
grant execute on function quota.is_live(text) to quota_operator;
grant execute on function quota.is_live(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.is_plain_caller()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  -- Inlined, and right in security definer functions only, where current_user is the owner: nobody else may
  -- call it. What is not plain is looked at by quota.caller().
  select current_setting('role') = 'none' and (session_user = current_user or quota.is_app_login())
$function$;
comment on function quota.is_plain_caller() is 'The short way of quota.caller() for whoever calls all day: true only where that says "all", for a login without a set role that is the owner or registered as the whole app.';

CREATE OR REPLACE FUNCTION quota.is_raised(former_allowance numeric, former_cost_limit numeric, allowance numeric, cost_limit numeric)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  -- Null: there was no such limit, or none is there now.
  select coalesce(allowance > former_allowance, former_allowance is not null and allowance is null)
    or coalesce(cost_limit > former_cost_limit, former_cost_limit is not null and cost_limit is null)
$function$;
comment on function quota.is_raised(numeric,numeric,numeric,numeric) is 'Whether an allowance or a cost limit is more than it was.';

CREATE OR REPLACE FUNCTION quota.is_settled(g quota.grants, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
AS $function$ select coalesce(at >= g.settled_at and g.settled_at >= least(g.expires_at, g.revoked_at), false) $function$;
comment on function quota.is_settled(quota.grants,timestamp with time zone) is 'Whether the running quota was brought in line since a grant ended: then nothing counts the grant any more. What a clock that was ahead settled is not, until then.';
grant execute on function quota.is_settled(quota.grants,timestamp with time zone) to quota_finance;
grant execute on function quota.is_settled(quota.grants,timestamp with time zone) to quota_operator;
grant execute on function quota.is_settled(quota.grants,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.is_told_twice(p_quantities jsonb, p_seconds numeric, p_messages numeric)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  -- As they are kept: a column has rounded one of them already.
  select coalesce(round((p_quantities->>'seconds')::numeric, 3) <> round(p_seconds, 3), false)
    or coalesce((p_quantities->>'messages')::numeric <> p_messages, false)
$function$;
comment on function quota.is_told_twice(jsonb,numeric,numeric) is 'Whether seconds or messages are told among the quantities of a call and beside them, and differ.';
grant execute on function quota.is_told_twice(jsonb,numeric,numeric) to quota_finance;
grant execute on function quota.is_told_twice(jsonb,numeric,numeric) to quota_operator;
grant execute on function quota.is_told_twice(jsonb,numeric,numeric) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.is_undone(entry quota.adjustments)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select exists (
    select from quota.adjustments a
    where a.user_id = entry.user_id and a.meter = entry.meter and a.period_start = entry.period_start
      and a.kind = 'undone' and a.id > entry.id)
$function$;
comment on function quota.is_undone(quota.adjustments) is 'Whether a reset was taken back: what was used before it counts again, also what is told later.';
grant execute on function quota.is_undone(quota.adjustments) to quota_finance;
grant execute on function quota.is_undone(quota.adjustments) to quota_operator;
grant execute on function quota.is_undone(quota.adjustments) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.is_unlimited(a quota.assistants, l quota.assistant_limits)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select a.state = 'active' and not a.is_gated and a.held is distinct from 'original'
    and (l.assistant_id is null or l.desired <> 'limited' or l.status = 'gone')
$function$;
comment on function quota.is_unlimited(quota.assistants,quota.assistant_limits) is 'Whether an assistant, with what is recorded of its limit if anything is, is neither limited nor queued to be, and should be where its user is. Inlined.';
grant execute on function quota.is_unlimited(quota.assistants,quota.assistant_limits) to quota_finance;
grant execute on function quota.is_unlimited(quota.assistants,quota.assistant_limits) to quota_operator;
grant execute on function quota.is_unlimited(quota.assistants,quota.assistant_limits) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.is_zone_name(tz text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select case
    when tz = 'UTC' then true
    when tz ~ '^[A-Za-z_]+(/[A-Za-z0-9_+-]+)+$' then quota.is_known_zone(tz)
    -- Names without a place are few, and to be told from abbreviations and rules only by the list.
    else exists (select from pg_timezone_names n where n.name = tz)
  end
$function$;
comment on function quota.is_zone_name(text) is 'Whether a text is a name of the time zone database, as this server has it.';
grant execute on function quota.is_zone_name(text) to quota_finance;
grant execute on function quota.is_zone_name(text) to quota_operator;
grant execute on function quota.is_zone_name(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.keep_call_keys()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  keys bigint := 0;
  kept bigint := 0;
  doubtful bigint[];
begin
  if tg_op = 'UPDATE' then
    if not exists (
      select from old_rows o join new_rows n on n.id = o.id
      where (o.provider, o.provider_call_id, o.import_key)
        is distinct from (n.provider, n.provider_call_id, n.import_key))
    then
      return null;
    end if;
  end if;
  if tg_op <> 'INSERT' then
    delete from quota.call_keys k using old_rows o
    where k.call_log_id = o.id and k.provider = o.provider and k.key = o.provider_call_id;
    delete from quota.call_keys k using old_rows o
    where k.call_log_id = o.id and k.provider is null and k.key = o.import_key;
  end if;
  if tg_op = 'DELETE' then
    return null;
  end if;
  select count(n.provider || n.provider_call_id) + count(n.import_key) into keys from new_rows n;
  insert into quota.call_keys (provider, key, call_log_id)
  select n.provider, n.provider_call_id, n.id from new_rows n
  where n.provider is not null and n.provider_call_id is not null
  union all
  select null, n.import_key, n.id from new_rows n where n.import_key is not null
  order by 1, 2
  on conflict do nothing;
  get diagnostics kept = row_count;
  if kept < keys then
    select array_agg(n.id) into doubtful
    from new_rows n
    where not exists (select from quota.call_keys k where k.call_log_id = n.id
        and k.provider = n.provider and k.key = n.provider_call_id)
      or n.import_key is not null and not exists (select from quota.call_keys k where k.call_log_id = n.id
        and k.provider is null and k.key = n.import_key);
    perform quota.take_call_keys(doubtful);
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.keep_erased()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.external_id := 'erased-' || new.id;
  new.email := null;
  new.name := null;
  new.erased_at := old.erased_at;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION quota.keep_nobody_erased()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return case when not exists (
    select from quota.users u where u.id = new.user_id and u.erased_at is not null) then new end;
end $function$;
comment on function quota.keep_nobody_erased() is 'Work that goes on after an erasure, such as restoring assistants, writes nothing down about the person again.';

CREATE OR REPLACE FUNCTION quota.keep_nobody_named()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if exists (select from quota.users u where u.id = new.user_id and u.erased_at is not null) then
    new := jsonb_populate_record(new, tg_argv[0]::jsonb);
  end if;
  return new;
end $function$;
comment on function quota.keep_nobody_named() is 'Text that may name a person: whatever is told later, rows of an erased user have the values of the argument instead.';

CREATE OR REPLACE FUNCTION quota.keep_owner_unnamed()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if exists (
    select from quota.users u where u.id in (new.user_id, new.owner_id) and u.erased_at is not null)
  then
    new.reason := 'erased';
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION quota.keep_reason_apart()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  own_salt uuid := gen_random_uuid();
begin
  if exists (select from quota.users u where u.id = new.user_id and u.erased_at is not null) then
    new.reason := null;
    return new;
  end if;
  insert into quota.audit_reasons (audit_id, user_id, salt, reason)
  values (new.id, new.user_id, own_salt, new.reason);
  new.reason := quota.reason_digest(own_salt, new.reason);
  return new;
end $function$;

CREATE OR REPLACE FUNCTION quota.keep_resets(users uuid[], services text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  -- In each period that holds: what was used before the last manual reset within it is nothing, and what it
  -- cost. The correction is dated like that reset, and is one of the facts like it (R1). It gives nothing
  -- where more was taken back of before the reset than was told late.
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason, created_at)
  select q.user_id, q.meter, q.period_start, 'reset_carried', -greatest(left_over.quantity, 0),
    -greatest(left_over.cost, 0), 'carried over: ' || last.reason, last.created_at
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  join quota.usage_quotas q on q.user_id = u.user_id and q.meter = m.key and not q.superseded
  cross join lateral quota.last_manual_reset(q) last
  cross join lateral quota.usage_until(q, last.created_at) left_over
  where left_over.quantity > 0 or left_over.cost > 0
  order by q.user_id, q.meter, q.period_start;
end $function$;
comment on function quota.keep_resets(uuid[],text[]) is 'Keeps what a manual reset took off taken off, however time was cut anew since, and whatever of before it is told later. The caller holds the subscriptions.';

CREATE OR REPLACE FUNCTION quota.keep_simple_plans()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  wanted quota.simple_plans[];
begin
  select array_agg((p.key, m.key, m.unit, coalesce(m.changed_at, '-infinity'), p.allowed_models,
    p.features)::quota.simple_plans)
  into wanted
  from quota.plans p
  join quota.meters m on m.service = p.service
  where m.unit in ('second', 'message') and m.models is null and m.measure is null
    and p.max_concurrent is distinct from 0
    and not exists (select from quota.meters o where o.service = m.service and o.key <> m.key)
    and array(select l.meter from quota.plan_limits l where l.plan = p.key) = array[m.key];
  delete from quota.simple_plans s
  where not exists (select from unnest(wanted) w where w is not distinct from s);
  insert into quota.simple_plans select w.* from unnest(wanted) w on conflict do nothing;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.keeps_cache()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$ select exists (select 1 from quota.cache_state) $function$;
comment on function quota.keeps_cache() is 'Whether an app keeps counters in a cache.';
grant execute on function quota.keeps_cache() to quota_operator;

CREATE OR REPLACE FUNCTION quota.keeps_mirrors()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$ select exists (select from quota.adopt_mirrors) $function$;
comment on function quota.keeps_mirrors() is 'Whether columns of an adopted product follow ours.';
grant execute on function quota.keeps_mirrors() to quota_operator;

CREATE OR REPLACE FUNCTION quota.known_logins()
 RETURNS TABLE(role_name name, speaks_for text, external_id text, claim text, state text, is_member boolean, registered_at timestamp with time zone, registered_by text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select l.role_name, l.speaks_for, u.external_id, l.claim,
    case when r.oid is null then 'gone' when r.rolname <> l.role_name then 'renamed'
      when l.is_carried then 'carried' else 'registered' end,
    coalesce(pg_has_role(r.oid, to_regrole('quota_app'), 'usage'), false), l.registered_at, l.registered_by
  from quota.logins l
  left join pg_roles r on r.oid = l.role_oid
  left join quota.users u on u.id = l.user_id
  where (select quota.bound_user()) is null or l.user_id = (select quota.bound_user())
  union all
  select r.rolname, null, null, null, 'refused', true, null, null
  from pg_roles r
  where (select quota.bound_user()) is null
    and pg_has_role(r.oid, to_regrole('quota_app'), 'usage') and r.rolname <> 'quota_app'
    and not exists (select from quota.logins l where l.role_oid = r.oid or l.role_name = r.rolname)
    and (quota.role_standing(r.rolname)).standing = 'unregistered'
  order by 1
$function$;
comment on function quota.known_logins() is 'The roles that are registered, and the members of quota_app that are not and so are refused. state: registered, carried (by an upgrade, to be looked at), renamed or gone (then refused, too), refused. Whoever speaks for one user sees the logins of that user only.';
grant execute on function quota.known_logins() to quota_finance;
grant execute on function quota.known_logins() to quota_operator;
grant execute on function quota.known_logins() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.known_or_new(p_user uuid, OUT id uuid, OUT created_at timestamp with time zone, OUT timezone text)
 RETURNS SETOF record
 LANGUAGE sql
 STABLE
AS $function$
  select u.id, u.created_at, u.timezone from quota.users u where u.id = p_user
  union all
  select p_user, quota.now(), 'UTC' where p_user = quota.newcomer()
$function$;
comment on function quota.known_or_new(uuid) is 'The signup and the zone of a user; for quota.newcomer() those of one who signs up now.';

CREATE OR REPLACE FUNCTION quota.last_manual_reset(q quota.usage_quotas)
 RETURNS TABLE(created_at timestamp with time zone, reason text)
 LANGUAGE sql
 STABLE
AS $function$
  select a.created_at, a.reason from quota.adjustments a
  where a.user_id = q.user_id and a.meter = q.meter and a.kind = 'reset'
    and a.created_at >= q.period_start and a.created_at < q.period_end
    and not quota.is_undone(a)
  order by a.created_at desc, a.id desc limit 1
$function$;
comment on function quota.last_manual_reset(quota.usage_quotas) is 'The last reset by an operator within a period, unless it was taken back; no row: there was none.';
grant execute on function quota.last_manual_reset(quota.usage_quotas) to quota_finance;
grant execute on function quota.last_manual_reset(quota.usage_quotas) to quota_operator;
grant execute on function quota.last_manual_reset(quota.usage_quotas) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.last_reset(p_user uuid, p_meter text, p_period_start timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  select greatest(nullif(p_period_start, '-infinity'), (
    select max(a.created_at) from quota.adjustments a
    where a.user_id = p_user and a.meter = p_meter and a.period_start = p_period_start and a.kind = 'reset'
      and not quota.is_undone(a)))
$function$;
comment on function quota.last_reset(uuid,text,timestamp with time zone) is 'When a meter last began at nothing: with its period, or by a reset of an operator in it; null: never, of a lifetime.';

CREATE OR REPLACE FUNCTION quota.lay_out_source(p_source integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  source quota.adopt_sources;
begin
  select * into source from quota.adopt_sources s where s.id = p_source for no key update;
  -- What was attached before there was a layout goes on by its keys.
  if source.kind = 'calls' and source.backfilled_at is null
    and to_regprocedure(format('quota_adopt.source_%s_lay_out()', p_source)) is not null and (
    source.backfilled_to is null or to_regclass(format('quota_adopt.work_%s', p_source)) is null)
  then
    execute format('select quota_adopt.source_%s_lay_out()', p_source);
    update quota.adopt_sources s set backfilled_to = '0' where s.id = p_source;
  end if;
end $function$;
comment on function quota.lay_out_source(integer) is 'Lays out what a backfill of calls has to go through, user by user, where that is not done yet.';

CREATE OR REPLACE FUNCTION quota.lease_length(p_user uuid, p_service text)
 RETURNS interval
 LANGUAGE sql
 STABLE
AS $function$
  select make_interval(secs => coalesce((
    select p.lease_seconds
    from quota.subscriptions s join quota.plans p on p.key = s.plan
    where s.user_id = p_user and s.service = p_service
  ), case when quota.is_live(p_service) then 90 else 3600 end)::float8)
$function$;
comment on function quota.lease_length(uuid,text) is 'How long a session of a user is taken to be alive after a sign of life: as the plan says, else 90 seconds where seconds pass in real time, and an hour for jobs.';

CREATE OR REPLACE FUNCTION quota.lease_quantity(lease quota.concurrent_processing, p_is_live boolean, at timestamp with time zone)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select coalesce(lease.progress, case
    when p_is_live
      then least(lease.reserved, round(greatest(extract(epoch from at - lease.started_at), 0), 3))
    else lease.reserved
  end)
$function$;
comment on function quota.lease_quantity(quota.concurrent_processing,boolean,timestamp with time zone) is 'What a session is settled at when nobody tells its end: its last sign of life, else what it had reserved, on live meters no more than the time since its start.';
grant execute on function quota.lease_quantity(quota.concurrent_processing,boolean,timestamp with time zone) to quota_finance;
grant execute on function quota.lease_quantity(quota.concurrent_processing,boolean,timestamp with time zone) to quota_operator;
grant execute on function quota.lease_quantity(quota.concurrent_processing,boolean,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.leased_session(p_user uuid, p_service text, p_key text)
 RETURNS bigint
 LANGUAGE sql
 STABLE
AS $function$
  select l.id
  from quota.concurrent_processing c join quota.call_logs l on l.id = c.call_log_id
  where c.user_id = p_user and c.service = p_service
    and (l.provider_call_id = p_key or l.id::text = p_key)
  order by l.provider_call_id = p_key desc, l.id desc
  limit 1
$function$;
comment on function quota.leased_session(uuid,text,text) is 'The running session of a user by the app''s key, or by ours; null: there is none.';

CREATE OR REPLACE FUNCTION quota.left_after(p_user uuid, p_service text, p_model text)
 RETURNS quota.check_result
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  told text := current_setting('quota.counted', true);
  counted quota.counted_usage;
  answer quota.check_result;
begin
  if coalesce(told, '') in ('', 'asked') then
    return quota.decide(p_user, p_service, p_model, p_tells_meters => false);
  end if;
  counted := told;
  answer.used := counted.used;
  answer."limit" := counted.limit_quantity;
  answer.remaining := counted.limit_quantity - counted.used;
  answer.state := 'ok';
  answer.cost := counted.cost;
  answer.runs_out_at := to_timestamp(counted.runs_out_at::float8);
  return answer;
end $function$;
comment on function quota.left_after(uuid,text,text) is 'What is left after the call that was logged a moment ago, in the fields that quota.record answers: as quota.count_call told in quota.counted, which was "asked" before; else as quota.decide says.';

CREATE OR REPLACE FUNCTION quota.left_by_partition()
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- Whoever divides the calls holds a lock of its own until it is through.
  select l.what
  from (
    select 1 as place, format('refuses calls that do not meet %s', pg_get_constraintdef(o.oid)) as what
    from pg_constraint o
    where o.conrelid = to_regclass('quota.call_logs') and o.conname = 'call_logs_partition_border'
    union all
    select 2, format('index %s', to_regclass('quota.call_logs_partition_key'))
    where to_regclass('quota.call_logs_partition_key') is not null
    union all
    select 3, 'table quota.call_keys' where to_regclass('quota.call_keys') is not null
  ) l
  where to_regclass('quota.call_logs_rest') is null and not exists (
    select from pg_locks k
    where k.locktype = 'advisory' and k.objsubid = 1 and k.granted
      and k.database = (select d.oid from pg_database d where d.datname = current_database())
      and (k.classid::bigint << 32 | k.objid::bigint) = quota.lock_key('db partition'))
  order by l.place
$function$;
comment on function quota.left_by_partition() is 'What a quota db partition that is gone left on call_logs before it was through.';
grant execute on function quota.left_by_partition() to quota_finance;
grant execute on function quota.left_by_partition() to quota_operator;
grant execute on function quota.left_by_partition() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.lift_limits(users uuid[], reason text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  limited_users uuid[];
  limited_services text[];
begin
  perform quota.refuse_other_users(users);
  perform quota.hold_subscriptions(users);
  select array_agg(s.user_id), array_agg(s.service) into limited_users, limited_services
  from quota.subscriptions s
  where s.user_id = any (users) and s.limit_enforced_at is not null;
  perform quota.hold_assistants(users);
  update quota.assistants a set held = null where a.user_id = any (users) and a.held is not null;
  if limited_users is not null then
    insert into quota.audit_log (action, user_id, service, reason, before, after)
    select 'limit.lifted', s.user_id, s.service, lift_limits.reason,
      jsonb_build_object('limitEnforcedAt', s.limit_enforced_at), jsonb_build_object('limitEnforcedAt', null)
    from quota.subscriptions s
    where (s.user_id, s.service) in (select * from unnest(limited_users, limited_services));
    perform quota.mark_limited(limited_users, limited_services, false);
  end if;
  -- Also those that are left limited although no limit of their user says so.
  perform quota.queue_assistants(users, 'original');
  return (
    select count(*) from quota.assistant_limits l
    where l.user_id = any (users) and l.desired = 'original' and l.status in ('pending', 'failed'));
end $function$;
comment on function quota.lift_limits(uuid[],text) is 'Lifts the limits of users by hand, whatever they have used; returns how many of their assistants are queued.';
grant execute on function quota.lift_limits(uuid[],text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.lift_reset_limits(p_user uuid, p_meters text[])
 RETURNS text[]
 LANGUAGE plpgsql
AS $function$
declare
  freed text[];
begin
  select array_agg(s.service order by s.service) into freed
  from quota.subscriptions s
  where s.user_id = p_user and s.limit_enforced_at is not null
    and exists (
      select from quota.current_quotas(p_user) c
      where c.service = s.service and c.on_exceeded = 'limit_assistants' and c.meter = any (p_meters))
    and not quota.must_be_limited(s.user_id, s.service);
  if freed is not null then
    perform quota.mark_limited(array_fill(p_user, array[cardinality(freed)]), freed, false);
  end if;
  return freed;
end $function$;
comment on function quota.lift_reset_limits(uuid,text[]) is 'After a reset of these meters: lifts the limits of their services, whatever they came from, unless one is still used up. The services that were freed; null: none.';

CREATE OR REPLACE FUNCTION quota.lift_services(p_user uuid, p_services text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.mark_limited(
    array_fill(p_user, array[cardinality(p_services)]), p_services, false);
end $function$;
comment on function quota.lift_services(uuid,text[]) is 'Lifts the limits of services of a user, whatever they came from, and queues the restore of the assistants: for a reset from the terminal, which says in its own audit row which.';
grant execute on function quota.lift_services(uuid,text[]) to quota_operator;

CREATE OR REPLACE FUNCTION quota.lift_spent_limits(users uuid[], services text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  freed_users uuid[];
  freed_services text[];
begin
  select array_agg(s.user_id order by s.user_id, s.service),
    array_agg(s.service order by s.user_id, s.service)
  into freed_users, freed_services
  from unnest(users, services) u(user_id, service)
  join quota.subscriptions s using (user_id, service)
  where s.limit_enforced_at is not null and not quota.must_be_limited(s.user_id, s.service);
  if freed_users is not null then
    perform quota.mark_limited(freed_users, freed_services, false);
  end if;
end $function$;
comment on function quota.lift_spent_limits(uuid[],text[]) is 'Lifts the limits of (user, service) pairs whose quota is over, or gone with the former plan.';

CREATE OR REPLACE FUNCTION quota.like_patterns(models text[])
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select array_agg(lower(replace(replace(replace(replace(name, '\', '\\'), '_', '\_'), '%', '\%'), '*', '%'))
    order by name)
  from unnest(models) name
$function$;
comment on function quota.like_patterns(text[]) is 'Models, "*" for any text, as like takes them, in small letters; null: all models.';
grant execute on function quota.like_patterns(text[]) to quota_finance;
grant execute on function quota.like_patterns(text[]) to quota_operator;
grant execute on function quota.like_patterns(text[]) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.limit_anchor(reset_anchor text, boundary text, anchor_local timestamp without time zone)
 RETURNS timestamp without time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when reset_anchor = 'calendar' then timestamp '2000-01-01 00:00'
    when boundary = 'instant' then anchor_local
    else date_trunc('day', anchor_local)
  end
$function$;
comment on function quota.limit_anchor(text,text,timestamp without time zone) is 'The anchor of a plan limit for a subscription: the first of a month, the signup''s midnight or its clock time.';
grant execute on function quota.limit_anchor(text,text,timestamp without time zone) to quota_finance;
grant execute on function quota.limit_anchor(text,text,timestamp without time zone) to quota_operator;
grant execute on function quota.limit_anchor(text,text,timestamp without time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.limit_as_owners(owners uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  limited_owners uuid[];
begin
  select array_agg(distinct s.user_id) into limited_owners
  from quota.subscriptions s where s.user_id = any (owners) and s.limit_enforced_at is not null;
  if limited_owners is not null then
    perform quota.queue_assistants(limited_owners, 'limited');
  end if;
end $function$;
comment on function quota.limit_as_owners(uuid[]) is 'Queues the assistants of those of the owners who are limited to become so, too. The caller holds subscriptions and assistants.';

CREATE OR REPLACE FUNCTION quota.limit_assistants(p_assistants uuid[], p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  owners uuid[] := array(select distinct a.user_id from quota.assistants a where a.id = any (p_assistants));
begin
  perform quota.refuse_other_users(owners);
  perform quota.hold_subscriptions(owners);
  perform quota.hold_assistants(owners);
  with held as (
    update quota.assistants a set held = 'limited'
    where a.id = any (p_assistants) and not a.is_gated and a.held is distinct from 'limited'
    returning a.user_id, a.provider_assistant_id
  )
  insert into quota.audit_log (action, user_id, subject, reason, after)
  select 'assistant.limit_applied', h.user_id, h.provider_assistant_id, p_reason, '{"held": "limited"}'
  from held h;
  perform quota.queue_changes(array(
    select a.id from quota.assistants a where a.id = any (p_assistants) and a.held = 'limited'), 'limited');
end $function$;
comment on function quota.limit_assistants(uuid[],text) is 'Limits assistants by hand, whatever their users are, until they are restored by hand.';
grant execute on function quota.limit_assistants(uuid[],text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.limit_found(p_assistants uuid[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  owners uuid[] := array(select distinct a.user_id from quota.assistants a where a.id = any (p_assistants));
begin
  perform quota.revive_assistants(p_assistants, null);
  perform quota.limit_as_owners(owners);
end $function$;
comment on function quota.limit_found(uuid[]) is 'Assistants that an adopted product has given up and has again are limited where their users are.';

CREATE OR REPLACE FUNCTION quota.limit_overrides_changed()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if tg_op = 'DELETE' then
    perform quota.retake_terms(array(select distinct user_id from old_rows));
  elsif tg_op = 'INSERT' then
    perform quota.retake_terms(array(select distinct user_id from new_rows));
  else
    perform quota.retake_terms(array(select user_id from new_rows union select user_id from old_rows));
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.limit_users(users uuid[], reason text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  limiting_users uuid[];
  limiting_services text[];
begin
  perform quota.refuse_other_users(users);
  -- Who has no plan that answers excess with limited assistants gets the default one, as with a first call.
  select array_agg(p.user_id), array_agg(p.service) into limiting_users, limiting_services
  from (
    select s.user_id, s.service
    from quota.subscriptions s
    where s.user_id = any (users) and exists (
      select 1 from quota.plan_limits l where l.plan = s.plan and l.on_exceeded = 'limit_assistants')
    union
    select u.user_id, p.service
    from unnest(users) u(user_id)
    join quota.plans p on p.is_default and exists (
      select 1 from quota.plan_limits l where l.plan = p.key and l.on_exceeded = 'limit_assistants')
    where not exists (
      select 1 from quota.subscriptions s where s.user_id = u.user_id and s.service = p.service)
  ) p;
  if limiting_users is null then
    return 0;
  end if;
  perform quota.lock_subscriptions(limiting_users, limiting_services);
  update quota.assistants a set held = null where a.user_id = any (users) and a.held = 'original';
  insert into quota.audit_log (action, user_id, service, reason, before, after)
  select 'limit.applied', s.user_id, s.service, limit_users.reason,
    jsonb_build_object('limitEnforcedAt', s.limit_enforced_at),
    jsonb_build_object('limitEnforcedAt', quota.now())
  from quota.subscriptions s
  where (s.user_id, s.service) in (select * from unnest(limiting_users, limiting_services))
    and s.limit_enforced_at is null;
  perform quota.mark_limited(limiting_users, limiting_services, true);
  return (
    select count(*) from quota.assistant_limits l
    where l.user_id = any (users) and l.desired = 'limited' and l.status in ('pending', 'failed'));
end $function$;
comment on function quota.limit_users(uuid[],text) is 'Limits users by hand, until their next reset or until somebody lifts it; returns how many of their assistants are queued.';
grant execute on function quota.limit_users(uuid[],text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.limited_state(p_user uuid)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$
  select p.limited_state
  from quota.subscriptions s join quota.plans p on p.key = s.plan
  where s.user_id = p_user and p.limited_state is not null
  order by s.limit_enforced_at is null, s.service
  limit 1
$function$;
comment on function quota.limited_state(uuid) is 'The limited state of the plan that limits a user, else of any plan that has one; null: the configured default.';
grant execute on function quota.limited_state(uuid) to quota_finance;
grant execute on function quota.limited_state(uuid) to quota_operator;
grant execute on function quota.limited_state(uuid) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.line_at(l quota.billing_lines)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select coalesce(l.started_at, l.created_at) $function$;
comment on function quota.line_at(quota.billing_lines) is 'The instant that decides which month a line belongs to.';

CREATE OR REPLACE FUNCTION quota.line_key(export_id integer, line integer)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select (export_id::bigint << 32) | line $function$;
comment on function quota.line_key(integer,integer) is 'A line as one number, which is looked up faster than two.';

CREATE OR REPLACE FUNCTION quota.line_kind(l quota.billing_lines, month_start timestamp with time zone, month_end timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when coalesce(l.started_at, l.created_at) < month_start
      or coalesce(l.started_at, l.created_at) >= month_end
      then 'outside_month'
    when l.started_at is null and coalesce(l.cost, 0) = 0
      and (l.status in ('ended', 'untimed') or l.ended_at is not null)
      then 'not_connected'
    when l.ended_at is null and l.duration_seconds is null and l.status is distinct from 'untimed'
      and (l.started_at is not null or l.status is distinct from 'ended') then 'unsettled'
    -- Of a file that has the same row of a call twice.
    when l.status = 'repeated' then 'duplicate_line'
  end
$function$;
comment on function quota.line_kind(quota.billing_lines,timestamp with time zone,timestamp with time zone) is 'The kind of a call line by itself; null: its repetitions and its log decide.';

CREATE OR REPLACE FUNCTION quota.lock_allowance(p_user uuid, p_service text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.hold_subscriptions(array[p_user], array[p_service]);
  -- A look of its own, which sees what is so once the lock is held. Nearly always all is open: what opens it
  -- reads a dozen tables, and to plan that was more than half of the first call of a connection.
  if coalesce((
    select bool_or(not exists (
      select from quota.usage_quotas q
      where q.user_id = p_user and q.meter = l.meter and quota.contains(q, quota.now())
        and not q.superseded))
    from quota.subscriptions s
    join quota.plan_limits l on l.plan = s.plan
    where s.user_id = p_user and s.service = p_service), true)
  then
    perform quota.open_running(array[p_user], array[p_service]);
  end if;
end $function$;
comment on function quota.lock_allowance(uuid,text) is 'Opens and locks the running quotas of a user''s service, so that changes to its allowance are made one after another.';

CREATE OR REPLACE FUNCTION quota.lock_key(p_name text)
 RETURNS bigint
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select hashtextextended('quota ' || p_name, s.seed)
  from quota.lock_seeds s where s.name in ('', p_name) order by s.name desc limit 1
$function$;
comment on function quota.lock_key(text) is 'The number of an advisory lock of this database, such as that of "job purge": nobody else can reckon it.';
grant execute on function quota.lock_key(text) to quota_finance;
grant execute on function quota.lock_key(text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.lock_subscriptions(users uuid[], services text[])
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  missing_users uuid[];
  missing_services text[];
begin
  select array_agg(p.user_id), array_agg(p.service) into missing_users, missing_services
  from unnest(users, services) p(user_id, service)
  where not exists (select from quota.subscriptions s where s.user_id = p.user_id and s.service = p.service);
  if missing_users is not null then
    perform set_config('quota.counting', 'on', true);
    perform quota.subscribe_to_defaults(missing_users, missing_services);
    perform set_config('quota.counting', '', true);
  end if;
  -- Since when this transaction keeps others of these users waiting, for who loads many calls.
  if coalesce(current_setting('quota.held_since', true), '') = '' then
    perform set_config('quota.held_since', clock_timestamp()::text, true);
  end if;
  perform quota.hold_subscriptions(users, services);
  if missing_users is null then
    return false;
  end if;
  perform quota.refresh_quotas(users, services, false);
  return true;
end $function$;
comment on function quota.lock_subscriptions(uuid[],text[]) is 'Locks the subscriptions of (user, service) pairs until the transaction ends; puts those that have none on the default plan. True: there were such, and the calls of all pairs have been counted. Once per transaction, before anything else.';

CREATE OR REPLACE FUNCTION quota.logs_beside(r quota.reconciliations, month_start timestamp with time zone, month_end timestamp with time zone, around_start timestamp with time zone, around_end timestamp with time zone)
 RETURNS SETOF quota.call_logs
 LANGUAGE sql
 STABLE
AS $function$
  select g.*
  from quota.call_logs g
  where g.provider = r.provider
    and (g.started_at >= around_start and g.started_at < month_start
      or g.started_at >= month_end and g.started_at <= around_end)
    and not exists (
      select 1 from pg_temp.computed_rows c where c.log_id = g.id)
    and not exists (
      select 1 from quota.reconciled_items i
      where i.log_id = g.id and i.export_id is not null and i.reconciliation_id in (
        select o.id from quota.reconciliations o
        where o.provider = r.provider and o.month in (r.month - interval '1 month',
          r.month + interval '1 month')))
$function$;
comment on function quota.logs_beside(quota.reconciliations,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone) is 'Logs just before and after the month that no line has, here or in the months beside.';

CREATE OR REPLACE FUNCTION quota.logs_told_elsewhere(r quota.reconciliations)
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE
AS $function$
  select i.log_id
  from quota.reconciliation_items i join quota.reconciliations o on o.id = i.reconciliation_id
  where i.log_month = r.month and i.kind <> 'outside_month' and o.provider = r.provider and o.id <> r.id
$function$;
comment on function quota.logs_told_elsewhere(quota.reconciliations) is 'Logs of the month whose lines, by the clock of the bill, belong to others: they are told there.';

CREATE OR REPLACE FUNCTION quota.look_again(quotas quota.usage_quotas[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update quota.usage_quotas q set alerted = null
  from unnest(quotas) c
  where q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
    and q.alerted is not null
$function$;
comment on function quota.look_again(quota.usage_quotas[]) is 'Notes that quotas are to be looked at: what crossed a threshold while their period did not run, which limits nobody (R9), is seen by whoever lists what has reached something.';

CREATE OR REPLACE FUNCTION quota.loose_lines(exports integer[], month_start timestamp with time zone, month_end timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.loose_lines, pg_temp.open_lines;
  -- They are few as a rule, and the planner has to know.
  analyze pg_temp.computed_rows;
  create temp table loose_lines on commit drop as
  select l.export_id, l.line, l.external_id, l.assistant_id, quota.line_at(l) as at, l.created_at,
    l.started_at, l.ended_at,
    l.duration_seconds, quota.stated_seconds(l.duration_seconds, l.status) as stated_seconds, l.cost,
    quota.part_keys(l.charge, l.started_at, l.ended_at, l.invoice_month) as parts,
    quota.line_kind(l, month_start, month_end) as kind, i.place, i.log_id,
    i.log_id is null or i.kind = 'outside_month'
      or i.log_id in (select d.log_id from pg_temp.repeated_logs d) as is_open
  from (select c.ctid as place, c.* from pg_temp.computed_rows c) i
  join quota.billing_lines l on l.export_id = i.export_id and l.line = i.line
  where l.export_id = any (exports);
  analyze pg_temp.loose_lines;

  create temp table open_lines on commit drop as
  select l.*, l.log_id as log_before, l.kind is distinct from 'duplicate_line' as takes_log, false as follows,
    l.cost as whole_cost
  from pg_temp.loose_lines l where l.is_open;
  analyze pg_temp.open_lines;
end $function$;
comment on function quota.loose_lines(integer[],timestamp with time zone,timestamp with time zone) is 'Makes the temporary tables loose_lines, the lines that do not plainly match: everything after the join by id looks at them alone. And open_lines, those that the join did not settle: they have no log around the month, share it, or belong to another month.';

CREATE OR REPLACE FUNCTION quota.make_call_month(p_month date)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  name text := 'call_logs_' || to_char(p_month, 'YYYY_MM');
  first timestamptz := p_month::timestamp at time zone 'UTC';
  until timestamptz := (p_month + interval '1 month') at time zone 'UTC';
begin
  execute format('create table quota.%I (like quota.call_logs including all excluding identity)', name);
  perform quota.fit_call_partition(name);
  -- What came before its month was made lies in the rest, which nobody may read or write until it is moved.
  lock table quota.call_logs_rest in access exclusive mode;
  execute format(
    'with moved as (delete from quota.call_logs_rest where started_at >= $1 and started_at < $2 returning *)
     insert into quota.%I select * from moved', name)
  using first, until;
  execute format('alter table quota.call_logs attach partition quota.%I for values from (%L) to (%L)',
    name, first, until);
end $function$;
comment on function quota.make_call_month(date) is 'Makes the partition of a month of call_logs, with what lies in call_logs_rest of it.';

CREATE OR REPLACE FUNCTION quota.make_call_months()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '1s'
AS $function$
declare
  month date;
  made integer := 0;
begin
  for month in select m from quota.missing_call_months() m loop
    perform quota.make_call_month(month);
    made := made + 1;
  end loop;
  return made;
end $function$;
comment on function quota.make_call_months() is 'Makes the partitions of call_logs that are missing; how many. Waits a second for a table that is in use. For the owner of the tables.';

CREATE OR REPLACE FUNCTION quota.make_due(users uuid[], services text[], ends timestamp with time zone[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update quota.subscriptions s set next_reset_at = o.period_end
  from (
    select o.user_id, o.service, min(o.period_end) as period_end
    from unnest(users, services, ends) o(user_id, service, period_end)
    group by o.user_id, o.service
  ) o
  where s.user_id = o.user_id and s.service = o.service and s.next_reset_at > o.period_end
$function$;
comment on function quota.make_due(uuid[],text[],timestamp with time zone[]) is 'Brings resets forward to the end of a past period that was opened by usage and that no reset has closed. The caller holds the subscriptions.';

CREATE OR REPLACE FUNCTION quota.mark_days()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  today timestamptz := date_trunc('day', clock_timestamp(), 'UTC');
begin
  -- Calls of today, as apps log them all day long, cost one look into an index. The clock closes a gap: a
  -- transaction whose snapshot is older than the claim of its day does not see the claim.
  if tg_op = 'INSERT' then
    if not exists (select from new_rows n where n.started_at < today)
      and not exists (select from quota.analytics_days d where d.day >= (today at time zone 'UTC')::date)
    then
      return null;
    end if;
    insert into quota.analytics_changes (day)
    select distinct quota.day_of(n.started_at) from new_rows n
    where n.started_at < today
      or exists (select 1 from quota.analytics_days d where d.day = quota.day_of(n.started_at))
    on conflict do nothing;
  elsif tg_op = 'DELETE' then
    insert into quota.analytics_changes (day)
    select distinct quota.day_of(o.started_at) from old_rows o
    where o.started_at < today
      or exists (select 1 from quota.analytics_days d where d.day = quota.day_of(o.started_at))
    on conflict do nothing;
  else
    insert into quota.analytics_changes (day)
    select distinct quota.day_of(c.started_at)
    from new_rows n
    join old_rows o using (id)
    cross join lateral (values (n.started_at), (o.started_at)) c(started_at)
    where (n.user_id, n.service, n.model, n.status, n.started_at, n.duration_seconds, n.messages, n.cost,
          n.file_size_bytes, n.quantities)
        is distinct from (o.user_id, o.service, o.model, o.status, o.started_at, o.duration_seconds,
          o.messages, o.cost, o.file_size_bytes, o.quantities)
      and (c.started_at < today
        or exists (select 1 from quota.analytics_days d where d.day = quota.day_of(c.started_at)))
    on conflict do nothing;
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.mark_given_back(exports integer[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.given_back, pg_temp.charged_again;
  create temp table given_back on commit drop as
  select c.ctid as place, l.export_id, quota.call_of_line(l) as call_id, -l.cost as cost,
    row_number() over (partition by l.export_id, quota.call_of_line(l), l.cost order by l.line) as nth
  from pg_temp.computed_rows c
  join quota.billing_lines l on l.export_id = c.export_id and l.line = c.line
  where c.kind = 'fee' and l.cost < 0 and quota.call_of_line(l) is not null;
  if not exists (select 1 from pg_temp.given_back) then
    return;
  end if;
  analyze pg_temp.given_back;
  -- One charge of a call is none too many, be it that of another file.
  create temp table charged_again on commit drop as
  select l.export_id, l.external_id, l.cost, l.line, c.kind, row_number() over (
    partition by l.export_id, l.external_id
    order by c.kind is not distinct from 'duplicate_line', l.cost, l.line) as place
  from quota.billing_lines l
  left join pg_temp.computed_rows c on c.export_id = l.export_id and c.line = l.line
  where l.export_id = any (exports) and l.kind = 'call'
    and l.external_id = any (array(select g.call_id from pg_temp.given_back g));
  update pg_temp.computed_rows c set kind = 'duplicate_line'
  from pg_temp.given_back g
  join (
    select a.*, row_number() over (partition by a.export_id, a.external_id, a.cost order by a.line) as nth
    from pg_temp.charged_again a where a.place > 1 and a.kind = 'duplicate_line'
  ) a on a.export_id = g.export_id and a.external_id = g.call_id and a.cost = g.cost and a.nth = g.nth
  where c.ctid = g.place;
end $function$;
comment on function quota.mark_given_back(integer[]) is 'Puts credits of computed_rows that give back what their file charged once more for the same call beside that charge, which counts in no sum: alone in it, the credit would take off what was charged once.';

CREATE OR REPLACE FUNCTION quota.mark_limited(users uuid[], services text[], limited boolean, since timestamp with time zone[] DEFAULT NULL::timestamp with time zone[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.hold_subscriptions(users, services);
  update quota.subscriptions s
  set limit_enforced_at = case when limited then coalesce(p.since, quota.now()) end
  from (
    select u.user_id, u.service, min(u.since) as since
    from unnest(users, services, since) u(user_id, service, since)
    group by u.user_id, u.service
  ) p
  where s.user_id = p.user_id and s.service = p.service and (s.limit_enforced_at is null) = limited;
  perform quota.queue_assistants(users, case when limited then 'limited' else 'original' end);
end $function$;
comment on function quota.mark_limited(uuid[],text[],boolean,timestamp with time zone[]) is 'Sets limit_enforced_at of (user, service) pairs, to what is given or now, or clears it, and queues their assistants accordingly.';

CREATE OR REPLACE FUNCTION quota.mark_parts()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.ranked_parts;
  create temp table ranked_parts on commit drop as
  select o.export_id, o.line, o.external_id, o.parts, row_number() over (
    partition by o.external_id
    order by o.started_at, o.ended_at, o.duration_seconds is null, o.cost, o.export_id, o.line) as place
  from pg_temp.open_lines o
  where o.parts is not null and o.takes_log and o.kind is null and o.external_id in (
    select external_id from pg_temp.open_lines group by 1 having count(*) > 1);
  analyze pg_temp.ranked_parts;
  update pg_temp.open_lines o set follows = true, takes_log = false
  from pg_temp.ranked_parts k
  where k.place > 1 and o.export_id = k.export_id and o.line = k.line and not exists (
    select 1 from pg_temp.ranked_parts e
    where e.external_id = k.external_id and e.place < k.place and e.parts && k.parts);
  update pg_temp.open_lines o set whole_cost = o.cost + f.cost
  from (select external_id, sum(cost) as cost from pg_temp.open_lines where follows group by 1) f
  where f.external_id = o.external_id and o.takes_log;
end $function$;
comment on function quota.mark_parts() is 'Marks those of open_lines that state further parts of a call which another file of the bill, or another invoice, begins: they are no repetitions.';

CREATE OR REPLACE FUNCTION quota.mark_repeated_sums(r quota.reconciliations, exports integer[], month_start timestamp with time zone, month_end timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.repeated_sums, pg_temp.month_sums;
  create temp table repeated_sums (export_id integer, line integer) on commit drop;
  create temp table month_sums on commit drop as
  select l.export_id, l.line, e.format, l.cost, l.charge::jsonb - 'row' as charge,
    case when l.kind = 'fee' then 'fee' when l.cost is null then coalesce(l.unit, '')
      else 'cost' end as states,
    coalesce(l.day, (quota.line_at(l) at time zone 'UTC')::date, 'epoch') as day,
    row_number() over (
      partition by l.export_id, l.kind, l.day, l.charge, l.started_at, l.ended_at, l.cost, l.quantity,
      l.description, l.model
      order by l.line) as copy
  from quota.billing_lines l join quota.billing_exports e on e.id = l.export_id
  where l.export_id = any (exports) and l.charge is not null
    and ((l.kind = 'aggregate' and l.day >= month_start::date and l.day < month_end::date)
      or (l.kind = 'fee' and coalesce(quota.line_at(l), month_start) >= month_start
        and coalesce(quota.line_at(l), month_start) < month_end));
  -- Providers group by what they print, so that two rows that agree in all of it are one. A hand may write
  -- two.
  insert into pg_temp.repeated_sums select s.export_id, s.line from pg_temp.month_sums s where s.copy > 1
    and s.format <> 'csv';
  delete from pg_temp.month_sums s where s.copy > 1 and s.format <> 'csv';
  delete from pg_temp.month_sums s
  where s.states in (select states from pg_temp.month_sums group by 1 having count(distinct export_id) = 1);
  if exists (select 1 from pg_temp.month_sums) then
    perform quota.rank_sums(month_end);
    perform quota.take_sums();
  end if;
end $function$;
comment on function quota.mark_repeated_sums(quota.reconciliations,integer[],timestamp with time zone,timestamp with time zone) is 'Makes the temporary table repeated_sums: the sums and fees of the month that another line states, too.';

CREATE OR REPLACE FUNCTION quota.mark_repetitions(r quota.reconciliations)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  earlier integer[];
begin
  -- A line of another month that an earlier export billed in its own month is billed again.
  select array_agg(distinct x.export_id) into earlier
  from quota.reconciliations other join quota.reconciliation_exports x on x.reconciliation_id = other.id
  where other.provider = r.provider and other.id <> r.id
    and other.month in (select date_trunc('month', o.at at time zone 'UTC') from pg_temp.open_lines o
      where o.kind = 'outside_month');
  if earlier is not null then
    update pg_temp.open_lines o set kind = 'duplicate_line', takes_log = false
    where o.kind = 'outside_month' and exists (
      select 1
      from quota.billing_lines l
      join quota.reconciliation_exports x on x.export_id = l.export_id
      join quota.reconciliations other on other.id = x.reconciliation_id
      where l.export_id = any (earlier) and l.export_id < o.export_id and l.external_id = o.external_id
        and other.provider = r.provider and other.id <> r.id
        and other.month = date_trunc('month', o.at at time zone 'UTC')
        -- Further parts of a call, on another invoice, were not billed before.
        and (o.parts is null
          or quota.part_keys(l.charge, l.started_at, l.ended_at, l.invoice_month) && o.parts));
  end if;

  if exists (select 1 from pg_temp.open_lines o where o.parts is not null) then
    perform quota.mark_parts();
  end if;

  -- One line of an id takes its log: a settled one before an unsettled one, the first of equals. Settled
  -- lines after the first are repetitions.
  update pg_temp.open_lines o
  set kind = coalesce(o.kind, 'duplicate_line'), takes_log = false
  from (
    select l.export_id, l.line, row_number() over (
      partition by l.external_id
      order by array_position(array['unsettled', 'not_connected', 'outside_month'], l.kind) nulls first,
        l.created_at, l.started_at, l.ended_at, l.duration_seconds, l.cost, l.export_id, l.line) as place
    from pg_temp.open_lines l where l.external_id is not null and l.takes_log
  ) ranked
  where ranked.place > 1 and o.export_id = ranked.export_id and o.line = ranked.line;

  update pg_temp.open_lines set log_id = null where not takes_log;
  update pg_temp.open_lines o set log_id = g.id
  from quota.call_logs g
  where o.takes_log and o.log_id is null and g.provider = r.provider and g.provider_call_id = o.external_id
    -- By an array, so that logs of shards are asked for these alone.
    and g.provider_call_id = any (array(
      select n.external_id from pg_temp.open_lines n
      where n.takes_log and n.log_id is null and n.external_id is not null));
end $function$;
comment on function quota.mark_repetitions(quota.reconciliations) is 'Finds the repetitions among open_lines, which take no log, and the logs of the others in any month.';

CREATE OR REPLACE FUNCTION quota.mark_unseen(used numeric, allowance numeric, cost numeric, cost_limit numeric, warn_at integer[])
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case when quota.is_exhausted(used, allowance, cost, cost_limit)
    or quota.percent_used(used, allowance, cost, cost_limit) >= any (warn_at) then null else 0 end
$function$;
comment on function quota.mark_unseen(numeric,numeric,numeric,numeric,integer[]) is 'What "alerted" of a quota is at first: 0, it has reached nothing; null, it is to be looked at.';

CREATE OR REPLACE FUNCTION quota.marks_differ(q quota.usage_quotas)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select not q.superseded
    and (quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)
        <> (q.exhausted_at is not null)
      or quota.highest_reached(q) is distinct from q.alerted)
$function$;
comment on function quota.marks_differ(quota.usage_quotas) is 'Whether what a quota is marked with, exhausted_at and alerted, is not what its figures come to, or is still to be seen. Of any period: quota.needs_enforcement asks it of the running one.';

CREATE OR REPLACE FUNCTION quota.match_by_id(r quota.reconciliations, exports integer[], month_start timestamp with time zone, month_end timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  -- Sums of an instant and an interval are not constants: in the query they would be formed for every log.
  around_start timestamptz := month_start - interval '1 day';
  around_end timestamptz := month_end + interval '1 day';
  coarse integer[] := quota.coarse_exports(exports);
  told bigint[] := array(select quota.logs_told_elsewhere(r));
begin
  -- One join with the logs around the month; the few logs of other months are looked up afterwards.
  create temp table computed_plain on commit drop as
  select g.id as log_id, l.export_id, l.line,
    case when g.started_at < month_start or g.started_at >= month_end
      then date_trunc('month', g.started_at at time zone 'UTC')::date end as log_month,
    case when l.export_id is null then case g.status when 'active' then 'unsettled' else 'unbilled' end
      else coalesce(l.kind, case when g.id is null then 'unlogged' else quota.pair_kind(
        l.owner, g.user_id, l.duration_seconds, g.duration_seconds, l.cost, g.cost,
        quota.duration_tolerance(r, l.export_id = any (coarse)), r.cost_tolerance) end)
    end as kind,
    coalesce(l.cost, 0) as billed, coalesce(g.cost, 0) as logged
  from (
    -- Only what the comparison needs goes into the join: narrow rows are most of its speed. The offset keeps
    -- them so.
    select l.export_id, l.line, l.external_id, a.user_id as owner,
      quota.line_kind(l, month_start, month_end) as kind,
      quota.stated_seconds(l.duration_seconds, l.status) as duration_seconds, l.cost
    from quota.billing_lines l left join quota.assistants a on a.provider_assistant_id = l.assistant_id
    where l.kind = 'call' and l.export_id = any (exports)
    offset 0
  ) l
  full join (
    select c.id, c.provider_call_id, c.user_id, c.status, c.started_at, c.duration_seconds, c.cost
    from quota.call_logs c
    where c.provider = r.provider and c.started_at >= around_start and c.started_at < around_end
  ) g on g.provider_call_id = l.external_id
  where l.export_id is not null
    or (g.started_at >= month_start and g.started_at < month_end and g.id <> all (told));
  perform quota.find_repeated_logs();

  -- Whatever is asked afterwards is asked about the few rows alone.
  with loose as (
    delete from pg_temp.computed_plain p
    where p.kind <> 'matched' or p.log_month is not null
      or p.log_id in (select d.log_id from pg_temp.repeated_logs d)
    returning p.*
  )
  insert into pg_temp.computed_rows (log_id, export_id, line, log_month, kind, billed, logged)
  select l.log_id, l.export_id, l.line, l.log_month, l.kind, l.billed, l.logged from loose l;
end $function$;
comment on function quota.match_by_id(quota.reconciliations,integer[],timestamp with time zone,timestamp with time zone) is 'Begins the answer: every call line and every log of the month, joined by id. What plainly matches is in computed_plain and stays there, the rest in computed_rows.';

CREATE OR REPLACE FUNCTION quota.match_calls(r quota.reconciliations, exports integer[], month_start timestamp with time zone, month_end timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform quota.match_by_id(r, exports, month_start, month_end);
  perform quota.loose_lines(exports, month_start, month_end);
  perform quota.mark_repetitions(r);
  perform quota.pair_by_time(r, month_start, month_end);
  perform quota.settle_open_lines(r, month_start, month_end);
end $function$;
comment on function quota.match_calls(quota.reconciliations,integer[],timestamp with time zone,timestamp with time zone) is 'Writes computed_plain and computed_rows: every call line of the exports and every log of the month, once, with its kind.';

CREATE OR REPLACE FUNCTION quota.measure_of(key text, unit text, rounding numeric, credit_seconds numeric)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case when unit not in ('second', 'message') or rounding is not null then jsonb_strip_nulls(
    jsonb_build_object('meter', key, 'rounding', rounding, 'creditSeconds', credit_seconds)) end
$function$;
comment on function quota.measure_of(text,text,numeric,numeric) is 'How a meter measures a call, for quota.quantity_of; null: by its seconds or its messages, as they are.';
grant execute on function quota.measure_of(text,text,numeric,numeric) to quota_finance;
grant execute on function quota.measure_of(text,text,numeric,numeric) to quota_operator;
grant execute on function quota.measure_of(text,text,numeric,numeric) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.measured(unit text, measure jsonb, status text, duration_seconds numeric, messages integer, file_bytes bigint, quantities jsonb)
 RETURNS numeric
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
declare
  size numeric := (measure->>'rounding')::numeric;
  quantity numeric := coalesce((quantities->>(measure->>'meter'))::numeric,
    (quantities->>(unit || 's'))::numeric,
    case unit
      when 'second' then duration_seconds
      when 'byte' then file_bytes
      when 'credit' then duration_seconds / (measure->>'creditSeconds')::numeric
      when 'token' then 0
      -- What failed was not delivered; tokens, bytes and seconds of it were spent all the same.
      else case when status = 'error' then 0 when unit = 'message' then coalesce(messages, 1) else 1 end
    end, 0);
begin
  return round(case when size is null then quantity else ceil(quantity / size) * size end, 3);
end $function$;
comment on function quota.measured(text,jsonb,text,numeric,integer,bigint,jsonb) is 'What a call counts on a meter that has a measure: as it is told of the meter or its unit, else of its length, its file or itself; each call rounded up where the meter says so.';
grant execute on function quota.measured(text,jsonb,text,numeric,integer,bigint,jsonb) to quota_finance;
grant execute on function quota.measured(text,jsonb,text,numeric,integer,bigint,jsonb) to quota_operator;
grant execute on function quota.measured(text,jsonb,text,numeric,integer,bigint,jsonb) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.mend_leases(batch_size integer, only_user uuid DEFAULT NULL::uuid)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  taken integer;
  mended integer;
begin
  delete from quota.concurrent_processing c
  where (c.user_id, c.id) in (
    select w.user_id, w.id from quota.wrong_leases(only_user) w where w.is_stray limit batch_size);
  get diagnostics taken = row_count;
  update quota.concurrent_processing c
  set started_at = l.started_at, reserved = greatest(c.cap, c.progress, 0)
  from quota.call_logs l
  where l.id = c.call_log_id and (c.user_id, c.id) in (
    select w.user_id, w.id from quota.wrong_leases(only_user) w where not w.is_stray limit batch_size);
  get diagnostics mended = row_count;
  return taken + mended;
end $function$;
comment on function quota.mend_leases(integer,uuid) is 'Takes away up to batch_size leases that no running session has, and puts up to as many right that differ from their calls; returns how many.';

CREATE OR REPLACE FUNCTION quota.meter_changes(p_definitions jsonb)
 RETURNS TABLE(user_id uuid, meter text, period_start timestamp with time zone, period_end timestamp with time zone, superseded boolean, used_before numeric, used_after numeric, cost_before numeric, cost_after numeric, calls_before integer, calls_after integer, exceeded_before boolean, exceeded_after boolean)
 LANGUAGE sql
 STABLE
AS $function$
  select q.user_id, q.meter, q.period_start, q.period_end, q.superseded, q.used, n.used, q.cost, n.cost,
    q.calls, n.calls, quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit),
    quota.is_exhausted(n.used, q.limit_quantity + q.granted, n.cost, q.cost_limit)
  from quota.meter_definitions(p_definitions) d
  join quota.meters m on m.key = d.key
    and (m.models, m.measure) is distinct from (d.models, d.measure)
  cross join lateral quota.periods_to_count(array[d.key]) q
  left join lateral quota.last_manual_reset(q) r on not q.superseded
  cross join lateral (
    select count(*)::integer as calls,
      -- What was before a reset stays nothing.
      coalesce(sum(c.quantity) filter (where c.counts), 0) as used, coalesce(sum(quota.cost_of(
        c.cost, d.unit, c.quantity, q.unit_price)) filter (where c.counts), 0) as cost
    from (
      select l.cost, r.created_at is null or l.started_at >= r.created_at as counts, quota.quantity_of(
        d.unit, d.measure, l.status, l.duration_seconds, l.messages, l.file_size_bytes, l.quantities)
        as quantity
      from quota.call_logs l
      where l.user_id = q.user_id and l.service = m.service and l.started_at >= q.period_start
        and l.started_at < q.period_end and quota.counts_model(d.models, d.patterns, l.model)
    ) c
  ) f
  cross join lateral (
    select coalesce(sum(a.quantity), 0) as quantity, coalesce(sum(a.cost), 0) as cost from quota.adjustments a
    where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
      and (r.created_at is null or a.created_at > r.created_at)
  ) a
  cross join lateral (
    select f.used + a.quantity as used, f.cost + a.cost as cost, f.calls as calls) n
  where (n.used, n.cost, n.calls) is distinct from (q.used, q.cost, q.calls)
$function$;
comment on function quota.meter_changes(jsonb) is 'What running periods, and those to come, would count otherwise if meters were defined so: the present figures and those after it.';
grant execute on function quota.meter_changes(jsonb) to quota_finance;
grant execute on function quota.meter_changes(jsonb) to quota_operator;
grant execute on function quota.meter_changes(jsonb) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.meter_definitions(p_definitions jsonb)
 RETURNS TABLE(key text, service text, unit text, models text[], rounding numeric, credit_seconds numeric, is_live boolean, patterns text[], measure jsonb)
 LANGUAGE sql
 STABLE
AS $function$
  select d.key, d.service, d.unit, d.models, d.rounding, d."creditSeconds", d."isLive",
    quota.like_patterns(d.models), quota.measure_of(d.key, d.unit, d.rounding, d."creditSeconds")
  from jsonb_to_recordset(p_definitions) d(key text, service text, unit text, models text[], rounding numeric,
    "creditSeconds" numeric, "isLive" boolean)
$function$;
comment on function quota.meter_definitions(jsonb) is 'Meters as files define them, with what their calls would be counted by.';
grant execute on function quota.meter_definitions(jsonb) to quota_finance;
grant execute on function quota.meter_definitions(jsonb) to quota_operator;
grant execute on function quota.meter_definitions(jsonb) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.meter_label(p_meter text, p_unit text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select replace(case p_unit
    when 'second' then regexp_replace(p_meter, '_seconds$', '') || '_minutes'
    else p_meter || case when p_meter like '%' || p_unit || 's' then '' else '_' || p_unit || 's' end end,
    '_', ' ')
$function$;
comment on function quota.meter_label(text,text) is 'A meter in words for people: voice minutes, premium messages, input tokens.';
grant execute on function quota.meter_label(text,text) to quota_finance;
grant execute on function quota.meter_label(text,text) to quota_operator;
grant execute on function quota.meter_label(text,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.meter_left(meter text, unit text, used numeric, limit_quantity numeric, remaining numeric, percent numeric, cost numeric, cost_limit numeric, resets_at timestamp with time zone)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$
  select jsonb_build_object('meter', meter, 'unit', unit, 'used', trim_scale(used)::text,
    'limit', trim_scale(limit_quantity)::text, 'remaining', trim_scale(greatest(remaining, 0))::text,
    'percent', percent::text, 'cost', trim_scale(cost)::text, 'cost_limit', trim_scale(cost_limit)::text,
    'resets_at', nullif(resets_at, 'infinity'))
$function$;
comment on function quota.meter_left(text,text,numeric,numeric,numeric,numeric,numeric,numeric,timestamp with time zone) is 'What is left of one meter, as quota.check answers it of each: quantities and money as exact decimals in text. Inlined.';

CREATE OR REPLACE FUNCTION quota.meter_unopened(p_user uuid, p_meter text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  answer jsonb;
begin
  -- In a language that keeps its plans: a check of somebody who has used nothing of one meter asks for this.
  select quota.meter_left(l.meter, m.unit, 0, t.limit_quantity,
    quota.remaining_of(t.limit_quantity + t.granted, 0, t.cost_limit, 0, m.unit, l.unit_price, 0),
    quota.percent_used(0, t.limit_quantity + t.granted, 0, t.cost_limit), 0, t.cost_limit,
    upper(quota.period_at(
      quota.limit_anchor(l.reset_anchor, l.boundary, s.anchor_local), l.reset_every, s.timezone,
      quota.now())))
  into answer
  from quota.meters m
  join quota.subscriptions s on s.user_id = p_user and s.service = m.service
  join quota.plan_limits l on l.plan = s.plan and l.meter = m.key
  left join quota.limit_overrides o on o.user_id = p_user and o.plan = s.plan and o.meter = m.key
  cross join lateral (select coalesce(o.limit_quantity, l.limit_quantity) as limit_quantity,
    coalesce(o.cost_limit, l.cost_limit) as cost_limit,
    case when exists (select from quota.grants g where g.user_id = p_user and g.meter = m.key)
      then quota.granted_now(p_user, m.key) else 0 end as granted) t
  where m.key = p_meter;
  return answer;
end $function$;
comment on function quota.meter_unopened(uuid,text) is 'What is left of a meter of which a user has used nothing in the running period, while no session of the user runs, as quota.meter_left tells it.';

CREATE OR REPLACE FUNCTION quota.meters_before_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  new.patterns := quota.like_patterns(new.models);
  new.measure := quota.measure_of(new.key, new.unit, new.rounding, new.credit_seconds);
  if tg_op = 'UPDATE' and (old.models, old.measure) is distinct from (new.models, new.measure) then
    insert into quota.former_meters (meter, until, models, patterns, measure)
    values (old.key, quota.now(), old.models, old.patterns, old.measure)
    on conflict do nothing;
    new.changed_at := quota.now();
  end if;
  return new;
end $function$;
comment on function quota.meters_before_write() is 'Makes of the models and the rounding of a meter what its calls are counted by, and keeps what it was: periods that are over go on being counted so.';

CREATE OR REPLACE FUNCTION quota.mirror_figures(p_user text, p_meter text, p_at timestamp with time zone)
 RETURNS TABLE(used numeric, allowance numeric, remaining numeric, granted numeric, cost numeric, cost_limit numeric, calls integer, exhausted boolean, exhausted_at timestamp with time zone, limit_enforced_at timestamp with time zone, last_reset_at timestamp with time zone, period_start timestamp with time zone, period_end timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(q.used, 0), a.allowance, greatest(a.allowance - coalesce(q.used, 0), 0),
    coalesce(q.granted, 0), coalesce(q.cost, 0), coalesce(q.cost_limit, l.cost_limit), coalesce(q.calls, 0),
    q.exhausted_at is not null, q.exhausted_at, s.limit_enforced_at, s.last_reset_at,
    nullif(q.period_start, '-infinity'), nullif(q.period_end, 'infinity')
  from quota.users u
  join quota.meters m on m.key = p_meter
  join quota.subscriptions s on s.user_id = u.id and s.service = m.service
  left join quota.plan_limits l on l.plan = s.plan and l.meter = m.key
  left join lateral (
    select o.* from quota.usage_quotas o
    where o.user_id = u.id and o.meter = p_meter and quota.contains(o, coalesce(p_at, quota.now()))
      and not o.superseded
    limit 1) q on true
  cross join lateral (
    select case when q.user_id is null then l.limit_quantity else q.limit_quantity + q.granted end
      as allowance) a
  where u.external_id = p_user
$function$;
comment on function quota.mirror_figures(text,text,timestamp with time zone) is 'How a user stands on a meter, for columns of an adopted product; p_at: an instant of the period, null for now. No row: the user has no subscription yet.';

CREATE OR REPLACE FUNCTION quota.mirror_opened()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refresh_mirrors(array_agg(distinct n.user_id), m.service)
  from new_rows n join quota.meters m on m.key = n.meter
  group by m.service;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.mirror_quotas()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refresh_mirrors(array[new.user_id], m.service) from quota.meters m where m.key = new.meter;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.mirror_subscriptions()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refresh_mirrors(array[new.user_id], new.service);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.missing_call_months()
 RETURNS SETOF date
 LANGUAGE sql
 STABLE
AS $function$
  -- Where the last month of call_logs ends; nothing where it is no partitioned table.
  select m::date
  from (
    select max(substring(pg_get_expr(c.relpartbound, c.oid)
      from $re$TO \('([^']+)'\)$re$)::timestamptz) as until
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = to_regclass('quota.call_logs') and c.relispartition
  ) p
  cross join generate_series(p.until at time zone 'UTC',
    date_trunc('month', quota.now() at time zone 'UTC') + interval '3 months', interval '1 month') m
  order by m
$function$;
comment on function quota.missing_call_months() is 'Months up to three from now that a partitioned call_logs has no partition for yet: their calls lie in call_logs_rest.';

CREATE OR REPLACE FUNCTION quota.model_family(model text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select regexp_replace(lower(model), '-(\d{4}-\d{2}-\d{2}|\d{8})$', '') $function$;
comment on function quota.model_family(text) is 'A model without its release date: bills say gpt-4o-2024-08-06 where apps say gpt-4o.';
grant execute on function quota.model_family(text) to quota_finance;
grant execute on function quota.model_family(text) to quota_operator;
grant execute on function quota.model_family(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.model_key(model text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select regexp_replace(regexp_replace(quota.model_family(model), '^.*/|-latest$', '', 'g'),
  '[^[:alnum:]]', '', 'g') $function$;
comment on function quota.model_key(text) is 'A model in the letters and digits of its name: Claude Haiku 4.5 is claude-haiku-4-5-20251001.';
grant execute on function quota.model_key(text) to quota_finance;
grant execute on function quota.model_key(text) to quota_operator;
grant execute on function quota.model_key(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.move_plan(p_from text, p_to text, p_reason text, p_run uuid, p_moved_by uuid DEFAULT NULL::uuid)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select quota.refuse_other_users(null);
  select count(*) from quota.change_plan(array(
    -- Locked as they are found, in the order of locks: whoever leaves the plan at this moment is not moved.
    select s.user_id from quota.subscriptions s
    where s.plan = p_from and (p_moved_by is null or exists (
      select 1 from quota.audit_log a
      where a.user_id = s.user_id and a.run_id = p_moved_by and a.action = 'plan.changed'
        and a.subject = p_from))
    order by s.user_id for no key update), p_to, p_reason, p_run)
$function$;
comment on function quota.move_plan(text,text,text,uuid,uuid) is 'Puts all users of a plan on another one, or only those that an earlier move brought there. Returns their number.';
grant execute on function quota.move_plan(text,text,text,uuid,uuid) to quota_operator;

CREATE OR REPLACE FUNCTION quota.move_signup(p_user uuid, p_signup_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.hold_subscriptions(array[p_user]);
  -- Subscriptions that are reckoned from the signup follow it; their trigger carries what is used.
  update quota.subscriptions s
  set anchor_local = p_signup_at at time zone s.timezone
  from quota.users u
  where u.id = p_user and s.user_id = u.id and quota.is_known_zone(s.timezone)
    and s.anchor_local = u.created_at at time zone s.timezone;
  update quota.users u set created_at = p_signup_at where u.id = p_user;
end $function$;
comment on function quota.move_signup(uuid,timestamp with time zone) is 'Gives a user another signup, and the periods that are reckoned from it. What was used in the running period stays used (carry_usage).';
grant execute on function quota.move_signup(uuid,timestamp with time zone) to quota_operator;

CREATE OR REPLACE FUNCTION quota.moved_anchor(anchor_local timestamp without time zone, former_tz text, tz text, signup timestamp with time zone)
 RETURNS timestamp without time zone
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case when former_tz = tz then anchor_local
    when not quota.is_known_zone(tz) then anchor_local
    when quota.is_known_zone(former_tz) then (anchor_local at time zone former_tz) at time zone tz
    else signup at time zone tz end
$function$;
comment on function quota.moved_anchor(timestamp without time zone,text,text,timestamp with time zone) is 'The same instant on the clocks of another zone; the signup where the former zone is one that the server does not know.';
grant execute on function quota.moved_anchor(timestamp without time zone,text,text,timestamp with time zone) to quota_finance;
grant execute on function quota.moved_anchor(timestamp without time zone,text,text,timestamp with time zone) to quota_operator;
grant execute on function quota.moved_anchor(timestamp without time zone,text,text,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.must_be_limited(p_user uuid, p_service text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select exists (
    select 1 from quota.usage_quotas q join quota.meters m on m.key = q.meter
    where q.user_id = p_user and m.service = p_service and q.on_exceeded = 'limit_assistants'
      and not q.superseded and q.exhausted_at is not null
      and quota.contains(q, quota.now()))
$function$;
comment on function quota.must_be_limited(uuid,text) is 'Whether a running quota that limits assistants is exhausted.';

CREATE OR REPLACE FUNCTION quota.name_models()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  create temp table model_names on commit drop as
  with seen as (
    select distinct b.model, false as is_logged from pg_temp.billed_days b where b.model is not null
    union all
    select distinct l.model, true from pg_temp.logged_days l where l.model is not null
  ), keyed as (
    select s.model, s.is_logged, quota.same_model(s.model) as key from seen s
  )
  select distinct k.model, k.key, n.name, n.is_logged
  from keyed k
  join (
    select key, (array_agg(quota.model_family(model) order by is_logged desc, model))[1] as name,
      bool_or(is_logged) as is_logged
    from keyed group by 1
  ) n using (key);
  update pg_temp.billed_days b set model = null
  where b.is_meter and b.model is not null
    and b.model not in (select n.model from pg_temp.model_names n where n.is_logged);
end $function$;
comment on function quota.name_models() is 'Makes the temporary table model_names: what the models of bill and logs are called here, one name for what is the same; meters that are no model are taken from billed_days.';

CREATE OR REPLACE FUNCTION quota.naming_pattern(p_user uuid)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  with told as (
    select u.external_id as name from quota.users u where u.id = p_user and u.erased_at is null
    union select u.email from quota.users u where u.id = p_user
    union select u.name from quota.users u where u.id = p_user
    union
    select v.value
    from quota.audit_personal p
    cross join lateral jsonb_each_text(coalesce(p.before, '{}') || '{}') v
    where p.user_id = p_user and v.key in ('externalId', 'email', 'name')
    union
    select v.value
    from quota.audit_personal p
    cross join lateral jsonb_each_text(coalesce(p.after, '{}') || '{}') v
    where p.user_id = p_user and v.key in ('externalId', 'email', 'name')
  )
  select '(^|[^[:alnum:]])('
    || string_agg(regexp_replace(trim(name), '([^[:alnum:][:space:]_])', '\\\1', 'g'), '|')
    || ')($|[^[:alnum:]])'
  from told where length(trim(name)) >= 3
$function$;
comment on function quota.naming_pattern(uuid) is 'A regular expression, to be matched in any case, for text that has the email, the name or the external id of a user, now or in former times, as words; null: there is nothing that could be looked for.';
grant execute on function quota.naming_pattern(uuid) to quota_operator;

CREATE OR REPLACE FUNCTION quota.needs_enforcement(q quota.usage_quotas)
 RETURNS boolean
 LANGUAGE sql
AS $function$
  select quota.contains(q, quota.now())
    -- A transaction that waited may speak of a period that has ended since it began: what a reset has freed
    -- meanwhile stays free. A clock that is set stands still.
    and (q.period_end > clock_timestamp() or quota.now() <> now())
    and quota.marks_differ(q)
$function$;
comment on function quota.needs_enforcement(quota.usage_quotas) is 'Whether a quota of the running period has crossed a threshold or its limit, either way, since that was last looked at (R9: never a past period).';

CREATE OR REPLACE FUNCTION quota.newcomer()
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select '00000000-0000-0000-0000-000000000000'::uuid $function$;
comment on function quota.newcomer() is 'Stands for a user whom nobody has told of yet: signed up now, in UTC, nothing used. Nobody has this id.';
grant execute on function quota.newcomer() to quota_app;
grant execute on function quota.newcomer() to quota_finance;
grant execute on function quota.newcomer() to quota_operator;
grant execute on function quota.newcomer() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.next_export()
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
begin
  -- Not a sequence: a load that is refused or only tried leaves no trace. Two loads at once wait for each
  -- other.
  perform pg_advisory_xact_lock(quota.lock_key('billing export'));
  return (select coalesce(max(e.id), 0) + 1 from quota.billing_exports e);
end $function$;
comment on function quota.next_export() is 'The id of a new export; held for it until the transaction ends.';
grant execute on function quota.next_export() to quota_finance;

CREATE OR REPLACE FUNCTION quota.next_reset(plan_key text, anchor_local timestamp without time zone, tz text, at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  select min(upper(quota.period_at(
    quota.limit_anchor(l.reset_anchor, l.boundary, anchor_local), l.reset_every, tz, at)))
  from quota.plan_limits l
  where l.plan = plan_key and l.reset_every is not null
$function$;
comment on function quota.next_reset(text,timestamp without time zone,text,timestamp with time zone) is 'When the first of a plan''s periods that contain an instant ends; null for lifetime plans.';

CREATE OR REPLACE FUNCTION quota.note_direct_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  rows_max constant integer := 10000;
  what text := lower(tg_op) || case when tg_op = 'INSERT' then 'ed' else 'd' end;
  old_lines jsonb[];
  new_lines jsonb[];
  rows bigint;
begin
  -- One more than is told row by row; rows that are as they were are none.
  if tg_op = 'INSERT' then
    new_lines := array(select to_jsonb(n) from new_rows n limit rows_max + 1);
  elsif tg_op = 'DELETE' then
    old_lines := array(select to_jsonb(o) from old_rows o limit rows_max + 1);
  else
    old_lines := array(
      select to_jsonb(o) from old_rows o except select to_jsonb(n) from new_rows n limit rows_max + 1);
    new_lines := array(
      select to_jsonb(n) from new_rows n except select to_jsonb(o) from old_rows o limit rows_max + 1);
  end if;
  if greatest(cardinality(old_lines), cardinality(new_lines)) > rows_max then
    -- Apart: what one statement names must be there, and no other change has both.
    if tg_op = 'INSERT' then
      select count(*) into rows from new_rows;
    else
      select count(*) into rows from old_rows;
    end if;
    insert into quota.audit_log (action, subject, after)
    values (tg_table_name || '.' || what, 'more than ' || rows_max || ' rows',
      jsonb_build_object('rows', rows));
  else
    perform quota.note_rows(tg_table_name, what, tg_argv, old_lines, new_lines);
  end if;
  return null;
end $function$;
comment on function quota.note_direct_change() is 'Writes into the history what somebody changed by SQL of their own, not through the tool or the functions of the schema. Arguments of its triggers, each a list: the key of the table, the column of the user, columns that may name a person, the columns that count (none: all), and whether calls that run are left out. Of more than 10,000 rows at once: one row with their number.';

CREATE OR REPLACE FUNCTION quota.note_examined(p_wrong text[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_nestloop TO 'off'
 SET work_mem TO '128MB'
AS $function$
declare
  noted integer;
begin
  perform quota.refuse_other_users(null);
  -- What is counted here must be what was examined, and nothing later.
  if current_setting('transaction_isolation') <> 'repeatable read' then
    raise exception 'this belongs into the snapshot in which all users were examined' using errcode = '55000';
  end if;
  delete from quota.examined_users e using quota.users u
  where u.id = e.user_id and u.external_id = any (p_wrong);
  insert into quota.examined_users (user_id, terms, facts, horizon, noted, noted_at)
  select f.user_id, t.terms, f.facts, t.horizon, t.noted, t.at
  from (select quota.counting_terms() as terms, pg_snapshot_xmin(pg_current_snapshot()) as horizon,
    pg_current_xact_id() as noted, quota.now() as at offset 0) t
  cross join quota.facts_of_users() f
  join quota.users u on u.id = f.user_id and u.external_id <> all (p_wrong)
  where f.user_id in (select quota.users_to_examine())
  on conflict (user_id) do update
  set terms = excluded.terms, facts = excluded.facts, horizon = excluded.horizon, noted = excluded.noted,
    noted_at = excluded.noted_at;
  get diagnostics noted = row_count;
  return noted;
end $function$;
comment on function quota.note_examined(text[]) is 'Notes, in the snapshot in which all users were examined, with what each was found right, but for those of these external ids. Returns how many had changed.';
grant execute on function quota.note_examined(text[]) to quota_operator;

CREATE OR REPLACE FUNCTION quota.note_followed(p_source integer, p_followed jsonb, p_rows integer, p_is_through boolean)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  update quota.adopt_sources s
  set followed = p_followed, followed_rows = s.followed_rows + p_rows, follow_error = null,
    follow_failed_at = null,
    followed_at = case when p_is_through then quota.now() else s.followed_at end
  where s.id = p_source;
end $function$;
comment on function quota.note_followed(integer,jsonb,integer,boolean) is 'Notes how far a source in another database is followed. The caller has claimed it.';
grant execute on function quota.note_followed(integer,jsonb,integer,boolean) to quota_operator;

CREATE OR REPLACE FUNCTION quota.note_refusal(p_service text, p_plan text, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  today date := quota.day_of(quota.now());
  plan_key text := coalesce(p_plan, '');
begin
  -- Any slot that nobody holds, or our own. A transaction that keeps its snapshot could be too late for one.
  if current_setting('transaction_isolation') = 'read committed' then
    update quota.refusals r set refused = r.refused + 1
    where r.day = today and r.service = p_service and r.plan = plan_key and r.reason = p_reason
      and r.slot = (
        select s.slot from quota.refusals s
        where s.day = today and s.service = p_service and s.plan = plan_key and s.reason = p_reason
        order by s.slot limit 1 for no key update skip locked);
    if found then
      return;
    end if;
  end if;
  -- All are held by transactions that have not ended, or there is none: one more, which is ours alone.
  insert into quota.refusals as r (day, service, plan, reason, slot, refused)
  values (today, p_service, plan_key, p_reason, floor(random() * 2147483647)::integer, 1)
  on conflict (day, service, plan, reason, slot) do update set refused = r.refused + 1;
end $function$;
comment on function quota.note_refusal(text,text,text) is 'Counts one refusal, and waits for nobody: not for who was refused in a transaction that is still open.';

CREATE OR REPLACE FUNCTION quota.note_rows(on_table text, what text, arguments text[], old_rows jsonb[], new_rows jsonb[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- The arguments of a trigger are counted from 0.
  keys text[] := string_to_array(arguments[0], ' ');
  personal text[] := string_to_array(arguments[2], ' ');
  counting text[] := string_to_array(arguments[3], ' ');
  -- A call that runs is ended and kept up to date by the app, which may well be the owner.
  leaves_running boolean := coalesce(arguments[4] = 'running', false)
    and has_schema_privilege(session_user, 'quota', 'create with grant option');
begin
  insert into quota.audit_log (action, user_id, service, subject, before, after)
  select on_table || '.' || what, (coalesce(n.line, o.line)->>arguments[1])::uuid,
    coalesce(n.line, o.line)->>'service', array_to_string(k.key, ' '),
    (select jsonb_object_agg(e.key, e.value) from jsonb_each(o.line) e
      where e.value is distinct from n.line->e.key and e.key <> all (personal)),
    (select jsonb_object_agg(e.key, case when e.key = any (personal) then '"(personal)"' else e.value end)
      from jsonb_each(n.line) e where e.value is distinct from o.line->e.key)
  from (select r as line, array(select r->>c from unnest(keys) c) as key from unnest(old_rows) r) o
  full join (select r as line, array(select r->>c from unnest(keys) c) as key from unnest(new_rows) r) n
    on n.key = o.key
  cross join lateral (select coalesce(n.key, o.key)) k(key)
  where case when counting = '{}' then o.line is distinct from n.line
    else exists (
      select from unnest(counting) c where coalesce(o.line->>c, '') <> coalesce(n.line->>c, '')) end
    and not (leaves_running and o.line->>'status' = 'active'
      and (o.line->'user_id', o.line->'service', o.line->'started_at')
        = (n.line->'user_id', n.line->'service', n.line->'started_at'))
  order by k.key;
end $function$;
comment on function quota.note_rows(text,text,text[],jsonb[],jsonb[]) is 'One row of the history per changed row: what differs, before and after, without what may name a person.';

CREATE OR REPLACE FUNCTION quota.note_settled_grants(batch_size integer, only_user uuid DEFAULT NULL::uuid)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  meters text[];
  services text[];
  noted integer;
begin
  perform quota.refuse_other_users(array[only_user]);
  select array_agg(p.user_id), array_agg(p.meter), array_agg(p.service) into users, meters, services
  from (
    select distinct q.user_id, q.meter, m.service
    from quota.grants g
    join quota.usage_quotas q on q.user_id = g.user_id and q.meter = g.meter
      and quota.contains(q, quota.now()) and not q.superseded
    join quota.meters m on m.key = q.meter
    where least(g.expires_at, g.revoked_at) <= quota.now() and not quota.is_settled(g, quota.now())
      and (only_user is null or g.user_id = only_user)
    order by 1, 2
    limit batch_size
  ) p;
  if users is null then
    return 0;
  end if;
  perform quota.hold_subscriptions(users, services);
  update quota.grants g set settled_at = quota.now()
  from quota.granted_of(users, meters) l
  join quota.usage_quotas q on q.user_id = l.user_id and q.meter = l.meter
    and quota.contains(q, quota.now()) and not q.superseded and q.granted = l.granted
  where g.user_id = l.user_id and g.meter = l.meter
    and least(g.expires_at, g.revoked_at) <= quota.now() and not quota.is_settled(g, quota.now());
  get diagnostics noted = row_count;
  return noted;
end $function$;
comment on function quota.note_settled_grants(integer,uuid) is 'Notes of grants that ended, of up to batch_size users'' meters, that the running quota counts nothing of them any more, where that is so; returns how many.';
grant execute on function quota.note_settled_grants(integer,uuid) to quota_operator;

CREATE OR REPLACE FUNCTION quota.note_told(p_source integer)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  execute format('update quota.adopt_dead d
    set told = case when t.fault is null then to_jsonb(t) end, is_unread = t.fault is not null,
      reason = coalesce(t.fault, d.reason),
      attempts = d.attempts + (t.fault is not null)::integer,
      next_attempt_at = case when t.fault is null then d.next_attempt_at
        else quota.now() + quota.retry_delay(d.attempts + 1, 0) end
    from quota_adopt.told_%1$s t
    where d.source = %1$s and d.key = t.key', p_source);
end $function$;
comment on function quota.note_told(integer) is 'Keeps rows that could not be taken as they were told last, to be tried again; one that could not even be read is read again instead.';

CREATE OR REPLACE FUNCTION quota.note_unfollowed(p_source integer, p_error text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  update quota.adopt_sources s set follow_error = left(p_error, 500), follow_failed_at = quota.now()
  where s.id = p_source;
end $function$;
comment on function quota.note_unfollowed(integer,text) is 'Notes why a source in another database could not be read.';
grant execute on function quota.note_unfollowed(integer,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.now()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case
    when coalesce(pg_catalog.current_setting('quota.as_of', true), '') = '' then pg_catalog.now()
    -- Only the owner of a schema can grant on what others may make in it; a superuser is of all roles.
    when pg_catalog.has_schema_privilege(session_user, 'quota', 'create with grant option')
      or pg_catalog.pg_has_role(session_user, pg_catalog.to_regrole('quota_operator'), 'member')
      then pg_catalog.current_setting('quota.as_of')::pg_catalog.timestamptz
    else pg_catalog.now()
  end
$function$;
comment on function quota.now() is 'The one clock of the database: the transaction''s start; for the owner of the schema and for members of quota_operator, judged by the login, the instant of the session setting quota.as_of where one is set.';
grant execute on function quota.now() to quota_finance;
grant execute on function quota.now() to quota_operator;
grant execute on function quota.now() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.open_answer()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.computed_rows, pg_temp.computed_plain, pg_temp.computed_days;
  create temp table computed_rows (
    log_id bigint, export_id integer, line integer, log_month date, day date, model text, kind text,
    billed numeric, logged numeric) on commit drop;
  create temp table computed_days (
    day date, model text, billed numeric, logged numeric, billed_seconds numeric, logged_seconds numeric,
    billed_quantity numeric, logged_quantity numeric) on commit drop;
end $function$;
comment on function quota.open_answer() is 'Makes room for an answer. match_by_id makes computed_plain, the lines that plainly match a log of the month; all else is in computed_rows, and is little.';

CREATE OR REPLACE FUNCTION quota.open_periods(spans quota.usage_span[])
 RETURNS quota.opened_periods
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
declare
  due_users uuid[];
  due_services text[];
  due_ends timestamptz[];
  at timestamptz := quota.now();
  result quota.opened_periods;
begin
  -- R1: a period holds what the facts say from the moment it is opened. Calls may have been there before:
  -- those of a time when another plan cut time otherwise, which count in its periods, too.
  with terms as materialized (
    select * from quota.meter_terms
  ), opened as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
       granted, closed_at, used_at_close,
       lowered_at, used, cost, calls, alerted)
    select t.*, case when t.period_end > at then (
      -- What was used on a former plan is beyond the present one since it holds.
      select max(f.until) from quota.former_plans f
      where f.user_id = t.user_id and f.service = m.service and f.until > t.period_start) end,
      c.used, c.cost, c.calls,
      quota.mark_unseen(c.used, t.limit_quantity + t.granted, c.cost, t.cost_limit, t.warn_at)
    from unnest(spans) s
    join quota.meters m on m.key = s.meter
    cross join lateral quota.quota_terms(s.user_id, s.meter, s.first, s.last) t
    join terms f on f.key = t.meter and t.period_end > f.since and t.period_end <= f.until
    cross join lateral (
      select sum(v.quantity) as used, count(*) as calls,
        sum(quota.cost_of(v.cost, f.unit, v.quantity, t.unit_price)) as cost
      from (
        select c.cost, quota.quantity_of(f.unit, f.measure, c.status, c.duration_seconds, c.messages,
          c.file_size_bytes, c.quantities) as quantity
        from quota.call_logs c
        where c.service = f.service and quota.counts_model(f.models, f.patterns, c.model)
          -- As pairs, so that they are looked up by user: of a table that was filled a moment ago the server
          -- knows no better than to go through what everybody did at that time.
          and c.user_id = t.user_id and (c.user_id, c.started_at) >= (t.user_id, t.period_start)
          and (c.user_id, c.started_at) < (t.user_id, t.period_end)
        offset 0 -- The quantity is worked out once.
      ) v
    ) c
    where c.calls > 0
    order by t.user_id, t.meter, t.period_start
    on conflict (user_id, meter, period_start) do update
      set period_end = excluded.period_end, superseded = false, closed_at = excluded.closed_at,
        used_at_close = excluded.used_at_close, limit_quantity = excluded.limit_quantity,
        cost_limit = excluded.cost_limit, unit_price = excluded.unit_price, warn_at = excluded.warn_at,
        on_exceeded = excluded.on_exceeded
      where usage_quotas.superseded
    -- A row that was there has been locked, which a new one never was.
    returning usage_quotas as quota, user_id, meter, period_start, period_end, closed_at,
      xmax::text <> '0' as is_revived
  ), by_service as (
    select o.user_id, m.service, bool_or(o.is_revived) as has_revived,
      min(o.period_end) filter (where o.closed_at is null and o.period_end <= at) as due_end
    from opened o join quota.meters m on m.key = o.meter
    group by o.user_id, m.service
  )
  select array_agg(b.user_id) filter (where b.due_end is not null),
    array_agg(b.service) filter (where b.due_end is not null),
    array_agg(b.due_end) filter (where b.due_end is not null), coalesce(bool_or(b.has_revived), false),
    (select array_agg((o.user_id, o.meter, o.period_start)::quota.quota_key) from opened o),
    (select array_agg(o.quota) from opened o where o.period_end > at and quota.needs_enforcement(o.quota))
  into due_users, due_services, due_ends, result.has_revived, result.quotas, result.crossed
  from by_service b;
  if due_users is not null then
    perform quota.make_due(due_users, due_services, due_ends);
  end if;
  return result;
end $function$;
comment on function quota.open_periods(quota.usage_span[]) is 'Opens the periods within spans that have calls and no quota yet, with what these come to, and makes due what of them is over. The caller holds the subscriptions, and enforces what was opened.';

CREATE OR REPLACE FUNCTION quota.open_reconciliation(reconciliation uuid)
 RETURNS quota.reconciliations
 LANGUAGE plpgsql
AS $function$
declare
  r quota.reconciliations;
begin
  perform quota.refuse_other_users(null);
  select * into strict r from quota.reconciliations where id = reconciliation for no key update;
  perform quota.refuse_closed(reconciliation);
  return r;
end $function$;
comment on function quota.open_reconciliation(uuid) is 'Locks a month that is to be changed. QT007 if it is closed.';
grant execute on function quota.open_reconciliation(uuid) to quota_finance;

CREATE OR REPLACE FUNCTION quota.open_running(users uuid[], services text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  opened quota.quota_key[];
begin
  perform quota.lock_subscriptions(users, services);
  with inserted as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
       granted, alerted)
    select t.user_id, t.meter, t.period_start, t.period_end, t.limit_quantity, t.cost_limit, t.unit_price,
      t.warn_at, t.on_exceeded, t.granted,
      quota.mark_unseen(0, t.limit_quantity + t.granted, 0, t.cost_limit, t.warn_at)
    from unnest(users, services) u(user_id, service)
    join quota.meters m on m.service = u.service
    cross join lateral quota.quota_terms(u.user_id, m.key, quota.now(), quota.now()) t
    on conflict do nothing
    returning user_id, meter, period_start
  )
  select array_agg((i.user_id, i.meter, i.period_start)::quota.quota_key) into opened from inserted i;
  if opened is not null then
    perform quota.count_opened(opened);
  end if;
end $function$;
comment on function quota.open_running(uuid[],text[]) is 'Locks the subscriptions of (user, service) pairs, which are made if need be, and opens their running quotas.';

CREATE OR REPLACE FUNCTION quota.open_running_periods(p_plans text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  opened quota.quota_key[];
begin
  with inserted as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
       granted, alerted)
    select t.user_id, t.meter, t.period_start, t.period_end, t.limit_quantity, t.cost_limit, t.unit_price,
      t.warn_at, t.on_exceeded, t.granted,
      quota.mark_unseen(0, t.limit_quantity + t.granted, 0, t.cost_limit, t.warn_at)
    from quota.subscriptions s
    join quota.plan_limits l on l.plan = s.plan
    cross join lateral quota.quota_terms(s.user_id, l.meter, quota.now(), quota.now()) t
    where s.plan = any (p_plans)
    order by t.user_id, t.meter, t.period_start
    on conflict do nothing
    returning user_id, meter, period_start
  )
  select array_agg((i.user_id, i.meter, i.period_start)::quota.quota_key) into opened from inserted i;
  if opened is not null then
    perform quota.count_opened(opened);
  end if;
end $function$;
comment on function quota.open_running_periods(text[]) is 'Opens the running periods of all subscribers of plans, so that they keep their terms when the plans change.';

CREATE OR REPLACE FUNCTION quota.operator_alerts_due()
 RETURNS TABLE(day date, service text, kind text, value numeric, limit_value numeric, calls bigint)
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  today date := quota.day_of(quota.now());
  -- Of fewer calls a share says nothing.
  calls_min constant integer := 20;
begin
  -- Summing a day costs what it has: nothing where nobody has set a limit.
  if not exists (
    select from quota.service_settings s
    where s.max_daily_cost is not null or s.max_error_percent is not null)
  then
    return;
  end if;
  return query
  with sums as (
    select u.day, coalesce(u.service, '') as service, sum(u.calls) as calls, sum(u.errors) as errors,
      sum(u.cost) as cost
    from quota.usage_by_day(today - 1, today) u
    group by grouping sets ((u.day, u.service), (u.day))
  )
  select d.day, d.service, l.kind, l.value, l.limit_value, d.calls
  from sums d
  join quota.service_settings s on s.service = d.service
  cross join lateral (values
    ('daily_cost', d.cost, s.max_daily_cost, d.cost >= s.max_daily_cost),
    ('error_rate', round(100.0 * d.errors / d.calls, 2), s.max_error_percent,
      d.calls >= calls_min and 100.0 * d.errors / d.calls > s.max_error_percent)
  ) l(kind, value, limit_value, is_beyond)
  where l.is_beyond and not exists (
    select from quota.operator_alerts a where a.day = d.day and a.service = d.service and a.kind = l.kind)
  order by d.day, d.service, l.kind;
end $function$;
comment on function quota.operator_alerts_due() is 'Limits of service_settings that today or yesterday (UTC) went beyond, and that were not raised yet.';
grant execute on function quota.operator_alerts_due() to quota_finance;
grant execute on function quota.operator_alerts_due() to quota_operator;
grant execute on function quota.operator_alerts_due() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.outdate_cache()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- An app has counted its own call by then: what is written before it would be counted up once more.
  settled_after constant interval := '10 seconds';
begin
  insert into quota.cache_outbox (user_id, external_id, meter, period_start, due_at)
  select new.user_id, u.external_id, new.meter, new.period_start,
    case when tg_argv[0] = 'call' then quota.now() + settled_after end
  from quota.users u where u.id = new.user_id;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.outdate_former_name()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into quota.cache_outbox (user_id, external_id, meter, period_start)
  select q.user_id, old.external_id, q.meter, q.period_start
  from quota.usage_quotas q where q.user_id = old.id and q.period_end > quota.now();
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.outdate_meter(p_meter text)
 RETURNS void
 LANGUAGE sql
AS $function$
  insert into quota.cache_outbox (user_id, external_id, meter, period_start, due_at)
  select q.user_id, u.external_id, q.meter, q.period_start, quota.now()
  from quota.usage_quotas q join quota.users u on u.id = q.user_id
  where q.meter = p_meter and q.period_end > quota.now() and not q.superseded
$function$;
comment on function quota.outdate_meter(text) is 'Has the keys under the app''s own names brought up to date for everybody whose period of the meter runs.';

CREATE OR REPLACE FUNCTION quota.outdate_opened()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if exists (select from quota.cache_templates) then
    insert into quota.cache_outbox (user_id, external_id, meter, period_start, due_at)
    select n.user_id, u.external_id, n.meter, n.period_start, quota.now() + interval '10 seconds'
    from (select distinct t.meter from quota.cache_templates t) t
    join new_rows n on n.meter = t.meter and n.used <> 0
    join quota.users u on u.id = n.user_id;
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.overuse_of_grants(p_users uuid[], p_meters text[], p_at timestamp with time zone)
 RETURNS TABLE(user_id uuid, meter text, place integer, quantity numeric, is_running boolean, has_ended boolean, beyond numeric, is_first boolean, begins_segment boolean)
 LANGUAGE sql
 STABLE
AS $function$
  with asked as materialized (
    select a.user_id, a.meter from unnest(p_users, p_meters) a(user_id, meter)
  ), given as materialized (
    select g.user_id, g.meter, g.quantity, g.created_at, least(g.expires_at, g.revoked_at) as ends_at,
      row_number() over (
        partition by g.user_id, g.meter order by least(g.expires_at, g.revoked_at), g.id)::integer as place
    from asked a
    join quota.grants g on g.user_id = a.user_id and g.meter = a.meter
    where g.created_at <= p_at
  ), governed as (
    -- As in quota.overuse_segments.
    select q, tstzrange(q.period_start, q.period_end, '[)') as period,
      range_agg(tstzrange(q.period_start, q.period_end, '[)')) over (
        partition by q.user_id, q.meter
        order by q.superseded, case when q.superseded then q.closed_at end desc, q.period_start
        rows between unbounded preceding and 1 preceding) as better
    from asked a
    join quota.usage_quotas q on q.user_id = a.user_id and q.meter = a.meter
    where q.period_start <= p_at
  ), segments as materialized (
    select o.q as quota, (o.q).user_id, (o.q).meter, lower(r.segment) as first, upper(r.segment) as last
    from governed o
    cross join lateral unnest(tstzmultirange(o.period) - coalesce(o.better, '{}')) r(segment)
    where (o.q).used > (o.q).limit_quantity and lower(r.segment) <= p_at
  )
  select p.user_id, p.meter, p.place, p.quantity, p.is_running, p.has_ended,
    -- As quota.used_beyond has it, which would be made ready anew for each.
    greatest(case when p.until >= p.period_end then p.used else least(p.used, u.by_until) end
        - p.limit_quantity, 0)
      - case when p.first <= p.period_start then 0
        else greatest(least(p.used, u.by_first) - p.limit_quantity, 0) end as beyond,
    row_number() over (partition by p.user_id, p.meter order by p.first, p.place) = 1 as is_first,
    row_number() over (partition by p.user_id, p.meter, p.first order by p.place) = 1 as begins_segment
  from (
    select (s.quota).*, s.first, g.place, g.quantity, least(s.last, g.ends_at) as until,
      s.last > p_at as is_running, coalesce(g.ends_at <= p_at, false) as has_ended
    from segments s
    join given g on g.user_id = s.user_id and g.meter = s.meter
    where (g.ends_at <= s.first) is not true and g.created_at < (s.quota).period_end
  ) p
  cross join lateral (
    select coalesce(sum(f.quantity) filter (where f.at < p.until), 0) as by_until,
      coalesce(sum(f.quantity) filter (where f.at < p.first), 0) as by_first
    from (
      select c.started_at as at, quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds,
        c.messages, c.file_size_bytes, c.quantities) as quantity
      from quota.meter_terms m
      join quota.call_logs c on c.user_id = p.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
      where m.key = p.meter and p.period_end > m.since and p.period_end <= m.until
        and c.started_at >= p.period_start and c.started_at < p.until
      union all
      select a.created_at, a.quantity from quota.adjustments a
      where a.user_id = p.user_id and a.meter = p.meter and a.period_start = p.period_start
    ) f
    where p.until < p.period_end or p.first > p.period_start
  ) u
  order by p.user_id, p.meter, p.first, p.place
$function$;
comment on function quota.overuse_of_grants(uuid[],text[],timestamp with time zone) is 'For each of many (user, meter) pairs the stretches of time that were used beyond their limit, and in each, one after the other, the grants that may cover it, by when they end: what was used beyond by then.';
grant execute on function quota.overuse_of_grants(uuid[],text[],timestamp with time zone) to quota_finance;
grant execute on function quota.overuse_of_grants(uuid[],text[],timestamp with time zone) to quota_operator;
grant execute on function quota.overuse_of_grants(uuid[],text[],timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.overuse_segments(p_user uuid, p_meter text, p_at timestamp with time zone)
 RETURNS TABLE(quota quota.usage_quotas, segment tstzrange)
 LANGUAGE sql
 STABLE
AS $function$
  -- Of periods that overlap, the one that holds now governs, then the earlier one, then what was given up
  -- last.
  with ranked as (
    select q, tstzrange(q.period_start, q.period_end, '[)') as period,
      row_number() over (order by q.superseded, case when q.superseded then q.closed_at end desc,
        q.period_start) as place
    from quota.usage_quotas q
    where q.user_id = p_user and q.meter = p_meter and q.period_start <= p_at
  )
  select r.q, s.segment
  from ranked r
  cross join lateral unnest(
    tstzmultirange(r.period) - coalesce(
      (select range_agg(better.period) from ranked better where better.place < r.place), '{}')) s(segment)
  where (r.q).used > (r.q).limit_quantity and lower(s.segment) <= p_at
  order by lower(s.segment)
$function$;
comment on function quota.overuse_segments(uuid,text,timestamp with time zone) is 'The stretches of time, in order and without overlap, of the quotas that were used beyond their limit: each instant belongs to the period that governs it, so that nothing is covered twice however time was cut anew.';
grant execute on function quota.overuse_segments(uuid,text,timestamp with time zone) to quota_finance;
grant execute on function quota.overuse_segments(uuid,text,timestamp with time zone) to quota_operator;
grant execute on function quota.overuse_segments(uuid,text,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.owned_calls(p_source integer, p_calls quota.adopted_call[])
 RETURNS TABLE(call quota.adopted_call, user_id uuid, counted_by bigint, fault text)
 LANGUAGE sql
 STABLE
AS $function$
  select c, coalesce(u.id, a.user_id), o.id,
    case
      when c.key is null then 'it has no key'
      when coalesce(u.id, a.user_id) is null
        then format('there is no user "%s"', quota.shown(coalesce(c.user_name, '')))
      when u.erased_at is not null then format('the user "%s" was erased', quota.shown(c.user_name))
      when c.started_at is null then 'it does not say when it started'
      when c.started_at > quota.now() + interval '1 day' then 'it starts in the future'
      when c.status is null or c.status not in ('active', 'completed', 'error')
        then format('the status "%s" is not mapped to active, completed or error',
          quota.shown(coalesce(c.status, '')))
      when l.key is not null then format('the same call is counted from row %s%s', l.key,
        case when l.source <> p_source then ' of another source' end)
    end
  from unnest(p_calls) c
  left join quota.users u on u.external_id = c.user_name
  left join quota.assistants a on c.user_name is null and a.provider_assistant_id = c.assistant_id
  left join quota.call_logs o on c.provider_call_id is not null and o.provider = c.provider
    and o.provider_call_id = c.provider_call_id
  left join quota.adopt_links l on l.call_log_id = o.id and (l.source, l.key) <> (p_source, c.key)
$function$;
comment on function quota.owned_calls(integer,quota.adopted_call[]) is 'Calls of an adopted product with their users; counted_by: the call log that has its id of the provider already; fault: why it cannot be taken.';

CREATE OR REPLACE FUNCTION quota.pace_seconds(p_calls bigint, p_start timestamp with time zone, p_end timestamp with time zone)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  -- A few calls are no pace.
  select case when p_calls >= 5 and isfinite(p_start) and isfinite(p_end) and p_end > quota.now()
    then quota.passed_seconds(p_start, p_end, quota.now()) end
$function$;
comment on function quota.pace_seconds(bigint,timestamp with time zone,timestamp with time zone) is 'The seconds in which the calls of a running period were made, for its pace; null: nothing can be said yet (fewer than 5 calls), or there is no such period.';
grant execute on function quota.pace_seconds(bigint,timestamp with time zone,timestamp with time zone) to quota_finance;
grant execute on function quota.pace_seconds(bigint,timestamp with time zone,timestamp with time zone) to quota_operator;
grant execute on function quota.pace_seconds(bigint,timestamp with time zone,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.pair_by_time(r quota.reconciliations, month_start timestamp with time zone, month_end timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  width numeric := greatest(r.match_seconds, 1);
  -- Sums of an instant and an interval are no constants, and would be formed for every log.
  around_start timestamptz := month_start - make_interval(secs => r.match_seconds::float8);
  around_end timestamptz := month_end + make_interval(secs => r.match_seconds::float8);
  paired bigint;
begin
  drop table if exists pg_temp.candidate_pairs, pg_temp.time_pairs;
  create temp table time_pairs (export_id integer, line integer, log_id bigint) on commit drop;
  -- Joined by assistant and slice of time, its own and both neighbours: never all calls of an assistant with
  -- all.
  create temp table candidate_pairs on commit drop as
  with lines as (
    select o.*, floor(extract(epoch from o.started_at) / width) + beside as slice
    from pg_temp.open_lines o, generate_series(-1, 1) beside
    where o.kind is null and not o.follows and o.log_id is null and o.started_at is not null
      and o.assistant_id is not null
  ), logs as (
    select g.id, g.provider_call_id, g.assistant_id, g.started_at, coalesce(g.duration_seconds, 0) as seconds,
      g.cost,
      floor(extract(epoch from g.started_at) / width) as slice
    from quota.call_logs g
    where exists (select 1 from lines) and g.id = any (array(
      select c.log_id from pg_temp.computed_rows c where c.export_id is null and c.log_id is not null))
    union all
    select g.id, g.provider_call_id, g.assistant_id, g.started_at, coalesce(g.duration_seconds, 0), g.cost,
      floor(extract(epoch from g.started_at) / width)
    from quota.logs_beside(r, month_start, month_end, around_start, around_end) g
    where exists (select 1 from lines)
  )
  select u.export_id, u.line, g.id as log_id,
    coalesce(abs(u.stated_seconds - g.seconds), 0) as seconds_apart,
    abs(extract(epoch from u.started_at - g.started_at)) as start_apart,
    u.started_at as line_started_at, u.cost as line_cost, u.external_id, g.started_at as log_started_at,
    g.cost as log_cost
  from lines u join logs g on g.assistant_id = u.assistant_id and g.slice = u.slice
  where abs(extract(epoch from u.started_at - g.started_at)) <= r.match_seconds
    and (g.provider_call_id is null or u.external_id is null);

  -- Nearest first, one-to-one: pairs that are each other's best are final, what they leave behind is ranked
  -- anew.
  loop
    drop table if exists pg_temp.best_pairs;
    create temp table best_pairs on commit drop as
    select b.export_id, b.line, b.log_id
    from (
      select c.export_id, c.line, c.log_id,
        row_number() over (partition by c.export_id, c.line
          order by c.seconds_apart, c.start_apart, c.log_started_at, c.log_cost, c.log_id) as of_line,
        row_number() over (partition by c.log_id
          order by c.seconds_apart, c.start_apart, c.line_started_at, c.line_cost, c.external_id, c.export_id,
            c.line) as of_log
      from pg_temp.candidate_pairs c
    ) b
    where b.of_line = 1 and b.of_log = 1;
    insert into pg_temp.time_pairs select * from pg_temp.best_pairs;
    get diagnostics paired = row_count;
    exit when paired = 0;
    delete from pg_temp.candidate_pairs c using pg_temp.best_pairs b where b.log_id = c.log_id;
    delete from pg_temp.candidate_pairs c using pg_temp.best_pairs b where b.export_id = c.export_id
      and b.line = c.line;
  end loop;
  update pg_temp.open_lines o set log_id = p.log_id
  from pg_temp.time_pairs p where p.export_id = o.export_id and p.line = o.line;
end $function$;
comment on function quota.pair_by_time(quota.reconciliations,timestamp with time zone,timestamp with time zone) is 'Gives open_lines without a log those logs that carry no id (older app versions stored none): same assistant, start within the tolerance, nearest duration.';

CREATE OR REPLACE FUNCTION quota.pair_kind(line_owner uuid, log_owner uuid, line_seconds numeric, log_seconds numeric, billed numeric, logged numeric, duration_tolerance numeric, cost_tolerance numeric)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    -- Most pairs are equal, which is known without a subtraction.
    when line_owner = log_owner and line_seconds = log_seconds and billed = logged then 'matched'
    when line_owner <> log_owner then 'attribution_mismatch'
    when abs(line_seconds - coalesce(log_seconds, 0)) > duration_tolerance then 'duration_mismatch'
    when abs(billed - logged) > cost_tolerance then 'cost_mismatch'
    else 'matched'
  end
$function$;
comment on function quota.pair_kind(uuid,uuid,numeric,numeric,numeric,numeric,numeric,numeric) is 'How a line and its log compare. A cost that one side does not know (null) is not compared, nor the seconds of a line that states none.';

CREATE OR REPLACE FUNCTION quota.part_key(charge text, started_at timestamp with time zone, ended_at timestamp with time zone, invoice_month date)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select md5(concat_ws(' ', charge::jsonb - 'row', started_at, ended_at,
    nullif(invoice_month, date_trunc('month', started_at at time zone 'UTC')::date)))
$function$;
comment on function quota.part_key(text,timestamp with time zone,timestamp with time zone,date) is 'What tells a part of a call from its other parts: its dimensions and times, and the invoice that it is on where that is not the one of its month.';

CREATE OR REPLACE FUNCTION quota.part_keys(charge text, started_at timestamp with time zone, ended_at timestamp with time zone, invoice_month date)
 RETURNS text[]
 LANGUAGE sql
 STABLE
AS $function$
  select case
    when charge is null then null
    when charge like '[%' then array(select jsonb_array_elements_text(charge::jsonb))
    else array[quota.part_key(charge, started_at, ended_at, invoice_month)]
  end
$function$;
comment on function quota.part_keys(text,timestamp with time zone,timestamp with time zone,date) is 'The keys of the parts of a call that a line states; null where its format has no parts. It is never inlined: given a whole line, one would be formed of each line of a bill before the few are found.';

CREATE OR REPLACE FUNCTION quota.passed_seconds(p_start timestamp with time zone, p_end timestamp with time zone, p_at timestamp with time zone)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  -- What was used in the first thirtieth of a period is no pace.
  select greatest(extract(epoch from p_at - p_start), extract(epoch from p_end - p_start) / 30)
$function$;
comment on function quota.passed_seconds(timestamp with time zone,timestamp with time zone,timestamp with time zone) is 'In how many seconds what was used of a finite period was used, for its pace. Inlined.';
grant execute on function quota.passed_seconds(timestamp with time zone,timestamp with time zone,timestamp with time zone) to quota_finance;
grant execute on function quota.passed_seconds(timestamp with time zone,timestamp with time zone,timestamp with time zone) to quota_operator;
grant execute on function quota.passed_seconds(timestamp with time zone,timestamp with time zone,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.percent_used(used numeric, allowance numeric, cost numeric, cost_limit numeric)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  -- The nearer of the two limits counts. A limit of nothing is always used up. 99.996 % is not yet all of it.
  select least(
    round(greatest(
      case when allowance = 0 then 100 else 100 * used / allowance end,
      case when cost_limit = 0 then 100 else 100 * cost / cost_limit end), 2),
    case when used < coalesce(allowance, 'infinity') and cost < coalesce(cost_limit, 'infinity')
      and (allowance is not null or cost_limit is not null) then 99.99 end)
$function$;
comment on function quota.percent_used(numeric,numeric,numeric,numeric) is 'Percent of the allowance or of the cost limit, whichever is more; null where there is no limit.';
grant execute on function quota.percent_used(numeric,numeric,numeric,numeric) to quota_finance;
grant execute on function quota.percent_used(numeric,numeric,numeric,numeric) to quota_operator;
grant execute on function quota.percent_used(numeric,numeric,numeric,numeric) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.period_at(anchor_local timestamp without time zone, every interval, tz text, at timestamp with time zone)
 RETURNS tstzrange
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
declare
  months integer;
  local_at timestamp;
  k integer;
  starts timestamptz;
  ends timestamptz;
begin
  if every is null then
    return tstzrange('-infinity', 'infinity', '[)');
  end if;
  if anchor_local is null or tz is null or at is null then
    return null;
  end if;
  if not isfinite(at) then
    raise exception 'no period contains "%"', at using errcode = '22023';
  end if;
  months := date_part('year', every) * 12 + date_part('month', every);
  local_at := at at time zone tz;
  -- A first guess, exact for whole months but for the clamped ends; the loops below put it right.
  if months > 0 and every = make_interval(months => months) then
    k := floor(((date_part('year', local_at) - date_part('year', anchor_local)) * 12
      + date_part('month', local_at) - date_part('month', anchor_local)) / months);
  else
    k := quota.guess_period(anchor_local, every, local_at);
  end if;
  starts := (anchor_local + k * every) at time zone tz;
  ends := (anchor_local + (k + 1) * every) at time zone tz;
  while starts > at loop
    k := k - 1;
    ends := starts;
    starts := (anchor_local + k * every) at time zone tz;
  end loop;
  while ends <= at loop
    k := k + 1;
    starts := ends;
    ends := (anchor_local + (k + 1) * every) at time zone tz;
  end loop;
  return tstzrange(starts, ends, '[)');
exception when invalid_parameter_value then
  -- A zone that the server does not know concerns whoever has it, and nobody beside them.
  if quota.is_known_zone(tz) then
    raise;
  end if;
  return null;
end $function$;
comment on function quota.period_at(timestamp without time zone,interval,text,timestamp with time zone) is 'The period [start, end) that contains an instant. No interval: a lifetime, from -infinity to infinity. Null in a zone that the server does not know; raises 22023 on an interval that is not positive.';
grant execute on function quota.period_at(timestamp without time zone,interval,text,timestamp with time zone) to quota_finance;
grant execute on function quota.period_at(timestamp without time zone,interval,text,timestamp with time zone) to quota_operator;
grant execute on function quota.period_at(timestamp without time zone,interval,text,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.periods_between(anchor_local timestamp without time zone, every interval, tz text, first timestamp with time zone, last timestamp with time zone)
 RETURNS SETOF tstzrange
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE ROWS 2
AS $function$
declare
  period tstzrange := quota.period_at(anchor_local, every, tz, first);
begin
  while lower(period) <= last loop
    return next period;
    exit when upper(period) = 'infinity';
    period := quota.period_at(anchor_local, every, tz, upper(period));
  end loop;
end $function$;
comment on function quota.periods_between(timestamp without time zone,interval,text,timestamp with time zone,timestamp with time zone) is 'The periods, in order, from the one that contains first to the one that contains last.';
grant execute on function quota.periods_between(timestamp without time zone,interval,text,timestamp with time zone,timestamp with time zone) to quota_finance;
grant execute on function quota.periods_between(timestamp without time zone,interval,text,timestamp with time zone,timestamp with time zone) to quota_operator;
grant execute on function quota.periods_between(timestamp without time zone,interval,text,timestamp with time zone,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.periods_to_count(p_meters text[])
 RETURNS SETOF quota.usage_quotas
 LANGUAGE sql
 STABLE
AS $function$
  select q.* from quota.usage_quotas q where q.meter = any (p_meters) and q.period_end > quota.now()
  union all
  -- Of who used the service and nothing that the meter counted.
  select n.*
  from quota.meters m
  join quota.plan_limits l on l.meter = m.key
  join quota.subscriptions s on s.plan = l.plan and s.service = m.service
  cross join lateral quota.quota_terms(s.user_id, m.key, quota.now(), quota.now()) t
  cross join lateral jsonb_populate_record(null::quota.usage_quotas, to_jsonb(t) || jsonb_build_object(
    'used', 0, 'adjusted', 0, 'cost', 0, 'calls', 0, 'superseded', false)) n
  where m.key = any (p_meters) and not exists (
    select from quota.usage_quotas q
    where q.user_id = s.user_id and q.meter = m.key and q.period_start = t.period_start)
$function$;
comment on function quota.periods_to_count(text[]) is 'The quotas of meters whose periods are not over, and the running ones that nobody has opened.';
grant execute on function quota.periods_to_count(text[]) to quota_finance;
grant execute on function quota.periods_to_count(text[]) to quota_operator;
grant execute on function quota.periods_to_count(text[]) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.plan_definition(p_plan text)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$
  select jsonb_build_object(
    'key', p.key, 'service', p.service, 'name', p.name, 'timezone', p.timezone,
    'maxAssistants', p.max_assistants, 'enforceMaxAssistants', p.enforce_max_assistants,
    'maxFileBytes', p.max_file_bytes::text, 'maxConcurrent', p.max_concurrent,
    'maxSessionSeconds', trim_scale(p.max_session_seconds)::text,
    'leaseSeconds', trim_scale(p.lease_seconds)::text,
    'allowedModels', p.allowed_models,
    'isDefault', p.is_default, 'anonymous', p.anonymous, 'upgradeTo', p.upgrade_to,
    'limitedState', p.limited_state, 'features', p.features,
    'limits', coalesce((
      select jsonb_agg(jsonb_build_object(
        'meter', l.meter, 'limit', trim_scale(l.limit_quantity)::text,
        'costLimit', trim_scale(l.cost_limit)::text,
        'unitPrice', trim_scale(l.unit_price)::text, 'resetEvery', quota.interval_text(l.reset_every),
        'resetAnchor', l.reset_anchor, 'boundary', l.boundary, 'warnAt', l.warn_at,
        'onExceeded', l.on_exceeded)
        order by l.meter)
      from quota.plan_limits l where l.plan = p.key), '[]'))
  from quota.plans p where p.key = p_plan
$function$;
comment on function quota.plan_definition(text) is 'A plan with its limits, as plan show prints it and plan_versions keeps it.';
grant execute on function quota.plan_definition(text) to quota_finance;
grant execute on function quota.plan_definition(text) to quota_operator;
grant execute on function quota.plan_definition(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.plan_utilization(p_service text DEFAULT NULL::text)
 RETURNS TABLE(service text, plan text, plan_name text, meter text, unit text, users integer, active integer, warning integer, exceeded integer, used numeric, allowance numeric, cost numeric, cost_allowance numeric)
 LANGUAGE sql
 STABLE
 SET enable_nestloop TO 'off'
 SET enable_sort TO 'off'
AS $function$
  with terms as materialized (
    select p.service, p.key as plan, p.name, m.key as meter, m.unit, l.limit_quantity, l.cost_limit,
      l.unit_price, quota.units_priced(m.unit) as units
    from quota.plans p
    join quota.plan_limits l on l.plan = p.key
    join quota.meters m on m.key = l.meter
    where p_service is null or p.service = p_service
  ), subscribed as (
    select s.service, s.plan, count(*) as users from quota.subscriptions s group by s.service, s.plan
  ), running as (
    -- The clock is read once, not for every quota there ever was.
    select q.user_id, q.meter, q.calls, q.used, q.cost, q.cost_limit, q.unit_price, q.warn_at,
      q.limit_quantity + q.granted as allowance,
      quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit) as exhausted
    from quota.usage_quotas q
    where q.closed_at is null and not q.superseded
      and q.period_start <= (select quota.now()) and q.period_end > (select quota.now())
    offset 0
  ), opened as (
    select t.plan, t.meter, count(*) as quotas, count(*) filter (where q.calls > 0) as active,
      count(*) filter (where not q.exhausted
        and quota.percent_used(q.used, q.allowance, q.cost, q.cost_limit) >= any (q.warn_at)) as warned,
      count(*) filter (where q.exhausted) as exhausted, sum(q.used) as used, sum(q.cost) as cost,
      sum(coalesce(q.allowance, t.limit_quantity)) as allowance,
      sum(coalesce(q.cost_limit, t.cost_limit,
        round(coalesce(q.allowance, t.limit_quantity) * coalesce(q.unit_price, t.unit_price) / t.units, 6)))
        as cost_allowance
    from running q
    join quota.subscriptions s on s.user_id = q.user_id
    join terms t on t.service = s.service and t.plan = s.plan and t.meter = q.meter
    group by t.plan, t.meter
  )
  select t.service, t.plan, t.name, t.meter, t.unit, coalesce(s.users, 0)::integer,
    coalesce(o.active, 0)::integer, coalesce(o.warned, 0)::integer, coalesce(o.exhausted, 0)::integer,
    coalesce(o.used, 0),
    (select sum(of) from (values (o.allowance), (n.unopened * t.limit_quantity)) v(of)), coalesce(o.cost, 0),
    (select sum(of) from (values (o.cost_allowance), (n.unopened
      * coalesce(t.cost_limit, round(t.limit_quantity * t.unit_price / t.units, 6)))) v(of))
  from terms t
  left join subscribed s on s.plan = t.plan and s.service = t.service
  left join opened o on o.plan = t.plan and o.meter = t.meter
  -- Whose period is not open may use as much as the plan says. Nobody: null, which adds nothing.
  cross join lateral (select nullif(s.users - coalesce(o.quotas, 0), 0) as unopened) n
$function$;
comment on function quota.plan_utilization(text) is 'Per plan and meter: subscribers, those who used something, were warned or used up their running period; used and cost against what all of them may use and cost at most.';
grant execute on function quota.plan_utilization(text) to quota_finance;
grant execute on function quota.plan_utilization(text) to quota_operator;
grant execute on function quota.plan_utilization(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.price_of(l quota.call_logs)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce(l.cost, (
    -- Meters of one unit count the same, one a part of the other; what is told by meter is each its own.
    select sum(p.cost) from (
      select max(quota.cost_of(null, m.unit, quota.quantity_of(m.unit, m.measure, l.status,
        l.duration_seconds, l.messages, l.file_size_bytes, l.quantities), q.unit_price)) as cost
      from quota.meter_terms m
      join quota.usage_quotas q on q.user_id = l.user_id and q.meter = m.key and not q.superseded
        and quota.contains(q, l.started_at) and q.period_end > m.since and q.period_end <= m.until
      where m.service = l.service and quota.counts_model(m.models, m.patterns, l.model)
      group by case when l.quantities ? m.key then m.key else m.unit end) p), 0)
$function$;
comment on function quota.price_of(quota.call_logs) is 'What a call cost: as logged, else by the price of its plan, as its quota counts it.';

CREATE OR REPLACE FUNCTION quota.project_charge(charge jsonb, dimensions text[])
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select coalesce(jsonb_object_agg(k.name, coalesce(charge ->> k.name, '')), '{}')
from unnest(dimensions) as k(name) $function$;
comment on function quota.project_charge(jsonb,text[]) is 'What a sum states, in these dimensions alone.';

CREATE OR REPLACE FUNCTION quota.purgeable_calls(before timestamp with time zone, batch_size integer)
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE
AS $function$
  select l.id from quota.call_logs l
  where (l.metadata is not null or l.error_message is not null) and l.started_at < before
    and l.status <> 'active'
    -- Finance is done with the month, and no period that is still open has the call.
    and exists (
      select 1 from quota.reconciliations r
      where r.provider = l.provider and r.closed_at is not null
        and r.month = date_trunc('month', l.started_at at time zone 'UTC')::date)
    and not quota.has_open_period(l.user_id, l.service, l.started_at)
  order by l.started_at
  limit batch_size
$function$;
comment on function quota.purgeable_calls(timestamp with time zone,integer) is 'Calls from before an instant whose details may go: the month is closed by finance, and so are their periods (a lifetime never closes and does not count).';
grant execute on function quota.purgeable_calls(timestamp with time zone,integer) to quota_finance;
grant execute on function quota.purgeable_calls(timestamp with time zone,integer) to quota_operator;
grant execute on function quota.purgeable_calls(timestamp with time zone,integer) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.purgeable_details(batch_size integer)
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE
AS $function$
  select l.id
  from quota.service_settings s
  join quota.call_logs l on l.service = s.service
    and l.started_at < quota.now() - make_interval(days => s.keep_details_days)
  where s.keep_details_days is not null and (l.metadata is not null or l.error_message is not null)
    and l.status <> 'active'
    -- What finance has begun to look at is kept until it is done, and by its rule.
    and not exists (
      select from quota.reconciliations r
      where r.provider = l.provider and r.closed_at is null
        and r.month = date_trunc('month', l.started_at at time zone 'UTC')::date)
    and not quota.has_open_period(l.user_id, l.service, l.started_at)
  limit batch_size
$function$;
comment on function quota.purgeable_details(integer) is 'Calls of services that finance does not reconcile whose details are older than their service keeps them and whose periods are closed (a lifetime never closes and does not count).';
grant execute on function quota.purgeable_details(integer) to quota_finance;
grant execute on function quota.purgeable_details(integer) to quota_operator;
grant execute on function quota.purgeable_details(integer) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.quantity_of(unit text, measure jsonb, status text, duration_seconds numeric, messages integer, file_bytes bigint, quantities jsonb)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  -- A failed message was not delivered and does not count; seconds of a failed call were spent all the same.
  select case
    when measure is not null
      then quota.measured(unit, measure, status, duration_seconds, messages, file_bytes, quantities)
    when unit = 'second' then coalesce(duration_seconds, 0)
    when status = 'error' then 0
    else coalesce(messages, 1)
  end
$function$;
comment on function quota.quantity_of(text,jsonb,text,numeric,integer,bigint,jsonb) is 'What a call log counts on a meter of this unit and measure (null: as it is).';
grant execute on function quota.quantity_of(text,jsonb,text,numeric,integer,bigint,jsonb) to quota_finance;
grant execute on function quota.quantity_of(text,jsonb,text,numeric,integer,bigint,jsonb) to quota_operator;
grant execute on function quota.quantity_of(text,jsonb,text,numeric,integer,bigint,jsonb) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.quantity_on(unit text, measure jsonb, p_service_unit text, p_quantity numeric, p_quantities jsonb)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when p_quantity is null and p_quantities is null and unit <> 'request' then null
    else quota.quantity_of(unit, measure, 'active',
      case p_service_unit when 'second' then round(p_quantity, 3) end,
      case p_service_unit when 'message' then least(ceil(p_quantity), 2147483647)::integer end, null,
      case
        when p_service_unit in ('second', 'message') then p_quantities
        else jsonb_strip_nulls(jsonb_build_object(p_service_unit || 's', p_quantity))
          || coalesce(p_quantities, '{}')
      end)
  end
$function$;
comment on function quota.quantity_on(text,jsonb,text,numeric,jsonb) is 'What a call that is to come counts on a meter: its quantity, in the unit of the service, and what else it needs. Null: nothing is told.';
grant execute on function quota.quantity_on(text,jsonb,text,numeric,jsonb) to quota_finance;
grant execute on function quota.quantity_on(text,jsonb,text,numeric,jsonb) to quota_operator;
grant execute on function quota.quantity_on(text,jsonb,text,numeric,jsonb) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.queue_alerts()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  queued integer;
begin
  -- Usage of the past is no news: it came with an import, or more than a day late. Nor is
  -- what an adopted product still decides by itself.
  with told as (
    insert into quota.alert_deliveries (user_id, meter, period_start, threshold, id, status)
    select n.user_id, n.meter, n.period_start, n.threshold, n.id,
      case when current_setting('quota.backfill', true) = 'on'
          or n.crossed_at < quota.now() - interval '1 day' or quota.in_shadow(m.service)
        then 'past' else 'pending' end
    from new_rows n
    join quota.meters m on m.key = n.meter
    order by n.user_id, n.meter, n.period_start, n.threshold
    on conflict do nothing
    returning status
  )
  -- For whoever listens: what to look at, nothing about a person. Thousands at once are told by their number.
  select count(*) into queued from told where status = 'pending';
  if queued between 1 and 20 then
    perform pg_notify('quota_alerts', jsonb_build_object(
      'id', n.id, 'userId', n.user_id, 'meter', n.meter, 'threshold', n.threshold, 'level', n.level)::text)
    from new_rows n join quota.alert_deliveries d on d.user_id = n.user_id and d.id = n.id
    where d.status = 'pending';
  elsif queued > 20 then
    perform pg_notify('quota_alerts', jsonb_build_object('count', queued)::text);
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.queue_assistants(users uuid[], wanted text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if wanted = 'limited' then
    return quota.queue_changes(array(
      select a.id from quota.assistants a
      where a.user_id = any (users) and not a.is_gated and a.held is distinct from 'original'), wanted);
  end if;
  perform 1 from quota.assistant_limits l
  where l.user_id = any (users) and l.desired = 'limited' and l.status <> 'gone'
  order by l.assistant_id for no key update;
  -- What was left unlimited by hand was so for the limit that ends.
  update quota.assistants a set held = null
  where a.user_id = any (users) and a.held = 'original' and not exists (
    select 1 from quota.subscriptions s where s.user_id = a.user_id and s.limit_enforced_at is not null);
  -- A user limited for another service stays limited, and so does what was limited by hand.
  return quota.queue_changes(array(
    select l.assistant_id from quota.assistant_limits l
    where l.user_id = any (users)
      and not exists (
        select 1 from quota.subscriptions s where s.user_id = l.user_id and s.limit_enforced_at is not null)
      and not exists (
        select 1 from quota.assistants a where a.id = l.assistant_id and a.held = 'limited')), wanted);
end $function$;
comment on function quota.queue_assistants(uuid[],text) is 'Queues the assistants of users to become limited or original again; returns how many were queued.';

CREATE OR REPLACE FUNCTION quota.queue_changes(p_assistants uuid[], wanted text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  queued integer;
begin
  if wanted = 'limited' then
    insert into quota.assistant_limits as l (assistant_id, user_id, desired, status, next_attempt_at)
    select a.id, a.user_id, 'limited', 'pending', quota.now()
    from quota.assistants a
    where a.id = any (p_assistants) and a.state = 'active'
    order by a.id
    on conflict (assistant_id) do update
    set desired = 'limited', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
    where l.desired <> 'limited' and l.status <> 'gone';
  else
    update quota.assistant_limits l
    set desired = 'original', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
    where l.assistant_id = any (p_assistants) and l.desired = 'limited' and l.status <> 'gone';
  end if;
  get diagnostics queued = row_count;
  return queued;
end $function$;
comment on function quota.queue_changes(uuid[],text) is 'Queues assistants to become limited or original again, where they are not to be so already; how many. The caller holds subscriptions and assistants.';

CREATE OR REPLACE FUNCTION quota.queue_unlimited(batch_size integer, only_user uuid DEFAULT NULL::uuid, OUT users integer, OUT queued integer)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  found_users uuid[];
begin
  perform quota.refuse_other_users(array[only_user]);
  -- Locked, so that a reset cannot lift the limit of a user between the look and the queueing.
  select array_agg(distinct o.user_id) into found_users
  from (
    select s.user_id
    from quota.subscriptions s
    where s.limit_enforced_at is not null and (only_user is null or s.user_id = only_user)
      and quota.has_unlimited(s.user_id)
    order by s.user_id, s.service
    limit batch_size
    for no key update skip locked
  ) o;
  users := coalesce(cardinality(found_users), 0);
  queued := 0;
  if users = 0 then
    return;
  end if;
  perform quota.hold_assistants(found_users);
  -- An assistant that was gone and is known again.
  update quota.assistant_limits l
  set desired = 'limited', status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
    next_attempt_at = quota.now(), requested_at = quota.now(), updated_at = quota.now()
  from quota.assistants a
  where a.id = l.assistant_id and l.user_id = any (found_users) and l.status = 'gone' and a.state = 'active'
    and not a.is_gated and a.held is distinct from 'original';
  get diagnostics queued = row_count;
  queued := queued + quota.queue_assistants(found_users, 'limited');
end $function$;
comment on function quota.queue_unlimited(integer,uuid) is 'Queues the assistants of up to batch_size limited users that are not queued to be limited: made, taken over or found again after the limit.';
grant execute on function quota.queue_unlimited(integer,uuid) to quota_operator;

CREATE OR REPLACE FUNCTION quota.quota_state(percent numeric, exhausted boolean, warn_at integer[])
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when exhausted then 'exceeded'
    else (
      select case when max(w) is null then 'ok' else quota.alert_level(max(w), warn_at) end
      from unnest(warn_at) w where w <= percent and w < 100)
  end
$function$;
comment on function quota.quota_state(numeric,boolean,integer[]) is 'ok, warning, critical or exceeded.';
grant execute on function quota.quota_state(numeric,boolean,integer[]) to quota_finance;
grant execute on function quota.quota_state(numeric,boolean,integer[]) to quota_operator;
grant execute on function quota.quota_state(numeric,boolean,integer[]) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.quota_terms(p_user uuid, p_meter text, p_first timestamp with time zone, p_last timestamp with time zone)
 RETURNS TABLE(user_id uuid, meter text, period_start timestamp with time zone, period_end timestamp with time zone, limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text, granted numeric, closed_at timestamp with time zone, used_at_close numeric)
 LANGUAGE sql
 STABLE
AS $function$
  select l.user_id, l.meter, lower(p.period), upper(p.period),
    case when f.on_exceeded is null then l.limit_quantity else f.limit_quantity end,
    case when f.on_exceeded is null then l.cost_limit else f.cost_limit end,
    case when f.on_exceeded is null then l.unit_price else f.unit_price end,
    coalesce(f.warn_at, l.warn_at), coalesce(f.on_exceeded, l.on_exceeded),
    case when p.past is null then quota.granted_now(l.user_id, l.meter) else 0 end,
    case when upper(p.period) <= l.last_reset_at then clock.at end,
    case when upper(p.period) <= l.last_reset_at then 0::numeric end
  -- Asked once, and apart (offset 0): written out at each place, the clock would be made ready at each.
  from (select quota.now() as at offset 0) clock
  cross join quota.meters m
  -- By the user, and before periods are worked out: of a table that was filled a moment ago the server knows
  -- so little that it went through all who have the plan.
  cross join lateral (
    select * from quota.user_limits u where u.user_id = p_user and u.service = m.service and u.meter = m.key
    offset 0
  ) l
  cross join lateral (
    select b.period, case when upper(b.period) <= clock.at then b.period end as past
    from quota.periods_between(
      quota.limit_anchor(l.reset_anchor, l.boundary, l.anchor_local), l.reset_every, l.timezone, p_first,
      p_last) b(period)
    offset 0
  ) p
  left join lateral quota.former_terms(l.user_id, l.service, l.plan, l.meter, p.past) f on true
  where m.key = p_meter and p.period is not null
$function$;
comment on function quota.quota_terms(uuid,text,timestamp with time zone,timestamp with time zone) is 'The quota rows, not opened yet, of a user''s meter for the periods between two instants. A period that a reset already passed over starts closed, with nothing used at its close.';
grant execute on function quota.quota_terms(uuid,text,timestamp with time zone,timestamp with time zone) to quota_finance;
grant execute on function quota.quota_terms(uuid,text,timestamp with time zone,timestamp with time zone) to quota_operator;
grant execute on function quota.quota_terms(uuid,text,timestamp with time zone,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.raise_operator_alerts()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  raised integer;
begin
  perform quota.refuse_other_users(null);
  with added as (
    insert into quota.operator_alerts (day, service, kind, value, limit_value, calls)
    select d.day, d.service, d.kind, d.value, d.limit_value, d.calls from quota.operator_alerts_due() d
    on conflict do nothing
    returning *
  ), told as (
    select pg_notify('quota_alerts', jsonb_build_object('id', a.id, 'kind', a.kind, 'day', a.day,
      'service', nullif(a.service, ''), 'level', 'exceeded')::text)
    from added a
  )
  select count(*) into raised from told;
  return raised;
end $function$;
comment on function quota.raise_operator_alerts() is 'Raises one alert per day, service and kind where a limit of service_settings was gone beyond; how many.';
grant execute on function quota.raise_operator_alerts() to quota_operator;

CREATE OR REPLACE FUNCTION quota.raise_pace_alerts()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  raised integer;
begin
  perform quota.refuse_other_users(null);
  insert into quota.usage_alerts
    (user_id, meter, period_start, threshold, level, percent, crossed_at, allowance, cost_limit)
  select q.user_id, q.meter, q.period_start, 0, 'warning',
    quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit), quota.now(),
    q.limit_quantity + q.granted, q.cost_limit
  from quota.usage_quotas q
  join quota.users u on u.id = q.user_id and u.erased_at is null
  where not q.superseded and quota.contains(q, quota.now()) and q.exhausted_at is null and q.warn_at <> '{}'
    and quota.runs_out_at(q.used, q.adjusted, q.limit_quantity + q.granted, q.cost, q.cost_limit,
      case when q.cost_limit is not null then quota.adjusted_cost(q.user_id, q.meter, q.period_start) end,
      q.calls, q.period_start, q.period_end, quota.now()) is not null
    and not exists (
      select from quota.usage_alerts a
      where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
        and a.threshold = 0)
  order by q.user_id, q.meter
  on conflict do nothing;
  get diagnostics raised = row_count;
  return raised;
end $function$;
comment on function quota.raise_pace_alerts() is 'Raises one alert per period for each quota that runs out before its reset at its pace, where the plan warns at all; returns how many.';
grant execute on function quota.raise_pace_alerts() to quota_operator;

CREATE OR REPLACE FUNCTION quota.rank_sums(month_end timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.ranked_sums;
  -- First comes what reaches further into the month, then what comes to more, then what is cut finer.
  create temp table ranked_sums on commit drop as
  select s.states, s.export_id, coalesce(g.grain, '{}') as grain, row_number() over (
    partition by s.states
    order by greatest(s.last_day, least(e.covered_until, month_end) - interval '1 day') desc,
      round(s.cost, 2) desc nulls last,
      cardinality(coalesce(g.grain, '{}')) desc, s.lines desc, e.sha256, s.export_id) as place
  from (
    select states, export_id, max(day)::timestamp at time zone 'UTC' as last_day, sum(cost) as cost,
      count(*) as lines
    from pg_temp.month_sums group by 1, 2
  ) s
  join quota.billing_exports e on e.id = s.export_id
  left join (
    select m.states, m.export_id, array_agg(distinct k.key order by k.key) as grain
    from pg_temp.month_sums m cross join lateral jsonb_object_keys(m.charge) as k(key) group by 1, 2
  ) g on g.states = s.states and g.export_id = s.export_id;
  -- A dimension that a file has and a row leaves empty is a value like any other.
  update pg_temp.month_sums m set charge = quota.project_charge(m.charge, s.grain)
  from pg_temp.ranked_sums s where s.states = m.states and s.export_id = m.export_id;
  create index on pg_temp.month_sums (export_id, states, day);
  analyze pg_temp.month_sums;
end $function$;
comment on function quota.rank_sums(timestamp with time zone) is 'Makes the temporary table ranked_sums: which exports count first, and their dimensions.';

CREATE OR REPLACE FUNCTION quota.ranked_allowances(p_user uuid, subscription quota.subscriptions, p_service text, p_model text, p_quantity numeric, p_quantities jsonb, p_session bigint)
 RETURNS TABLE(allowances quota.allowance[], needed numeric, meters jsonb)
 LANGUAGE sql
 STABLE
AS $function$
  -- What is least in the unit of the call comes first, or else what is nearest to its end.
  select array_agg(o.a order by o.place) filter (where (o.a).counts),
    max(o.needed) filter (where o.place = 1 and (o.a).counts),
    jsonb_agg(quota.meter_left((o.a).meter, (o.a).unit, (o.a).used, (o.a).limit_quantity, (o.a).remaining,
      (o.a).percent, (o.a).cost, (o.a).cost_limit, (o.a).resets_at) order by (o.a).meter)
  from (
    select a, n.needed, row_number() over (order by a.counts desc, a.exhausted desc,
      coalesce(a.remaining = 0 or a.room = 0, false) desc, coalesce(n.needed > a.remaining, false) desc,
      a.room asc nulls last, a.percent desc nulls last, a.meter) as place
    from (select quota.service_unit(p_service) as unit,
      quota.told_quantities(p_service, p_quantities) as quantities) t
    cross join lateral quota.allowance_of(p_user, subscription.plan, subscription.anchor_local,
      subscription.timezone, p_model, p_session) a
    cross join lateral (
      select quota.quantity_on(a.unit, a.measure, t.unit, p_quantity, t.quantities) as needed) n
  ) o
$function$;
comment on function quota.ranked_allowances(uuid,quota.subscriptions,text,text,numeric,jsonb,bigint) is 'What is left of the meters that a call counts on, what stands in its way first; what the call takes of that first one; and all meters of the plan, as quota.meter_left tells them. QT003: quantities that cannot be.';

CREATE OR REPLACE FUNCTION quota.reached(warn_at integer[], percent numeric)
 RETURNS integer[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select array(select distinct w from unnest(warn_at) w where w <= percent order by w) $function$;
comment on function quota.reached(integer[],numeric) is 'The thresholds that this percentage has reached, the lowest first.';
grant execute on function quota.reached(integer[],numeric) to quota_finance;
grant execute on function quota.reached(integer[],numeric) to quota_operator;
grant execute on function quota.reached(integer[],numeric) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.reached_by(q quota.usage_quotas)
 RETURNS integer[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select quota.reached(
    q.warn_at, quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit))
$function$;
comment on function quota.reached_by(quota.usage_quotas) is 'The thresholds that a quota as it stands has reached.';

CREATE OR REPLACE FUNCTION quota.reap_calls(batch_size integer, run uuid, idle interval, only_user uuid DEFAULT NULL::uuid)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  calls bigint[];
  reaped integer;
begin
  perform quota.refuse_other_users(array[only_user]);
  calls := array(select c.id from quota.idle_calls(idle, only_user) c order by c.started_at limit batch_size);
  perform 1 from quota.call_logs l where l.id = any (calls) order by l.id for no key update;
  with settled as (
    update quota.call_logs l set status = 'error', error_message = 'call did not end',
      settled_by = 'nobody'
    where l.id = any (calls) and l.status = 'active'
    returning l.id, l.user_id, l.service, l.duration_seconds
  )
  insert into quota.audit_log (action, user_id, service, subject, reason, before, after, run_id)
  select 'call.reaped', s.user_id, s.service, s.id::text, 'call did not end',
    jsonb_build_object('status', 'active'),
    jsonb_build_object('status', 'error', 'durationSeconds', s.duration_seconds::text), run
  from settled s;
  get diagnostics reaped = row_count;
  return reaped;
end $function$;
comment on function quota.reap_calls(integer,uuid,interval,uuid) is 'Ends up to batch_size calls without a lease that have been active for longer than idle; what they lasted stays unknown until the app or the bill tells.';
grant execute on function quota.reap_calls(integer,uuid,interval,uuid) to quota_operator;

CREATE OR REPLACE FUNCTION quota.reap_grants(batch_size integer, only_user uuid DEFAULT NULL::uuid)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[] := '{}';
  services text[] := '{}';
  pair record;
begin
  perform quota.refuse_other_users(array[only_user]);
  for pair in select g.user_id, g.service from quota.stale_grants(only_user) g order by 1, 2 limit batch_size
  loop
    perform quota.lock_allowance(pair.user_id, pair.service);
    users := users || pair.user_id;
    services := services || pair.service;
  end loop;
  if cardinality(users) > 0 then
    perform quota.settle_grants(users, services);
  end if;
  return cardinality(users);
end $function$;
comment on function quota.reap_grants(integer,uuid) is 'Takes expired grants out of up to batch_size running quotas, which may exhaust and limit them; returns how many users'' services.';
grant execute on function quota.reap_grants(integer,uuid) to quota_operator;

CREATE OR REPLACE FUNCTION quota.reap_sessions(batch_size integer, run uuid, only_user uuid DEFAULT NULL::uuid)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(array[only_user]);
  return quota.settle_leases(array(
    select c.call_log_id from quota.concurrent_processing c
    where c.expires_at <= quota.now() and c.call_log_id is not null
      and (only_user is null or c.user_id = only_user)
    order by c.expires_at limit batch_size), run)
    + quota.mend_leases(batch_size, only_user);
end $function$;
comment on function quota.reap_sessions(integer,uuid,uuid) is 'Settles up to batch_size sessions whose lease has ended, at an estimate, and mends leases that do not follow from their calls; returns how many of both.';
grant execute on function quota.reap_sessions(integer,uuid,uuid) to quota_operator;

CREATE OR REPLACE FUNCTION quota.reason_digest(salt uuid, reason text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select 'sha256:' || encode(sha256(convert_to(salt::text || reason, 'UTF8')), 'hex') $function$;
comment on function quota.reason_digest(uuid,text) is 'What an audit row keeps of its reason, whose words lie in audit_reasons.';
grant execute on function quota.reason_digest(uuid,text) to quota_finance;
grant execute on function quota.reason_digest(uuid,text) to quota_operator;
grant execute on function quota.reason_digest(uuid,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.record(p_user text, p_service text, p_key text, p_quantity numeric, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_cost numeric DEFAULT NULL::numeric, p_started_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_status text DEFAULT 'completed'::text, p_assistant_id text DEFAULT NULL::text, p_file_bytes bigint DEFAULT NULL::bigint, p_words integer DEFAULT NULL::integer, p_error text DEFAULT NULL::text, p_metadata jsonb DEFAULT NULL::jsonb, p_quantities jsonb DEFAULT NULL::jsonb)
 RETURNS quota.record_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  answer quota.check_result;
  owner uuid;
  in_seconds boolean;
  in_messages boolean;
  is_live boolean;
  starts timestamptz;
  told quota.told_end;
  counted integer;
  recorded_id bigint;
  asked text;
begin
  -- One look, for the lock as well: each statement has its price, and apps record all day.
  select u.id, s.in_seconds, s.in_messages, s.is_live, coalesce(p_provider, p_service),
    set_config('quota.counted', case when quota.hold_seeded((select seed from quota.lock_seeds
      where name = ''), coalesce(p_provider, p_service), p_key) then 'asked' end, true)
  into owner, in_seconds, in_messages, is_live, p_provider, asked
  from (select bool_or(m.unit = 'second' or m.credit_seconds is not null) as in_seconds,
      bool_or(m.unit = 'message') as in_messages, bool_or(m.is_live) as is_live
    from quota.meters m where m.service = p_service) s left join quota.users u on u.external_id = p_user;
  if owner is null or not quota.is_plain_caller() then
    owner := quota.user_or_new(p_user);
  end if;
  if in_seconds is null then
    raise exception 'unknown service "%"', quota.shown(p_service) using errcode = 'QT002';
  end if;
  if p_started_at is not null or (p_status in ('active', 'completed', 'error')) is not true
    or least(p_file_bytes, p_words) < 0 or quota.is_endless(p_quantity, p_cost, p_metadata, concat(p_key,
      p_provider, p_assistant_id, p_model, p_status, p_error)) then
    perform quota.refuse_impossible(p_quantity, p_cost, p_started_at),
      quota.refuse_endless(array[p_key, p_provider, p_assistant_id, p_model, p_status], p_error, p_metadata);
    p_status := quota.fit_status(p_status, p_file_bytes, p_words);
  end if;
  if p_quantities is not null or not in_seconds and not in_messages then
    told := quota.told_quantities_of(p_service, in_seconds, in_messages, p_quantity, p_quantities);
    p_quantity := coalesce(p_quantity, case when in_seconds then told.duration_seconds
      when in_messages then told.messages end);
  end if;
  if in_seconds and p_quantity > 604800 or not in_seconds and in_messages
    and (p_quantity <> trunc(p_quantity) or p_quantity > 2147483647) then
    perform quota.refuse_quantity(in_seconds, p_quantity);
  end if;
  starts := coalesce(p_started_at, quota.now() - case when in_seconds and is_live
    then make_interval(secs => greatest(p_quantity, 0)::float8) else interval '0' end);
  counted := case when in_seconds then told.messages when in_messages then p_quantity::integer end;
  -- By months, a key of another month is known to the table of keys only.
  if to_regclass('quota.call_logs_rest') is null or not quota.is_call_known(p_provider, p_key) then
    insert into quota.call_logs (user_id, service, provider, provider_call_id, assistant_id, model, status,
      started_at, ended_at, duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message,
      metadata, quantities)
    values (owner, p_service, p_provider, p_key, p_assistant_id, p_model, p_status, starts,
      case when in_seconds and p_started_at is not null
        then starts + make_interval(secs => p_quantity::float8) else coalesce(p_started_at, quota.now()) end,
      case when in_seconds then p_quantity else 0 end, counted, p_words, p_file_bytes, p_cost, p_error,
      p_metadata, told.quantities) on conflict do nothing returning id into recorded_id;
  end if;
  if recorded_id is null then
    return quota.record_again(owner, p_service, p_provider, p_key, (p_status, p_started_at,
      case when in_seconds then p_quantity end, counted, p_cost, p_words, p_error, p_assistant_id, p_model,
      p_file_bytes, p_metadata, told.quantities)::quota.told_end);
  end if;
  answer := quota.left_after(owner, p_service, p_model);
  return (true, recorded_id, answer.used, answer."limit", answer.remaining, answer.state, answer.action,
    answer.cost, answer.cost_limit, false, p_status,
    round(p_quantity, least(scale(p_quantity), 3)), p_cost, false, answer.runs_out_at)::quota.record_result;
end $function$;
comment on function quota.record(text,text,text,numeric,text,text,numeric,timestamp with time zone,text,text,bigint,integer,text,jsonb,jsonb) is 'Records usage once per (provider, key), in the unit of the service: seconds, messages, tokens, ...; p_quantities: what else it used, by unit or meter. A call of that key that runs, or was settled at an estimate, is completed. recorded = false: it was there already; differs: with other figures, which stay. Returns what is stored and what is left.';
grant execute on function quota.record(text,text,text,numeric,text,text,numeric,timestamp with time zone,text,text,bigint,integer,text,jsonb,jsonb) to quota_app;
grant execute on function quota.record(text,text,text,numeric,text,text,numeric,timestamp with time zone,text,text,bigint,integer,text,jsonb,jsonb) to quota_operator;

CREATE OR REPLACE FUNCTION quota.record_again(p_user uuid, p_service text, p_provider text, p_key text, told quota.told_end)
 RETURNS quota.record_result
 LANGUAGE plpgsql
AS $function$
declare
  known bigint := (
    select l.id from quota.call_logs l
    where l.provider = p_provider and l.provider_call_id = p_key
      and l.user_id = p_user and l.service = p_service);
  result quota.record_result;
begin
  if known is null then
    perform quota.refuse_taken_key(p_key);
  end if;
  result := quota.settle_call(known, told);
  return quota.with_allowance(result, p_user, p_service, told.model);
end $function$;
comment on function quota.record_again(uuid,text,text,text,quota.told_end) is 'The answer of quota.record for a key that is there: completes what runs or was estimated. QT003: the key is that of another call.';

CREATE OR REPLACE FUNCTION quota.recount_meters(p_meters text[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  services text[];
begin
  select s.users, s.services into users, services from quota.subscribed_to(p_meters) s;
  if users is null then
    return 0;
  end if;
  -- Open everywhere: whoever counts by what a meter was a moment ago finds more, or less, than was looked at.
  insert into quota.usage_quotas
    (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
     granted, alerted)
  select t.user_id, t.meter, t.period_start, t.period_end, t.limit_quantity, t.cost_limit, t.unit_price,
    t.warn_at, t.on_exceeded, t.granted,
    quota.mark_unseen(0, t.limit_quantity + t.granted, 0, t.cost_limit, t.warn_at)
  from quota.meters m
  join quota.plan_limits l on l.meter = m.key
  join quota.subscriptions s on s.plan = l.plan and s.service = m.service
  cross join lateral quota.quota_terms(s.user_id, m.key, quota.now(), quota.now()) t
  where m.key = any (p_meters)
  order by t.user_id, t.meter, t.period_start
  on conflict do nothing;
  perform quota.refresh_quotas(users, services, false);
  -- What an operator had reset is nothing also where less is counted now than was taken off.
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason, created_at)
  select q.user_id, q.meter, q.period_start, 'reset_carried', -least(s.quantity, 0), -least(s.cost, 0),
    'carried over: ' || r.reason, r.created_at
  from quota.usage_quotas q
  cross join lateral quota.last_manual_reset(q) r
  cross join lateral quota.sums_until(q, r.created_at) s
  where q.meter = any (p_meters) and q.period_end > quota.now() and not q.superseded
    and (s.quantity < 0 or s.cost < 0)
  order by q.user_id, q.meter, q.period_start;
  return cardinality(users);
end $function$;
comment on function quota.recount_meters(text[]) is 'Counts the running periods of meters by what these are now, opens those that are not open, and enforces them. The caller holds the meters. Returns the number of users.';

CREATE OR REPLACE FUNCTION quota.recount_quotas(users uuid[], services text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  at_once constant integer := 50;
  crossed quota.usage_quotas[];
  others quota.usage_quotas[];
begin
  -- Some at a time, and each quota by looking up what lies in it: of tables that were filled a moment ago the
  -- server knows no numbers yet, and would hold each of their rows against each.
  for n in 1 .. cardinality(users) by at_once loop
    with recounted as (
      update quota.usage_quotas q set used = f.quantity, adjusted = f.adjusted, cost = f.cost, calls = f.calls
      from (
        select o.user_id, o.meter, o.period_start, s.*
        from unnest(users[n:n + at_once - 1], services[n:n + at_once - 1]) as w (user_id, service)
        join quota.usage_quotas o on o.user_id = w.user_id
        join quota.meters m on m.key = o.meter and m.service = w.service
        cross join lateral quota.sums_until(o, 'infinity') s
      ) f
      where q.user_id = f.user_id and q.meter = f.meter and q.period_start = f.period_start
      returning q.*
    )
    select crossed || array_agg(r::quota.usage_quotas) filter (where n.is_crossed),
      others || array_agg(r::quota.usage_quotas) filter (
        where not n.is_crossed and quota.marks_differ(r::quota.usage_quotas))
    into crossed, others
    from recounted r
    cross join lateral (
      select quota.needs_enforcement(r::quota.usage_quotas)
        or not r.superseded and quota.contains(r::quota.usage_quotas, quota.now())
          and quota.alerts_differ(r::quota.usage_quotas) as is_crossed offset 0) n;
  end loop;
  if crossed is not null then
    perform quota.enforce(crossed);
  end if;
  if others is not null then
    perform quota.look_again(others);
  end if;
end $function$;
comment on function quota.recount_quotas(uuid[],text[]) is 'Sums the quotas of (user, service) pairs anew from their facts, and enforces them. The caller holds subscriptions and assistants.';

CREATE OR REPLACE FUNCTION quota.refresh_mirrors(p_users uuid[], p_service text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  mirror quota.adopt_mirrors;
  names text[];
begin
  for mirror in select m.* from quota.adopt_mirrors m where m.service = p_service order by m.id loop
    names := coalesce(names, array(
      select u.external_id from quota.users u where u.id = any (p_users) order by u.external_id));
    begin
      execute format('select quota_adopt.mirror_%s($1)', mirror.id) using names;
      if mirror.error is not null then
        update quota.adopt_mirrors m set error = null, failed_at = null where m.id = mirror.id;
      end if;
    exception when others or assert_failure then
      -- Neither the app nor what is counted waits for a column: it follows with the next change.
      update quota.adopt_mirrors m set error = left(sqlerrm, 500), failed_at = quota.now()
      where m.id = mirror.id;
    end;
  end loop;
end $function$;
comment on function quota.refresh_mirrors(uuid[],text) is 'Brings the mirrored columns of users up to date, in adopted products about which quota decides.';

CREATE OR REPLACE FUNCTION quota.refresh_quotas(users uuid[], services text[] DEFAULT NULL::text[], new_terms boolean DEFAULT true)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  at_once constant integer := 50;
  due_users uuid[];
  due_services text[];
  due_ends timestamptz[];
begin
  perform quota.hold_subscriptions(users, services);
  select array_agg(s.user_id order by s.user_id, s.service),
    array_agg(s.service order by s.user_id, s.service)
  into users, services
  from quota.subscriptions s
  where s.user_id = any (users)
    and (services is null or (s.user_id, s.service) in (select * from unnest(users, services)));
  if users is null then
    return;
  end if;

  if new_terms then
    perform quota.fit_periods(users, services);
  end if;
  -- Some at a time, as they are counted.
  for n in 1 .. cardinality(users) by at_once loop
    perform quota.open_periods(array(
      select (c.user_id, m.key, min(c.started_at), max(c.started_at))::quota.usage_span
      from unnest(users[n:n + at_once - 1], services[n:n + at_once - 1]) u(user_id, service)
      join quota.call_logs c on c.user_id = u.user_id and c.service = u.service
      join quota.meter_terms m on m.service = c.service and quota.counts_model(m.models, m.patterns, c.model)
      group by c.user_id, m.key));
  end loop;
  select array_agg(q.user_id), array_agg(m.service), array_agg(q.period_end)
  into due_users, due_services, due_ends
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  join quota.usage_quotas q on q.user_id = u.user_id and q.meter = m.key
  where q.closed_at is null and q.period_end <= quota.now();
  if due_users is not null then
    perform quota.make_due(due_users, due_services, due_ends);
  end if;
  if new_terms then
    perform quota.take_terms(users, services);
    perform quota.take_terms_ahead(users);
  end if;

  perform quota.hold_assistants(users);
  perform quota.recount_quotas(users, services);
  perform quota.keep_resets(users, services);
  perform quota.settle_if_granted(users, services);
  perform quota.lift_spent_limits(users, services);
end $function$;
comment on function quota.refresh_quotas(uuid[],text[],boolean) is 'Brings the quotas of (user, service) pairs, or of all services of users, in line with their subscriptions and their facts: after a new subscription, plan, anchor or zone. Without new_terms running periods keep theirs, and only what is missing is opened and counted.';

CREATE OR REPLACE FUNCTION quota.refusal_message(reason text, plan quota.plans, worst quota.allowance, others_left boolean)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select case reason
    when 'quota_exceeded' then 'The ' || quota.meter_label(worst.meter, worst.unit) || ' of the plan "'
      || plan.name || '" are used up'
    when 'cost_limit_exceeded' then 'The cost limit of the plan "' || plan.name || '" is reached'
    when 'would_exceed' then 'This needs more than the ' || case worst.unit
        when 'second' then div(worst.remaining, 60) || ':'
          || lpad((trunc(worst.remaining) % 60)::text, 2, '0')
        when 'byte' then pg_size_pretty(worst.remaining) || ' of'
        else trim_scale(worst.remaining)::text end
      || ' ' || quota.meter_label(worst.meter, worst.unit) || ' that are left of the plan "' || plan.name
      || '"'
    when 'file_too_large' then 'The file is larger than the ' || pg_size_pretty(plan.max_file_bytes)
      || ' of the plan "' || plan.name || '"'
    when 'too_many_concurrent' then 'The plan "' || plan.name || '" runs ' || plan.max_concurrent
      || ' at a time; wait for one to end'
    when 'model_not_allowed' then 'The plan "' || plan.name || '" does not include this model'
    when 'sign_in_required'
      then case when plan.key is null then 'Sign in to use this' else 'Sign in to use this model' end
    when 'assistant_limit' then 'The plan "' || plan.name || '" includes ' || plan.max_assistants
      || ' assistants'
    when 'no_plan' then 'There is no plan for this service'
    when 'unknown_time_zone' then 'The allowance cannot be told: the time zone that is stored is not known'
  end
  || case
    when reason in ('quota_exceeded', 'cost_limit_exceeded', 'would_exceed') and worst.resets_at is not null
      then ' until ' || to_char(worst.resets_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
    else '' end
  || case when reason = 'quota_exceeded' and others_left then '; other models can be used' else '' end
  -- Who is to sign in gets that plan by it.
  || case when reason <> 'sign_in_required' and plan.upgrade_to is not null
      then '. Upgrade to '
        || coalesce((select p.name from quota.plans p where p.key = plan.upgrade_to), plan.upgrade_to)
        || ' for more.'
    else '.' end
$function$;
comment on function quota.refusal_message(text,quota.plans,quota.allowance,boolean) is 'A sentence for the user of the app: what is used up, until when, and the way out. others_left: models that the meter does not count can still be used.';

CREATE OR REPLACE FUNCTION quota.refusal_reason(plan quota.plans, worst quota.allowance, p_user uuid, p_service text, p_model text, p_needed numeric, p_file_bytes bigint, p_for text, p_session bigint)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  if plan.key is null then
    return case when p_user is null then 'sign_in_required' else 'no_plan' end;
  elsif p_for = 'assistant' then
    return case when plan.max_assistants <= (
      select count(*) from quota.assistants a where a.user_id = p_user and a.state = 'active')
      then 'assistant_limit' else 'ok' end;
  elsif not quota.allows_model(plan.allowed_models, p_model) then
    return case when plan.anonymous then 'sign_in_required' else 'model_not_allowed' end;
  elsif p_file_bytes > plan.max_file_bytes then
    return 'file_too_large';
  elsif worst.by_cost then
    return 'cost_limit_exceeded';
  elsif worst.exhausted or worst.remaining = 0 or worst.room = 0 then
    return 'quota_exceeded';
  elsif p_needed > worst.remaining then
    return 'would_exceed';
  elsif plan.max_concurrent is not null and plan.max_concurrent <= (
    select count(*) from quota.concurrent_processing c
    where c.user_id = p_user and c.service = p_service and c.expires_at > quota.now()
      and c.call_log_id is distinct from p_session)
  then
    return 'too_many_concurrent';
  end if;
  return 'ok';
end $function$;
comment on function quota.refusal_reason(quota.plans,quota.allowance,uuid,text,text,numeric,bigint,text,bigint) is 'Why a use is refused, the first reason that holds; ok: it is not. worst: the meter with the least left, of which the use takes p_needed.';

CREATE OR REPLACE FUNCTION quota.refusals_by_day(p_from date, p_to date, p_service text DEFAULT NULL::text)
 RETURNS TABLE(day date, service text, plan text, reason text, refused bigint)
 LANGUAGE sql
 STABLE
AS $function$
  select r.day, r.service, r.plan, r.reason, sum(r.refused)::bigint
  from quota.refusals r
  where r.day between p_from and p_to and (p_service is null or r.service = p_service)
  group by r.day, r.service, r.plan, r.reason
  order by r.day, r.service, r.plan, r.reason
$function$;
comment on function quota.refusals_by_day(date,date,text) is 'How often users were refused, per day (UTC), service, plan and reason, both days included.';
grant execute on function quota.refusals_by_day(date,date,text) to quota_finance;
grant execute on function quota.refusals_by_day(date,date,text) to quota_operator;
grant execute on function quota.refusals_by_day(date,date,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.refuse_caller(p_speaks_for text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  acting name := coalesce(nullif(current_setting('role'), 'none'), session_user);
begin
  if p_speaks_for = 'user' then
    raise exception 'this connection speaks for another user' using errcode = 'QT006';
  elsif p_speaks_for = 'anonymous' then
    raise exception 'nobody is signed in: the claim that names the user is missing' using errcode = 'QT006';
  end if;
  raise exception 'the role "%" speaks for nobody in this database', acting
    using errcode = 'QT006', hint = format(
      'Register it: quota login allow %1$s (the whole app), quota login bind %1$s --user USER, or quota '
      'login bind %1$s --claim sub.', acting);
end $function$;
comment on function quota.refuse_caller(text) is 'Raises QT006 with what is wrong: another user, nobody signed in, or a role that is not registered.';
grant execute on function quota.refuse_caller(text) to quota_finance;

CREATE OR REPLACE FUNCTION quota.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% on quota.% is refused: facts and history are never destroyed', lower(tg_op),
    tg_table_name
    using errcode = 'QT005', hint = 'Write a correcting entry (an adjustment, a new audit row) instead.';
end $function$;

CREATE OR REPLACE FUNCTION quota.refuse_closed(reconciliation uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  r quota.reconciliations;
begin
  select * into r from quota.reconciliations where id = reconciliation;
  if r.closed_at is not null then
    raise exception '% of % is closed', to_char(r.month, 'YYYY-MM'), r.provider
      using errcode = 'QT007',
        detail = format('closed by %s at %s', r.closed_by,
          to_char(r.closed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
        hint = 'quota reconcile reopen, with a reason, opens it again';
  end if;
end $function$;
comment on function quota.refuse_closed(uuid) is 'QT007 if the month is closed.';
grant execute on function quota.refuse_closed(uuid) to quota_finance;

CREATE OR REPLACE FUNCTION quota.refuse_endless(p_names text[], p_error text, p_metadata jsonb)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  longest text := (select n from unnest(p_names) n order by char_length(n) desc nulls last limit 1);
begin
  if char_length(longest) > 255 then
    raise exception 'a key, provider, assistant, model or status has up to 255 characters, not %: "%"',
      char_length(longest), quota.shown(longest) using errcode = 'QT003';
  elsif char_length(p_error) > 10000 then
    raise exception 'an error message has up to 10000 characters, not %', char_length(p_error)
      using errcode = 'QT003';
  elsif octet_length(p_metadata::text) > 100000 then
    raise exception 'the metadata of a call has up to 100000 bytes, not %', octet_length(p_metadata::text)
      using errcode = 'QT003';
  end if;
end $function$;
comment on function quota.refuse_endless(text[],text,jsonb) is 'Raises QT003 on what is too long to be kept with a call.';

CREATE OR REPLACE FUNCTION quota.refuse_impossible(p_quantity numeric, p_cost numeric, p_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  if p_quantity < 0 or p_cost < 0 then
    raise exception 'a quantity or cost cannot be negative: %', left(least(p_quantity, p_cost)::text, 40)
      using errcode = 'QT003';
  end if;
  -- A float of a millionth of a cent has its 17 digits after nine zeros.
  if greatest(scale(p_quantity), scale(p_cost)) > 40 or p_quantity >= 1e12 or p_cost >= 1e9 then
    raise exception 'a quantity is below 10^12, a cost below 10^9, both with up to 40 digits after the point'
      using errcode = 'QT003';
  end if;
  if p_at > quota.now() + interval '5 minutes' then
    raise exception 'usage cannot lie in the future: %', p_at
      using errcode = 'QT004', hint = 'Up to 5 minutes of clock difference are accepted.';
  elsif p_at < quota.now() - interval '366 days' then
    raise exception 'usage of more than a year ago is not recorded by an app: %', p_at
      using errcode = 'QT004', hint = 'Calls of the past are loaded with quota import call-logs.';
  end if;
end $function$;
comment on function quota.refuse_impossible(numeric,numeric,timestamp with time zone) is 'Raises QT003 on negative values and on those of endless digits, QT004 on times to come and on those of more than a year ago.';

CREATE OR REPLACE FUNCTION quota.refuse_impossible_start(p_estimate numeric, p_grace interval, p_started_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  perform quota.refuse_impossible(p_estimate, null, p_started_at);
  if p_grace < interval '0' or p_grace > interval '1 day' then
    raise exception 'a grace is no time at all to a day, not %', p_grace using errcode = 'QT003';
  elsif p_started_at < quota.now() - interval '7 days' then
    raise exception 'a session that began on % cannot run any more', p_started_at
      using errcode = 'QT004', hint = 'No call lasts longer than 7 days: record it as one that is over.';
  end if;
end $function$;
comment on function quota.refuse_impossible_start(numeric,interval,timestamp with time zone) is 'Raises QT003 on a negative estimate and on a grace that is negative or longer than a day, QT004 on a start to come or of more than 7 days ago.';

CREATE OR REPLACE FUNCTION quota.refuse_moved(p_user text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  name_digest text := encode(sha256(convert_to(p_user, 'UTF8')), 'hex');
  own_id uuid := case when p_user ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then p_user::uuid end;
  elsewhere text;
begin
  select m.shard into elsewhere from quota.moved_users m
  where m.digest = name_digest or m.user_id = own_id;
  if found then
    raise exception 'the user "%" is in another shard', quota.shown(p_user)
      using errcode = 'QT009', detail = format('Moved to the shard %s.', elsewhere),
        hint = 'Connect to that shard: quota shards where tells which it is.';
  end if;
  select a.shard into elsewhere from quota.arriving_users a
  where a.digest = name_digest or a.user_id = own_id;
  if found then
    raise exception 'the user "%" is on the way here', quota.shown(p_user)
      using errcode = 'QT009', detail = format('From the shard %s.', elsewhere),
        hint = 'Try again in a moment; a move that was broken off is finished by quota shards move.';
  end if;
end $function$;
comment on function quota.refuse_moved(text) is 'Raises QT009 for the external id or the id of somebody who went to another shard, or is coming from one. Only asked where nobody here has that name.';

CREATE OR REPLACE FUNCTION quota.refuse_moved_users()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if exists (select from quota.moved_users) or exists (select from quota.arriving_users) then
    perform quota.refuse_moved(n.external_id), quota.refuse_moved(n.id::text) from new_rows n;
  end if;
  return null;
end $function$;
comment on function quota.refuse_moved_users() is 'Nobody is made anew, by whatever way, who is in another shard.';

CREATE OR REPLACE FUNCTION quota.refuse_other_name(p_user text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  caller record;
begin
  select * into caller from quota.caller();
  if caller.speaks_for <> 'all' and (caller.speaks_for <> 'user' or caller.user_id is not null
    or caller.user_name is distinct from p_user)
  then
    perform quota.refuse_caller(caller.speaks_for);
  end if;
end $function$;
comment on function quota.refuse_other_name(text) is 'Raises QT006 unless this session speaks for a user of this name, whom nobody has told of yet.';

CREATE OR REPLACE FUNCTION quota.refuse_other_user(p_user uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  caller record;
begin
  select * into caller from quota.caller();
  if caller.speaks_for = 'all' or p_user is null and caller.speaks_for = 'anonymous'
    or caller.speaks_for = 'user' and p_user = coalesce(caller.user_id, quota.newcomer())
  then
    return true;
  end if;
  perform quota.refuse_caller(caller.speaks_for);
end $function$;
comment on function quota.refuse_other_user(uuid) is 'True; raises QT006 unless this session speaks for this user (null: somebody not signed in).';

CREATE OR REPLACE FUNCTION quota.refuse_other_users(p_users uuid[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  bound uuid := quota.bound_user();
begin
  if bound is not null
    and (p_users is null or exists (select from unnest(p_users) u(id) where u.id is distinct from bound))
  then
    perform quota.refuse_caller((quota.caller()).speaks_for);
  end if;
end $function$;
comment on function quota.refuse_other_users(uuid[]) is 'Raises QT006 unless this session speaks for all users, or these are the one for whom it does. Null, or among them: whatever acts on users without naming them.';
grant execute on function quota.refuse_other_users(uuid[]) to quota_finance;

CREATE OR REPLACE FUNCTION quota.refuse_quantity(in_seconds boolean, p_quantity numeric)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if in_seconds then
    raise exception 'a call of % seconds is longer than the 7 days that one call may last',
      quota.shown(p_quantity::text)
      using errcode = 'QT003';
  end if;
  raise exception 'messages are counted one by one: % is no number of them',
    quota.shown(p_quantity::text)
    using errcode = 'QT003';
end $function$;
comment on function quota.refuse_quantity(boolean,numeric) is 'Raises QT003: no call is so long, and no number of messages is this.';

CREATE OR REPLACE FUNCTION quota.refuse_taken_key(p_key text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the key "%" belongs to another call', quota.shown(p_key)
    using errcode = 'QT003', hint = 'A key names one call of one user and service, and is used once: '
      || 'what is new needs a key of its own.';
end $function$;
comment on function quota.refuse_taken_key(text) is 'Raises QT003: to take usage under a key of somebody else, or of a session that has ended, for a repetition would lose it.';

CREATE OR REPLACE FUNCTION quota.refuse_unfit_name(p_name text, p_what text DEFAULT 'the id of a user'::text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  if p_name is null or btrim(p_name) = '' or char_length(p_name) > 255 or p_name ~ '[[:cntrl:]]' then
    raise exception '% has 1 to 255 characters and no control characters: "%"', p_what,
      quota.shown(coalesce(p_name, '')) using errcode = 'QT003';
  end if;
end $function$;
comment on function quota.refuse_unfit_name(text,text) is 'Raises QT003 on a text that cannot name anybody: empty, endless, or with control characters.';
grant execute on function quota.refuse_unfit_name(text,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.refuse_unfit_numbers(p_numbers text[], p_assistant_id text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  number text;
begin
  if cardinality(p_numbers) > 100 then
    raise exception 'an assistant answers up to 100 numbers, not %', cardinality(p_numbers)
      using errcode = 'QT003';
  end if;
  foreach number in array coalesce(p_numbers, '{}') loop
    perform quota.refuse_unfit_name(number, 'a phone number, or the id of one,');
    if exists (
      select from quota.assistants a
      where a.numbers @> array[number] and a.numbers <> '{}' and a.state = 'active'
        and a.provider_assistant_id <> p_assistant_id)
    then
      raise exception 'another assistant answers the number "%"', left(number, 60) using errcode = 'QT003';
    end if;
  end loop;
end $function$;
comment on function quota.refuse_unfit_numbers(text[],text) is 'Raises QT003 on numbers that cannot be, and on those that another assistant answers.';

CREATE OR REPLACE FUNCTION quota.refuse_unfit_person(p_email text, p_name text, p_signup_at timestamp with time zone, p_timezone text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  if p_email is not null and (char_length(p_email) > 255 or p_email !~ '^[^[:space:]@]+@[^[:space:]@]+$') then
    raise exception '"%" is not an email address', quota.shown(p_email) using errcode = 'QT003';
  end if;
  if p_name is not null then
    perform quota.refuse_unfit_name(p_name, 'the name of a user');
  end if;
  if p_signup_at > quota.now() + interval '5 minutes' then
    raise exception 'nobody signed up in the future: %', p_signup_at using errcode = 'QT004';
  elsif p_signup_at < timestamptz '1970-01-01Z' then
    raise exception 'nobody signed up before 1970: %', p_signup_at using errcode = 'QT004';
  end if;
  if p_timezone is not null and not quota.is_zone_name(p_timezone) then
    raise exception '"%" is not a time zone that the server knows', quota.shown(p_timezone)
      using errcode = 'QT003', hint = 'Write it like Europe/Berlin, or UTC.';
  end if;
end $function$;
comment on function quota.refuse_unfit_person(text,text,timestamp with time zone,text) is 'Raises QT003 or QT004 on what cannot be the email, the name, the signup or the time zone of a user; null says nothing.';
grant execute on function quota.refuse_unfit_person(text,text,timestamp with time zone,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.refuse_unknown_service(p_service text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  if p_service is not null and not exists (select from quota.meters m where m.service = p_service) then
    raise exception 'unknown service "%"', quota.shown(p_service) using errcode = 'QT002';
  end if;
  return true;
end $function$;
comment on function quota.refuse_unknown_service(text) is 'True; raises QT002 when a service is named that no meter counts.';

CREATE OR REPLACE FUNCTION quota.refuse_unknown_user(p_user text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform quota.refuse_moved(p_user);
  raise exception 'unknown user "%"', quota.shown(p_user)
    using errcode = 'QT001', hint = 'Give the external id or the id of a user.';
end $function$;
comment on function quota.refuse_unknown_user(text) is 'Raises QT001; QT009 for somebody who is in another shard.';

CREATE OR REPLACE FUNCTION quota.refuse_unknown_zones()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  wrong text;
begin
  -- Names of places only: an abbreviation knows no summer time, and "UTC+3" means three hours west of
  -- Greenwich.
  if tg_op = 'INSERT' then
    -- "offset 0": each is looked at once, not once for each row.
    select z.timezone into wrong from (select distinct timezone from new_rows offset 0) z
    where not quota.is_zone_name(z.timezone) limit 1;
  else
    select z.timezone into wrong
    from (select timezone from new_rows except select timezone from old_rows offset 0) z
    where not quota.is_zone_name(z.timezone) limit 1;
  end if;
  if wrong is not null then
    raise exception 'unknown time zone "%"', quota.shown(wrong) using errcode = '22023',
      hint = 'write it like Europe/Berlin, or UTC; three hours east of Greenwich are Etc/GMT-3';
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.rehearse(p_service text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  -- Nobody waits for somebody who is made for this, and is not there afterwards.
  somebody text := 'warm-up ' || gen_random_uuid();
begin
  perform quota.check(somebody, p_service);
  if current_setting('transaction_read_only') = 'off' then
    perform quota.add_user(somebody);
    perform quota.record(somebody, p_service, somebody || ' 1', 1);
    -- The second of its kind goes the short way, as nearly all do.
    perform quota.check(somebody, p_service);
    perform quota.record(somebody, p_service, somebody || ' 2', 1);
    perform quota.start_session(somebody, p_service, somebody || ' 3', p_estimate => 1);
    perform quota.touch_session(somebody, somebody || ' 3');
    perform quota.end_session(somebody, somebody || ' 3', 1);
  end if;
  raise exception 'rehearsed';
exception when others then
  -- Takes back all of the above. What else was wrong - a service without a plan for newcomers, say - is for
  -- the call that needs it to tell.
  null;
end $function$;
comment on function quota.rehearse(text) is 'Runs what an app calls all day for a user of a service who is made for it, and takes all of it back.';

CREATE OR REPLACE FUNCTION quota.remaining_of(allowance numeric, used numeric, cost_limit numeric, cost numeric, unit text, unit_price numeric, reserved numeric)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  -- Null where nothing limits: "greatest" alone would make nothing left of it.
  select case when l.quantity is not null then greatest(l.quantity - reserved, 0) end
  from (select least(
    allowance - used,
    case when unit_price > 0
      then trunc((cost_limit - cost) * quota.units_priced(unit) / unit_price, 3) end
  ) as quantity) l
$function$;
comment on function quota.remaining_of(numeric,numeric,numeric,numeric,text,numeric,numeric) is 'What may still be used, by the allowance or for the money that is left at the price, whichever is less, beside what running sessions have reserved; null: no limit.';

CREATE OR REPLACE FUNCTION quota.remove_adopted(p_source integer, p_calls quota.adopted_call[])
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  logs bigint[];
  freed text[];
  removed integer;
begin
  logs := array(
    select l.call_log_id
    from unnest(p_calls) c join quota.adopt_links l on l.source = p_source and l.key = c.key
    where l.call_log_id is not null);
  -- The link stays, of nothing: a backfill that still saw the row does not count it.
  with kept as (
    insert into quota.adopt_links as l (source, key)
    select p_source, c.key from unnest(p_calls) c where c.key is not null
    on conflict (source, key) do update set call_log_id = null
      where l.call_log_id is null or l.call_log_id = any (logs)
    returning l.key
  )
  select array(select k.key from kept k) into freed;
  perform quota.bury_row(p_source, c.key, 'remove', null, 'another session is taking it over')
  from unnest(p_calls) c where c.key <> all (freed);
  delete from quota.call_logs c where c.id = any (logs);
  get diagnostics removed = row_count;
  return removed;
end $function$;
comment on function quota.remove_adopted(integer,quota.adopted_call[]) is 'Takes back the calls of rows that are gone; how many. The caller holds the subscriptions.';

CREATE OR REPLACE FUNCTION quota.remove_assistant(p_user text, p_assistant_id text, OUT removed boolean, OUT assistants integer)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  owner uuid := quota.resolve_user(p_user);
  known quota.assistants;
begin
  perform quota.hold_subscriptions(array[owner]);
  perform quota.hold_assistants(array[owner]);
  select * into known from quota.assistants a where a.provider_assistant_id = p_assistant_id;
  if known.id is null or known.user_id <> owner then
    raise exception 'the user has no assistant "%"', quota.shown(p_assistant_id) using errcode = 'QT003';
  end if;
  removed := known.state = 'active';
  update quota.assistants a set state = 'gone', is_given_up = false
  where a.id = known.id and removed;
  -- Nothing is left to be limited or restored at the provider; who works on it finds another change.
  update quota.assistant_limits l
  set status = 'gone', change = l.change + 1, next_attempt_at = null, updated_at = quota.now()
  where l.assistant_id = known.id and l.status <> 'gone';
  select count(*) into assistants from quota.assistants a where a.user_id = owner and a.state = 'active';
end $function$;
comment on function quota.remove_assistant(text,text) is 'Tells that an assistant was deleted at the provider: it counts no more for the maximum of the plan, and its limit is not worked on any more. removed false: it was gone already.';
grant execute on function quota.remove_assistant(text,text) to quota_app;
grant execute on function quota.remove_assistant(text,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.rendered_key(p_template text, p_user text, p_meter text, p_start timestamp with time zone, p_zone text)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case when bool_or(p.text is null) then null else string_agg(p.text, '' order by p.place) end
  from (
    select t.place, case
        when t.piece[1] = '{{' then '{'
        when t.piece[1] = '}}' then '}'
        when t.piece[1] = '{user}' then p_user
        when t.piece[1] = '{meter}' then p_meter
        when t.piece[1] = '{start}' then case when isfinite(p_start)
          then extract(epoch from p_start)::bigint::text else 'lifetime' end
        when t.piece[1] like '{%' then case when isfinite(p_start)
          then to_char(p_start at time zone p_zone, btrim(t.piece[1], '{}')) end
        else t.piece[1]
      end as text
    from regexp_matches(p_template, '(\{\{|\}\}|\{[^{}]*\}|[^{}]+)', 'g') with ordinality t(piece, place)
  ) p
$function$;
comment on function quota.rendered_key(text,text,text,timestamp with time zone,text) is 'A key of the app''s own by its template; dates are those of the period''s first day in the zone. Null: it has a date, and a lifetime none.';
grant execute on function quota.rendered_key(text,text,text,timestamp with time zone,text) to quota_finance;
grant execute on function quota.rendered_key(text,text,text,timestamp with time zone,text) to quota_operator;
grant execute on function quota.rendered_key(text,text,text,timestamp with time zone,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.renew_patterns()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  days date[];
begin
  perform quota.refuse_other_users(null);
  if not exists (
    select from quota.meter_terms m where m.patterns is distinct from quota.like_patterns(m.models))
  then
    return 0;
  end if;
  select array_agg(distinct c.user_id), array_agg(distinct quota.day_of(c.started_at)) into users, days
  from quota.meter_terms m
  join quota.call_logs c on c.service = m.service
  where m.patterns is distinct from quota.like_patterns(m.models)
    and exists (select from quota.usage_quotas q where q.meter = m.key)
    and quota.counts_model(m.models, quota.like_patterns(m.models), c.model)
    -- What was written alike counted already.
    and c.model <> all (m.models) and (c.model, m.models::text) <> (lower(c.model), lower(m.models::text));
  update quota.former_meters f set patterns = quota.like_patterns(f.models)
  where f.patterns is distinct from quota.like_patterns(f.models);
  -- Its trigger makes them.
  update quota.meters m set models = m.models where m.patterns is distinct from quota.like_patterns(m.models);
  if users is null then
    return 0;
  end if;
  perform quota.refresh_quotas(users, null, false);
  insert into quota.analytics_changes (day)
  select d.day from unnest(days) d(day) join quota.analytics_days a on a.day = d.day
  on conflict do nothing;
  return cardinality(users);
end $function$;
comment on function quota.renew_patterns() is 'Makes the patterns of meters that a migration took away, for models are matched in another way since, and counts the calls that only now belong to them, as if they were told now. Returns how many users have some.';

CREATE OR REPLACE FUNCTION quota.reopen_after(p_after timestamp with time zone, p_reason text, p_user uuid DEFAULT NULL::uuid)
 RETURNS TABLE(user_id uuid, service text, former_reset timestamp with time zone, reopened integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  services text[];
begin
  perform quota.refuse_other_users(array[p_user]);
  perform quota.hold_subscriptions(array(
    select distinct s.user_id from quota.subscriptions s
    where s.last_reset_at > p_after and (p_user is null or s.user_id = p_user)));
  select array_agg(s.user_id order by s.user_id, s.service),
    array_agg(s.service order by s.user_id, s.service)
  into users, services
  from quota.subscriptions s where s.last_reset_at > p_after and (p_user is null or s.user_id = p_user);
  if users is null then
    return;
  end if;

  return query
  with periods as (
    update quota.usage_quotas q set closed_at = null, used_at_close = null
    from unnest(users, services) u(user_id, service)
    join quota.meters m on m.service = u.service
    where q.user_id = u.user_id and q.meter = m.key and not q.superseded and q.closed_at > p_after
    returning q.user_id, m.service, q.period_end
  ), counted as (
    select u.user_id, u.service, s.last_reset_at as former_reset, (
        select count(*) from periods p where p.user_id = u.user_id
          and p.service = u.service)::integer as reopened, (
        select min(p.period_end) from periods p where p.user_id = u.user_id and p.service = u.service)
        as first_end, (
        select max(a.at) from quota.audit_log a
        where a.user_id = u.user_id and a.service = u.service and a.action = 'subscription.reset'
          and a.at <= p_after)
        as reset_before
    from unnest(users, services) u(user_id, service)
    join quota.subscriptions s on s.user_id = u.user_id and s.service = u.service
  ), taken_back as (
    update quota.subscriptions s
    set last_reset_at = c.reset_before,
      next_reset_at = least(c.first_end, quota.next_reset(s.plan, s.anchor_local, s.timezone, quota.now()))
    from counted c where s.user_id = c.user_id and s.service = c.service
  ), audited as (
    insert into quota.audit_log (action, user_id, service, reason, before, after)
    select 'subscription.reopened', c.user_id, c.service, p_reason, jsonb_build_object('lastResetAt',
      c.former_reset),
      jsonb_build_object('lastResetAt', c.reset_before, 'periods', c.reopened)
    from counted c order by c.user_id, c.service
  )
  select c.user_id, c.service, c.former_reset, c.reopened from counted c order by c.user_id, c.service;
  perform quota.refresh_quotas(users, services);
end $function$;
comment on function quota.reopen_after(timestamp with time zone,text,uuid) is 'Takes back what resets dated after an instant closed, as if they had not run: their periods are open again, and the next reset is when the first of them ends, or the one that is due by the real time. What is over by then is due at once. Audited; one row per subscription.';
grant execute on function quota.reopen_after(timestamp with time zone,text,uuid) to quota_operator;

CREATE OR REPLACE FUNCTION quota.reopen_month(p_reconciliation uuid, p_reason text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  r quota.reconciliations;
  audit bigint;
begin
  perform quota.refuse_other_users(null);
  if coalesce(p_reason, '') = '' then
    raise exception 'opening a month again needs a reason, for the audit log' using errcode = 'QT003';
  end if;
  select * into strict r from quota.reconciliations where id = p_reconciliation for no key update;
  if r.closed_at is null then
    return null;
  end if;
  perform set_config('quota.reopens_month', 'on', true);
  update quota.reconciliations set closed_at = null, closed_by = null, close_reason = null where id = r.id;
  perform set_config('quota.reopens_month', '', true);
  -- Why it was closed lies with the row of the closing, where it can be erased.
  insert into quota.audit_log (action, subject, reason, before)
  values ('reconciliation.reopen', r.provider || ' ' || to_char(r.month, 'YYYY-MM'), p_reason,
    jsonb_build_object(
      'closedAt', to_char(r.closed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'closedBy', r.closed_by, 'kinds', coalesce(r.totals -> 'kinds', '{}'), 'totals', r.totals -> 'totals'))
  returning id into audit;
  return audit;
end $function$;
comment on function quota.reopen_month(uuid,text) is 'Opens a closed month again, with its row in the history, and returns the id of that; null: it is not closed. The only way: whatever else touches a closed month is refused with QT007.';
grant execute on function quota.reopen_month(uuid,text) to quota_finance;

CREATE OR REPLACE FUNCTION quota.reserve_session(p_user uuid, p_service text, p_model text, p_estimate numeric, p_file_bytes bigint)
 RETURNS quota.session_result
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  answer quota.check_result := quota.decide(p_user, p_service, p_model, p_estimate, p_file_bytes,
    p_tells_meters => false);
  result quota.session_result;
  is_measured boolean;
begin
  result.allowed := answer.allowed;
  result.reason := answer.reason;
  result.action := answer.action;
  result.message := answer.message;
  -- Where meters measure otherwise than the service is told, what is left is worked out for its own unit.
  select bool_or(m.measure is not null) or min(m.unit) <> max(m.unit) into is_measured
  from quota.meters m where m.service = p_service;
  result.remaining := case
    when is_measured then quota.room_for(p_user, p_service, p_model) else answer.remaining end;
  result.resets_at := answer.resets_at;
  result.upgrade_to := answer.upgrade_to;
  result.cost := answer.cost;
  result.cost_limit := answer.cost_limit;
  if answer.allowed then
    result.cap_seconds := (
      select least(coalesce(p_estimate, result.remaining), result.remaining, p.max_session_seconds)
      from quota.plans p where p.key = answer.plan);
  end if;
  return result;
end $function$;
comment on function quota.reserve_session(uuid,text,text,numeric,bigint) is 'Whether a session may start, and what is reserved for it as cap_seconds: its estimate, what is left or the limit per session, whichever is least; null: no limit. The caller holds the allowance.';

CREATE OR REPLACE FUNCTION quota.reserved_for(p_user uuid, p_meter text, p_from timestamp with time zone, p_session bigint)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce(sum(greatest(0, coalesce(quota.quantity_on(m.unit, m.measure, u.unit, case
      when c.call_log_id = p_session then coalesce(c.progress, 0)
      when c.expires_at > quota.now() then c.reserved
      -- Settled or not, a session whose lease ended counts the same.
      else quota.lease_quantity(c, quota.is_live(m.service), quota.now())
    end, null), 0) - case
      -- A message counts from its start on.
      when l.id is null then 0
      else quota.quantity_of(m.unit, m.measure, l.status, l.duration_seconds, l.messages, l.file_size_bytes,
        l.quantities)
    end)), 0)
  from quota.meters m
  cross join lateral quota.service_unit(m.service) u(unit)
  join quota.concurrent_processing c on c.user_id = p_user and c.service = m.service
    and c.started_at >= p_from
  left join quota.call_logs l on l.id = c.call_log_id
  where m.key = p_meter and coalesce(l.status, 'active') = 'active'
    and quota.counts_model(m.models, m.patterns, l.model)
$function$;
comment on function quota.reserved_for(uuid,text,timestamp with time zone,bigint) is 'What running sessions that began in a period, from p_from on, may still use of a meter, in its unit: of what they reserved in the unit of the service, as the meter counts it; of the call p_session only what it has used.';
grant execute on function quota.reserved_for(uuid,text,timestamp with time zone,bigint) to quota_finance;
grant execute on function quota.reserved_for(uuid,text,timestamp with time zone,bigint) to quota_operator;
grant execute on function quota.reserved_for(uuid,text,timestamp with time zone,bigint) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.reset_claimed(claimed quota.subscriptions[], run uuid)
 RETURNS quota.reset_outcome
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  reset_at timestamptz := quota.now();
  reset_by text := quota.actor();
  outcome quota.reset_outcome;
begin
  -- Longer than other functions, because it is one statement. It sees all that was written before the claim,
  -- and nothing can be written after it. What the periods give and what they close is brought together by
  -- grouping: a join would stand on guesses about row counts.
  with running as materialized (
    select * from quota.running_periods(claimed, reset_at)
  ), closing as materialized (
    select * from quota.closable_since(claimed)
  ), closed as (
    update quota.usage_quotas q set closed_at = reset_at, used_at_close = q.used
    from closing c
    where q.user_id = c.user_id and q.meter = c.meter and q.period_start >= c.since
      and q.closed_at is null and q.period_end <= reset_at
    returning q.user_id, c.service, q.meter, q.period_start, q.period_end, q.used, q.limit_quantity
  ), opened as (
    insert into quota.usage_quotas
      (user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at, on_exceeded,
       alerted)
    select user_id, meter, period_start, period_end, limit_quantity, cost_limit, unit_price, warn_at,
      on_exceeded, quota.mark_unseen(0, limit_quantity, 0, cost_limit, warn_at)
    from running
    on conflict do nothing
    returning 1
  ), merged as materialized (
    select user_id, service, min(due_at) as due_at, min(limit_enforced_at) as limit_enforced_at,
      min(period_end) as next_reset_at, max(missed) as missed,
      bool_or(allows_nothing) as allows_nothing, array_agg(closed) filter (where closed is not null) as closed
    from (
      select user_id, service, due_at, limit_enforced_at, period_end, missed,
        on_exceeded = 'limit_assistants' and quota.is_exhausted(0, limit_quantity, 0, cost_limit)
          and quota.granted_now(r.user_id, r.meter) = 0 as allows_nothing,
        null::quota.closed_period as closed
      from running r
      union all
      select user_id, service, null, null, null, null, null,
        (meter, period_start, period_end, used::text, limit_quantity::text)::quota.closed_period
      from closed
    ) periods
    group by user_id, service
  ), advance as materialized (
    -- A period that usage since then has used up already, or another limit in force, goes on limiting.
    select g.*, g.limit_enforced_at is not null and (g.allows_nothing or exists (
        select 1 from quota.meters m join quota.usage_quotas q on q.user_id = g.user_id and q.meter = m.key
        where m.service = g.service and q.on_exceeded = 'limit_assistants' and q.closed_at is null
          and quota.contains(q, reset_at)
          and quota.is_exhausted(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit)))
        as stays_limited
    from merged g
  ), advanced as (
    update quota.subscriptions s
    set next_reset_at = a.next_reset_at, last_reset_at = greatest(s.last_reset_at, reset_at),
      limit_enforced_at = case when a.stays_limited then s.limit_enforced_at end
    from advance a
    where s.user_id = a.user_id and s.service = a.service
  ), audited as (
    insert into quota.audit_log
      (at, actor, action, user_id, service, run_id, period_end, reason, before, after)
    -- What was taken back is done again, once: as many microseconds later as were taken back before.
    select reset_at, reset_by, 'subscription.reset', a.user_id, a.service, run, due_at + (
        select count(*) from quota.audit_log r
        where r.action = 'subscription.reset' and r.user_id = a.user_id and r.service = a.service
          and r.period_end >= a.due_at and r.period_end < a.due_at + interval '1 millisecond'
          and exists (
            select from quota.audit_log o where o.user_id = r.user_id and o.service = r.service
              and o.action = 'subscription.reopened' and o.id > r.id))
        * interval '1 microsecond', 'period ended',
      to_jsonb((due_at, limit_enforced_at, to_jsonb(closed))::quota.reset_before),
      to_jsonb((next_reset_at, missed, case when stays_limited then limit_enforced_at end)::quota.reset_after)
    from advance a
  )
  select count(*), sum(a.missed), (select count(*) from closed),
    (select count(*) from opened) < (select count(*) from running),
    array_agg(a.user_id) filter (where a.limit_enforced_at is not null and not a.stays_limited)
  into outcome
  from advance a;
  return outcome;
end $function$;
comment on function quota.reset_claimed(quota.subscriptions[],uuid) is 'Closes the periods of claimed subscriptions that are over, opens the running ones, lifts limits, audits and advances. For reset_due.';

CREATE OR REPLACE FUNCTION quota.reset_due(anchor text, batch_size integer, run uuid, only_user uuid DEFAULT NULL::uuid, after quota.reset_position DEFAULT NULL::quota.reset_position)
 RETURNS quota.reset_counts
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET plan_cache_mode TO 'force_custom_plan'
 SET jit TO 'off'
 SET work_mem TO '32MB'
AS $function$
declare
  counts quota.reset_counts;
  plans text[] := quota.due_plans(anchor);
  claimed quota.subscriptions[];
  last_claimed quota.subscriptions;
  outcome quota.reset_outcome;
begin
  perform quota.refuse_other_users(array[only_user]);
  loop
    claimed := quota.claim_due(plans, batch_size, only_user, after);
    exit when cardinality(claimed) = 0;
    last_claimed := claimed[cardinality(claimed)];
    after := (last_claimed.plan, last_claimed.next_reset_at, last_claimed.user_id);
    -- One that cannot be reckoned holds up nobody: the next ones are looked at in its place.
    claimed := quota.in_known_zones(claimed);
    exit when cardinality(claimed) > 0 or only_user is not null;
  end loop;
  if cardinality(claimed) = 0 then
    counts := (0, 0, 0, 0, after);
    return counts;
  end if;
  outcome := quota.reset_claimed(claimed, run);
  counts := (
    outcome.reset, outcome.caught_up, outcome.closed,
    quota.settle_reset(claimed, outcome.freed_users, outcome.are_kept),
    after);
  return counts;
end $function$;
comment on function quota.reset_due(text,integer,uuid,uuid,quota.reset_position) is 'Resets up to batch_size subscriptions that are due and that nobody else is working on, in the order of the index after a position. reset = 0: none was left there.';
grant execute on function quota.reset_due(text,integer,uuid,uuid,quota.reset_position) to quota_operator;

CREATE OR REPLACE FUNCTION quota.reset_meters(p_user uuid, p_meters text[], p_reason text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  closed text;
begin
  select c.meter into closed
  from quota.current_quotas(p_user) c
  join quota.usage_quotas q on q.user_id = c.user_id and q.meter = c.meter and q.period_start = c.period_start
  where c.meter = any (p_meters) and (c.used > 0 or c.cost > 0) and q.closed_at is not null
  limit 1;
  if closed is not null then
    raise exception 'the period of % is closed: a reset has gone past it', closed using errcode = 'QT005';
  end if;
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, cost, reason)
  select c.user_id, c.meter, c.period_start, 'reset', -greatest(c.used, 0), -greatest(c.cost, 0), p_reason
  from quota.current_quotas(p_user) c
  where c.meter = any (p_meters) and (c.used > 0 or c.cost > 0)
  order by c.meter;
end $function$;
comment on function quota.reset_meters(uuid,text[],text) is 'Takes what is used of these meters, and its cost, off their running periods. QT005: one is closed.';

CREATE OR REPLACE FUNCTION quota.reset_usage(p_user text, p_reason text, p_service text DEFAULT NULL::text, p_meter text DEFAULT NULL::text, p_actor text DEFAULT NULL::text)
 RETURNS TABLE(service text, meter text, used_before numeric, used_after numeric, audit_id bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former_actor text := quota.begin_act(p_reason, p_actor);
  owner uuid := quota.resolve_user(p_user);
  chosen text[];
  before jsonb;
  freed text[];
  audit bigint;
begin
  perform quota.hold_subscriptions(array[owner]);
  select array_agg(c.meter), jsonb_agg(jsonb_build_object('meter', c.meter, 'service', c.service, 'used',
    c.used::text, 'cost', c.cost::text) order by c.service, c.meter)
  into chosen, before
  from quota.current_quotas(owner) c
  where (p_service is null or c.service = p_service) and (p_meter is null or c.meter = p_meter);
  if chosen is null and (p_service is not null or p_meter is not null) then
    raise exception 'the user has no %', quota.shown(concat_ws(' of ', p_meter, p_service))
      using errcode = 'QT003';
  end if;
  perform quota.reset_meters(owner, chosen, p_reason);
  freed := quota.lift_reset_limits(owner, chosen);
  if freed is not null or exists (
    select from jsonb_to_recordset(before) b(used numeric, cost numeric) where b.used > 0 or b.cost > 0)
  then
    insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
    values ('usage.reset', owner, p_service, array_to_string(chosen, ', '), p_reason,
      jsonb_build_object('meters', before, 'limited', coalesce(to_jsonb(freed), '[]')),
      jsonb_build_object('meters', (
        select jsonb_agg(jsonb_build_object('meter', c.meter, 'used', c.used::text, 'cost', c.cost::text)
          order by c.service, c.meter)
        from quota.current_quotas(owner) c where c.meter = any (chosen))))
    returning id into audit;
  end if;
  perform set_config('quota.actor', former_actor, true);
  return query
  select b.service, b.meter, b.used, c.used, audit
  from jsonb_to_recordset(before) b(service text, meter text, used numeric)
  join quota.current_quotas(owner) c on c.meter = b.meter
  order by 1, 2;
end $function$;
comment on function quota.reset_usage(text,text,text,text,text) is 'Sets what a user has used of the running periods back to nothing by correcting entries, from the back office of an app, and lifts the limits that came of it; all meters, or those of a service, or one. Audited with the reason and who acted. One row per meter; audit_id null: there was nothing to reset.';
grant execute on function quota.reset_usage(text,text,text,text,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.resolve_user(p_user text)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  found_id uuid := quota.find_user(p_user);
begin
  if found_id is null then
    perform quota.refuse_other_name(p_user);
    perform quota.refuse_unknown_user(p_user);
  end if;
  perform quota.refuse_other_user(found_id);
  return found_id;
end $function$;
comment on function quota.resolve_user(text) is 'The id of a user named by external id or id, for whom this connection may speak; raises QT001 and QT006.';

CREATE OR REPLACE FUNCTION quota.restore_assistants(p_assistants uuid[], p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  owners uuid[] := array(select distinct a.user_id from quota.assistants a where a.id = any (p_assistants));
begin
  perform quota.refuse_other_users(owners);
  perform quota.hold_subscriptions(owners);
  perform quota.hold_assistants(owners);
  -- Of a user who is limited it would be limited again.
  with wanted as (
    select a.id, a.held as held_before, l.desired is not distinct from 'limited' as is_limited,
      case when exists (
        select from quota.subscriptions s where s.user_id = a.user_id and s.limit_enforced_at is not null)
        then 'original' end as held
    from quota.assistants a left join quota.assistant_limits l on l.assistant_id = a.id
    where a.id = any (p_assistants)
  ), freed as (
    update quota.assistants a set held = w.held
    from wanted w
    where a.id = w.id and (w.is_limited or w.held_before is distinct from w.held)
    returning a.user_id, a.provider_assistant_id, w.held_before, a.held
  )
  insert into quota.audit_log (action, user_id, subject, reason, before, after)
  select 'assistant.limit_lifted', f.user_id, f.provider_assistant_id, p_reason,
    jsonb_build_object('held', f.held_before), jsonb_build_object('held', f.held)
  from freed f;
  perform quota.queue_changes(p_assistants, 'original');
end $function$;
comment on function quota.restore_assistants(uuid[],text) is 'Restores assistants by hand; where the user is limited, they are left alone until that limit ends.';
grant execute on function quota.restore_assistants(uuid[],text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.retake_plan_terms(p_plans text[], recount boolean, p_after uuid DEFAULT NULL::uuid, p_users integer DEFAULT NULL::integer, OUT users integer, OUT last_user uuid)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  subscribers uuid[] := array(
    select distinct s.user_id from quota.subscriptions s
    where s.plan = any (p_plans) and s.user_id is distinct from p_after
      and s.user_id >= coalesce(p_after, '00000000-0000-0000-0000-000000000000')
    order by s.user_id limit p_users);
begin
  users := cardinality(subscribers);
  if users = 0 then
    return;
  end if;
  last_user := subscribers[users];
  if recount then
    perform quota.hold_subscriptions(subscribers);
    -- A reset that is due stays due: it has periods to close.
    update quota.subscriptions s
    set next_reset_at = quota.next_reset(s.plan, s.anchor_local, s.timezone, quota.now())
    where s.user_id = any (subscribers) and s.plan = any (p_plans)
      and (s.next_reset_at is null or s.next_reset_at > quota.now());
    perform quota.refresh_quotas(subscribers);
  end if;
  perform quota.retake_terms(subscribers);
end $function$;
comment on function quota.retake_plan_terms(text[],boolean,uuid,integer) is 'Running periods of subscribers take the terms that plans have now: of all, or of so many users after one; recount: their calls are assigned to periods and priced anew. Answers how many users there were, none: it is done, and the last of them.';

CREATE OR REPLACE FUNCTION quota.retake_terms(users uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  crossed quota.usage_quotas[];
  their_users uuid[];
  their_services text[];
begin
  perform quota.hold_subscriptions(users);
  perform quota.take_terms_ahead(users);
  perform 1 from quota.usage_quotas q
  where q.user_id = any (users) and q.closed_at is null and quota.contains(q, quota.now())
  order by q.user_id, q.meter, q.period_start for no key update;
  with retaken as (
    update quota.usage_quotas q
    set limit_quantity = t.limit_quantity, cost_limit = t.cost_limit, warn_at = t.warn_at,
      on_exceeded = t.on_exceeded,
      alerted = case when q.warn_at = t.warn_at and not quota.is_raised(
        q.limit_quantity, q.cost_limit, t.limit_quantity, t.cost_limit) then q.alerted end,
      lowered_at = case when quota.is_raised(t.limit_quantity, t.cost_limit, q.limit_quantity, q.cost_limit)
        then quota.now() else q.lowered_at end
    from unnest(users) u(user_id)
    cross join quota.meters m
    cross join lateral quota.quota_terms(u.user_id, m.key, quota.now(), quota.now()) t
    where q.user_id = t.user_id and q.meter = t.meter and q.period_start = t.period_start
      and q.closed_at is null
      and (q.limit_quantity, q.cost_limit, q.warn_at, q.on_exceeded)
        is distinct from (t.limit_quantity, t.cost_limit, t.warn_at, t.on_exceeded)
    returning q.*
  )
  select array_agg(r::quota.usage_quotas) into crossed
  from retaken r where quota.marks_differ(r::quota.usage_quotas);
  if crossed is not null then
    perform quota.settle_crossed(crossed);
  end if;

  -- Who is over an allowance that limits assistants only since now becomes limited; who no longer is gets
  -- free.
  select array_agg(s.user_id order by s.user_id, s.service),
    array_agg(s.service order by s.user_id, s.service)
  into their_users, their_services
  from quota.subscriptions s
  where s.user_id = any (users) and s.limit_enforced_at is null
    and quota.must_be_limited(s.user_id, s.service) and not quota.in_shadow(s.service);
  if their_users is not null then
    perform quota.mark_limited(their_users, their_services, true);
  end if;
  select array_agg(s.user_id), array_agg(s.service) into their_users, their_services
  from quota.subscriptions s
  where s.user_id = any (users);
  perform quota.lift_spent_limits(their_users, their_services);
end $function$;
comment on function quota.retake_terms(uuid[]) is 'Gives the running periods of users the terms of their plans and custom limits as they are now, and enforces them.';

CREATE OR REPLACE FUNCTION quota.retire_assistants(p_source integer, p_keys text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  former text[];
begin
  with given_up as (
    delete from quota.adopt_assistants l where l.source = p_source and l.key = any (p_keys)
    returning l.provider_assistant_id
  )
  select array_agg(g.provider_assistant_id) into former from given_up g;
  if former is not null then
    perform quota.give_up_assistants(former);
  end if;
end $function$;
comment on function quota.retire_assistants(integer,text[]) is 'Assistants whose rows an adopted product has deleted are gone, unless another row has them.';

CREATE OR REPLACE FUNCTION quota.retry_alert(attempts integer)
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select least(interval '1 minute' * 2 ^ least(attempts - 1, 20), interval '6 hours') $function$;
comment on function quota.retry_alert(integer) is 'How long an alert waits after so many failed attempts.';
grant execute on function quota.retry_alert(integer) to quota_finance;
grant execute on function quota.retry_alert(integer) to quota_operator;
grant execute on function quota.retry_alert(integer) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.retry_dead(p_size integer, p_product text DEFAULT NULL::text, OUT tried integer, OUT taken integer)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '250ms'
AS $function$
declare
  dead record;
  there text[];
  held integer := 0;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  tried := 0;
  taken := 0;
  -- Whoever reads them in another database waits: a row that was told before is never taken after it.
  perform from quota.adopt_sources s
  where s.reading is not null and s.is_attached and (p_product is null or s.product = p_product)
    and exists (select from quota.adopt_dead d where d.source = s.id and d.next_attempt_at <= quota.now())
  order by s.id for no key update;
  for dead in
    select d.id, d.source, d.key, d.operation, d.attempts, s.on_delete,
      case when s.reading is not null then d.told end as told
    from quota.adopt_dead d
    join quota.adopt_sources s on s.id = d.source and s.is_attached
    where d.key is not null and d.next_attempt_at <= quota.now()
      and (p_product is null or s.product = p_product) and quota.can_retry(s, d.is_unread)
    -- Users come before what they own, and a call leaves its former row before the one that has it now.
    order by case s.kind when 'users' then 0 when 'assistants' then 1 else 2 end, d.operation <> 'remove',
      d.next_attempt_at, d.id
    limit p_size
    for update of d skip locked
  loop
    tried := tried + 1;
    begin
      delete from quota.adopt_dead d where d.id = dead.id;
      if dead.told is not null then
        perform quota.tell_rows(dead.source, jsonb_build_array(dead.told));
        perform quota.take_told(dead.source, false);
      else
        there := quota.take_keys(dead.source, array[dead.key]);
        if cardinality(there) = 0 and (dead.operation = 'remove' or dead.on_delete = 'remove') then
          perform quota.forget_rows(dead.source, array[dead.key]);
        end if;
      end if;
      update quota.adopt_dead d
      set attempts = dead.attempts + 1,
        next_attempt_at = quota.now() + quota.retry_delay(dead.attempts + 1, 0)
      where d.source = dead.source and d.key = dead.key and not d.is_again;
      if not found then
        taken := taken + 1;
      end if;
    exception when lock_not_available or deadlock_detected then
      -- Somebody else is at it: it waits, and keeps no other back. What is taken is held until the end: of
      -- many that wait, most are for the next time. What would come of it now was not tried.
      update quota.adopt_dead d
      set attempts = 0, next_attempt_at = quota.now() + quota.retry_delay(dead.attempts + 1, 0)
      where d.id = dead.id;
      held := held + 1;
    end;
    exit when held = 4;
  end loop;
end $function$;
comment on function quota.retry_dead(integer,text) is 'Takes up rows of adopted products that could not be taken over, as they stand now, or in another database as they were read last; how many were tried, and how many are done with.';
grant execute on function quota.retry_dead(integer,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.retry_delay(attempts integer, asked_seconds numeric)
 RETURNS interval
 LANGUAGE sql
AS $function$
  -- Half of the pause is luck, so that many that failed together do not come back together.
  select make_interval(secs => greatest(
    least(3600, 30 * 2 ^ least(attempts - 1, 20)) * (0.5 + random() / 2), coalesce(asked_seconds, 0)::float8))
$function$;
comment on function quota.retry_delay(integer,numeric) is 'The pause before provider work is tried again: 30 s doubled with each attempt up to an hour, and never less than the provider asked for.';
grant execute on function quota.retry_delay(integer,numeric) to quota_operator;

CREATE OR REPLACE FUNCTION quota.revive_assistants(p_assistants uuid[], p_run uuid)
 RETURNS TABLE(assistant_id uuid, desired text, change bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  their_users uuid[] := array(select a.user_id from quota.assistants a where a.id = any (p_assistants));
begin
  perform quota.refuse_other_users(their_users);
  -- A limit that is put on or lifted in the meantime reaches these assistants, or this sees it.
  perform quota.hold_subscriptions(their_users);
  perform quota.hold_assistants(their_users);
  return query
  with revived as (
    update quota.assistant_limits l
    set desired = (
        select case when a.is_gated then 'original' else coalesce(a.held, case
          when a.is_given_up and a.state = 'gone' then 'original'
          when exists (
            select from quota.subscriptions s where s.user_id = l.user_id and s.limit_enforced_at is not null)
          then 'limited' else 'original' end) end
        from quota.assistants a where a.id = l.assistant_id),
      status = 'pending', change = l.change + 1, attempts = 0, last_error = null,
      next_attempt_at = quota.now(),
      requested_at = quota.now(), updated_at = quota.now()
    where l.assistant_id = any (p_assistants) and l.status = 'gone'
    returning l.assistant_id, l.user_id, l.desired, l.change
  ), known as (
    update quota.assistants a set state = 'active'
    where a.id = any (p_assistants) and a.state = 'gone' and not a.is_given_up
  ), audited as (
    insert into quota.audit_log (action, user_id, subject, run_id)
    select 'assistant.found', r.user_id, a.provider_assistant_id, p_run
    from revived r join quota.assistants a on a.id = r.assistant_id
  )
  select r.assistant_id, r.desired, r.change from revived r;
end $function$;
comment on function quota.revive_assistants(uuid[],uuid) is 'Puts assistants that were gone and that the provider knows again back to work, limited or not as their users are. Those that their owners gave up stay gone, and get back what they had.';
grant execute on function quota.revive_assistants(uuid[],uuid) to quota_operator;

CREATE OR REPLACE FUNCTION quota.revoke_grant(p_grant bigint, p_reason text)
 RETURNS quota.grants
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  revoked quota.grants;
  its_service text;
begin
  select g.user_id, m.service into revoked.user_id, its_service
  from quota.grants g join quota.meters m on m.key = g.meter where g.id = p_grant;
  perform quota.refuse_other_users(array[revoked.user_id]);
  perform quota.lock_allowance(revoked.user_id, its_service);
  update quota.grants g set revoked_at = quota.now(), revoked_by = quota.actor(), revoke_reason = p_reason
  where g.id = p_grant and g.user_id = revoked.user_id and g.revoked_at is null
  returning g.* into revoked;
  if found then
    perform quota.settle_grants(array[revoked.user_id], array[its_service]);
  end if;
  return revoked;
end $function$;
comment on function quota.revoke_grant(bigint,text) is 'Takes a grant back: it gives nothing more, and what it gave stays given. Null id: there is none that can be taken back.';
grant execute on function quota.revoke_grant(bigint,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.role_standing(p_role name, OUT standing text, OUT user_id uuid, OUT claim text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  role_id oid := quote_ident(p_role)::regrole;
  matches integer;
  is_exact boolean;
begin
  if pg_has_role(role_id, (select n.nspowner from pg_namespace n where n.nspname = 'quota'), 'usage') then
    standing := 'owner';
    return;
  end if;
  select count(*), bool_and(l.role_oid = role_id and l.role_name = p_role), min(l.speaks_for),
    min(l.user_id::text)::uuid, min(l.claim)
  into matches, is_exact, standing, user_id, claim
  from quota.logins l where l.role_oid = role_id or l.role_name = p_role;
  if matches > 0 and is_exact is not true then
    -- A role that was renamed, or made anew under a name that somebody else had: it is not who was meant.
    standing := 'mistaken';
    user_id := null;
    claim := null;
  elsif matches = 0 then
    standing := case
      when pg_has_role(role_id, to_regrole('quota_operator'), 'usage') then 'staff'
      when pg_has_role(role_id, to_regrole('quota_app'), 'member') then 'unregistered'
      when pg_has_role(role_id, to_regrole('quota_finance'), 'usage')
        or pg_has_role(role_id, to_regrole('quota_readonly'), 'usage') then 'staff'
      else 'unregistered'
    end;
  end if;
end $function$;
comment on function quota.role_standing(name) is 'What a role is here: owner (of the schema, or a superuser), staff (operators, finance, readers), app, user or claim as registered in quota.logins, unregistered, or mistaken: registered under another name or oid.';

CREATE OR REPLACE FUNCTION quota.roll_up_day(p_day date)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  written integer;
begin
  perform quota.refuse_other_users(null);
  -- Two at once would both insert.
  perform 1 from quota.analytics_days d where d.day = p_day for update;
  if not found then
    raise exception 'the day % was not claimed', p_day using errcode = '55000';
  end if;
  -- The marks first: what they stand for is visible to the sums that follow.
  delete from quota.analytics_changes c where c.day = p_day;
  -- Users whose calls of the day are gone keep a zero until the end.
  update quota.usage_analytics a set calls = 0 where a.day = p_day;
  insert into quota.usage_analytics as a
    (day, service, plan, model, user_id, calls, errors, seconds, messages, premium_messages, cost, tokens,
    bytes)
  select f.day, f.service, coalesce(former.plan, s.plan, ''), f.model, f.user_id, f.calls, f.errors,
    f.seconds, f.messages, f.premium_messages, f.cost, f.tokens, f.bytes
  from quota.summarize_days(array[p_day]) f
  -- The day by its value: joined by f.day, all rows of the day are merged with all, for the planner takes
  -- days for many.
  left join (
    select distinct a.user_id, a.service, a.plan from quota.usage_analytics a where a.day = p_day) former
    on former.user_id = f.user_id and former.service = f.service
  left join quota.subscriptions s on s.user_id = f.user_id and s.service = f.service
  on conflict (user_id, day, service, plan, model) do update
  set calls = excluded.calls, errors = excluded.errors, seconds = excluded.seconds,
    messages = excluded.messages,
    premium_messages = excluded.premium_messages, cost = excluded.cost,
    tokens = excluded.tokens, bytes = excluded.bytes;
  get diagnostics written = row_count;
  delete from quota.usage_analytics a where a.day = p_day and a.calls = 0;
  perform quota.add_up_day(p_day);
  update quota.analytics_days d set rolled_at = quota.now(), by_model = true where d.day = p_day;
  return written;
end $function$;
comment on function quota.roll_up_day(date) is 'Rolls a claimed day up anew and takes the marks of its changes; returns the rows written.';
grant execute on function quota.roll_up_day(date) to quota_operator;

CREATE OR REPLACE FUNCTION quota.room_for(p_user uuid, p_service text, p_model text)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select min(a.room)
  from quota.subscription_or_default(p_user, p_service) s
  cross join lateral quota.allowance_of(p_user, s.plan, s.anchor_local, s.timezone, p_model, null) a
  where a.counts
$function$;
comment on function quota.room_for(uuid,text,text) is 'What a call of a model may use, in the unit of its service; null: no limit.';

CREATE OR REPLACE FUNCTION quota.room_of(unit text, measure jsonb, p_service_unit text, remaining numeric)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case when unit = p_service_unit or measure ? 'creditSeconds' and p_service_unit = 'second' then
    coalesce(floor(remaining / (measure->>'rounding')::numeric) * (measure->>'rounding')::numeric, remaining)
      * coalesce(trim_scale((measure->>'creditSeconds')::numeric), 1) end
$function$;
comment on function quota.room_of(text,jsonb,text,numeric) is 'What a call may use, in the unit of its service, of what remains on a meter: whole steps where each call is rounded up. Null: no limit, or none that can be told in that unit.';

CREATE OR REPLACE FUNCTION quota.rounded_quantities(p_quantities jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case when p_quantities::text !~ '[.][0-9]{4}' then p_quantities else (
    select jsonb_object_agg(q.key, case when jsonb_typeof(q.value) = 'number'
      then to_jsonb(round(q.value::numeric, least(scale(q.value::numeric), 3))) else q.value end)
    from jsonb_each(p_quantities) q) end
$function$;
comment on function quota.rounded_quantities(jsonb) is 'Quantities of a call, an object, with the 3 digits after the point that are kept of each.';
grant execute on function quota.rounded_quantities(jsonb) to quota_finance;
grant execute on function quota.rounded_quantities(jsonb) to quota_operator;
grant execute on function quota.rounded_quantities(jsonb) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.running_periods(claimed quota.subscriptions[], reset_at timestamp with time zone)
 RETURNS TABLE(user_id uuid, service text, due_at timestamp with time zone, limit_enforced_at timestamp with time zone, meter text, limit_quantity numeric, cost_limit numeric, unit_price numeric, warn_at integer[], on_exceeded text, period_start timestamp with time zone, period_end timestamp with time zone, missed bigint)
 LANGUAGE sql
 STABLE
AS $function$
  with terms as materialized (
    select d.user_id, d.service, d.next_reset_at as due_at, d.limit_enforced_at, d.timezone, l.meter,
      coalesce(o.limit_quantity, l.limit_quantity) as limit_quantity,
      coalesce(o.cost_limit, l.cost_limit) as cost_limit, l.unit_price, l.warn_at, l.on_exceeded,
      quota.limit_anchor(l.reset_anchor, l.boundary, d.anchor_local) as anchor, l.reset_every
    from unnest(claimed) d
    join quota.plan_limits l on l.plan = d.plan and l.reset_every is not null
    left join quota.limit_overrides o on o.user_id = d.user_id and o.plan = d.plan and o.meter = l.meter
  ), spans as materialized (
    -- Those who signed up on one day share their periods: each is worked out once.
    select a.*, case when lower(a.period) > a.due_at then (
        select count(*) - 1
        from quota.periods_between(a.anchor, a.reset_every, a.timezone, a.due_at, reset_at))
      else 0 end as missed
    from (
      select d.*, quota.period_at(d.anchor, d.reset_every, d.timezone, reset_at) as period
      from (select distinct t.anchor, t.reset_every, t.timezone, t.due_at from terms t offset 0) d
      offset 0
    ) a
  )
  select t.user_id, t.service, t.due_at, t.limit_enforced_at, t.meter, t.limit_quantity, t.cost_limit,
    t.unit_price, t.warn_at, t.on_exceeded, lower(s.period), upper(s.period), s.missed
  from terms t
  join spans s on s.anchor = t.anchor and s.reset_every = t.reset_every and s.timezone = t.timezone
    and s.due_at = t.due_at
$function$;
comment on function quota.running_periods(quota.subscriptions[],timestamp with time zone) is 'The periods that contain the instant of a reset, with the terms that they open under, and how many the subscription missed before.';

CREATE OR REPLACE FUNCTION quota.runs_out_at(p_used numeric, p_adjusted numeric, p_allowance numeric, p_cost numeric, p_cost_limit numeric, p_adjusted_cost numeric, p_calls integer, p_start timestamp with time zone, p_end timestamp with time zone, p_at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  -- One expression of few steps, so that it is inlined and soon made ready: each check and each record asks.
  -- A pace is that of a thirtieth of the period at least: whoever has thirty times left of what was used
  -- does not run out before the end, whenever that is.
  select case when p_calls >= 5 and (p_allowance - p_used < 30 * (p_used - p_adjusted)
      or p_cost_limit - p_cost < 30 * (p_cost - coalesce(p_adjusted_cost, 0)))
    then quota.end_at_pace(p_used, p_adjusted, p_allowance, p_cost, p_cost_limit, p_adjusted_cost, p_start,
      p_end, p_at) end
$function$;
comment on function quota.runs_out_at(numeric,numeric,numeric,numeric,numeric,numeric,integer,timestamp with time zone,timestamp with time zone,timestamp with time zone) is 'When an allowance (limit and grants) or a cost limit is used up at the mean pace of the running period, as seen at p_at; null: not before its reset, or nothing can be said yet: fewer than 5 calls, no period, used up already. Inlined where its arguments are columns and values.';
grant execute on function quota.runs_out_at(numeric,numeric,numeric,numeric,numeric,numeric,integer,timestamp with time zone,timestamp with time zone,timestamp with time zone) to quota_finance;
grant execute on function quota.runs_out_at(numeric,numeric,numeric,numeric,numeric,numeric,integer,timestamp with time zone,timestamp with time zone,timestamp with time zone) to quota_operator;
grant execute on function quota.runs_out_at(numeric,numeric,numeric,numeric,numeric,numeric,integer,timestamp with time zone,timestamp with time zone,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.same_model(model text)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$ select coalesce((select quota.model_key(a.model) from quota.model_aliases a
  where a.alias = quota.model_key($1)), quota.model_key($1)) $function$;
comment on function quota.same_model(text) is 'By what models are held against each other: their key, or that of the model for which an alias stands.';

CREATE OR REPLACE FUNCTION quota.seal_audit(frontier bigint, rows_max integer DEFAULT 10000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  head quota.audit_seals;
  stretch record;
  sealed integer := 0;
begin
  lock table quota.audit_seals in share row exclusive mode;
  -- Whoever calls this: a row that appears under a seal would break the chain for good.
  frontier := least(frontier, (select c.last_id from quota.audit_complete c));
  select * into head from quota.audit_seals s order by s.id desc limit 1;
  for stretch in
    select max(n.id) as last_id
    from (
      select a.id, (row_number() over (order by a.id) - 1) / rows_max as number
      from quota.audit_log a where a.id > coalesce(head.last_id, 0) and a.id <= frontier
    ) n
    group by n.number order by n.number
  loop
    insert into quota.audit_seals (id, first_id, last_id, row_count, digest)
    select coalesce(head.id, 0) + 1, coalesce(head.last_id, 0) + 1, stretch.last_id, d.row_count, d.digest
    from quota.audit_digest(head.digest, coalesce(head.last_id, 0) + 1, stretch.last_id) d
    returning * into head;
    sealed := sealed + 1;
  end loop;
  return sealed;
end $function$;
comment on function quota.seal_audit(bigint,integer) is 'Seals the audit log up to what audit_frontier() gave, so many rows a seal; returns the number of new seals.';
grant execute on function quota.seal_audit(bigint,integer) to quota_operator;

CREATE OR REPLACE FUNCTION quota.sees_one_moment()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select current_setting('transaction_isolation') in ('repeatable read', 'serializable')
$function$;
comment on function quota.sees_one_moment() is 'Whether the transaction sees all as it was when it began. What another one has changed since has to be held before it is compared: so it is refused (40001), and does not look as if it were right.';

CREATE OR REPLACE FUNCTION quota.service_unit(p_service text)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select m.unit from (
    select case when m.credit_seconds is not null then 'second' else m.unit end as unit
    from quota.meters m where m.service = p_service) m
  order by array_position('{second,message,token,credit,byte,request}', m.unit)
  limit 1
$function$;
comment on function quota.service_unit(text) is 'What the quantity of a call of a service is in, where one number is told: seconds where a meter counts time, else messages, tokens, credits, bytes or requests, the first of which there is a meter. Null: unknown service.';
grant execute on function quota.service_unit(text) to quota_finance;
grant execute on function quota.service_unit(text) to quota_operator;
grant execute on function quota.service_unit(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.services_of(p_user uuid, p_service text DEFAULT NULL::text)
 RETURNS TABLE(service text, plan text)
 LANGUAGE sql
 STABLE
AS $function$
  select s.service, s.plan from quota.subscriptions s
  where s.user_id = p_user and (p_service is null or s.service = p_service)
  union all
  select p.service, p.key from quota.plans p
  where p.is_default and (p_service is null or p.service = p_service)
    and not exists (
      select from quota.subscriptions s where s.user_id = p_user and s.service = p.service)
$function$;
comment on function quota.services_of(uuid,text) is 'The plans of a user by service: those subscribed to, and the default ones of services not called yet.';

CREATE OR REPLACE FUNCTION quota.session_room(p_call quota.call_logs, p_estimate numeric, p_former_cap numeric, p_progress numeric)
 RETURNS quota.session_room
 LANGUAGE sql
 STABLE
AS $function$
  select r.remaining,
    case when r.is_former then least(case when r.is_limited then p_former_cap end, p.max_session_seconds)
      else least(p_estimate, r.remaining + p_progress, p.max_session_seconds) end,
    r.on_exceeded, r.cost, r.cost_limit
  from quota.subscription_or_default(p_call.user_id, p_call.service) s
  join quota.plans p on p.key = s.plan
  cross join lateral (
    -- What began before a boundary belongs to the period that is over, whose rest it holds already.
    select bool_or(a.period_start > p_call.started_at) as is_former,
      bool_or(a.room is not null) as is_limited,
      case when bool_or(a.period_start > p_call.started_at)
        then case when bool_or(a.room is not null) and p_former_cap is not null
          then greatest(p_former_cap - p_progress, 0) end
        else min(case when a.exhausted or a.remaining = 0 then 0 else a.room end) end as remaining,
      (array_agg(a.on_exceeded order by a.exhausted desc, a.room asc nulls last))[1] as on_exceeded,
      (array_agg(a.cost order by a.exhausted desc, a.room asc nulls last))[1] as cost,
      (array_agg(a.cost_limit order by a.exhausted desc, a.room asc nulls last))[1] as cost_limit
    from quota.allowance_of(p_call.user_id, s.plan, s.anchor_local, s.timezone, p_call.model, p_call.id) a
    where a.counts) r
$function$;
comment on function quota.session_room(quota.call_logs,numeric,numeric,numeric) is 'What a session that has used p_progress may go on to use: its own reservation is its own. p_estimate: what it asked for (null: whatever is left), p_former_cap: what it was given before.';

CREATE OR REPLACE FUNCTION quota.set_plan(p_user text, p_plan text, p_reason text, p_actor text DEFAULT NULL::text, OUT service text, OUT plan_before text, OUT plan text, OUT changed boolean, OUT audit_id bigint)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  former_actor text := quota.begin_act(p_reason, p_actor);
  owner uuid := quota.resolve_user(p_user);
  customs jsonb;
begin
  select p.service, p.key into service, plan from quota.plans p where p.key = p_plan;
  if not found then
    raise exception 'unknown plan "%"', quota.shown(p_plan) using errcode = 'QT002';
  end if;
  perform quota.hold_subscriptions(array[owner], array[service]);
  select s.plan into plan_before from quota.subscriptions s
  where s.user_id = owner and s.service = set_plan.service;
  -- As from the terminal: custom limits that are not named go.
  with gone as (
    delete from quota.limit_overrides o where o.user_id = owner and o.plan = p_plan
    returning o.meter, o.limit_quantity, o.cost_limit)
  select jsonb_agg(jsonb_build_object('meter', g.meter, 'limit', g.limit_quantity::text, 'costLimit',
    g.cost_limit::text)) into customs from gone g;
  changed := plan_before is distinct from plan or customs is not null;
  if changed then
    audit_id := quota.change_plan(array[owner], p_plan, p_reason, null,
      jsonb_build_object('customLimits', coalesce(customs, '[]')),
      jsonb_build_object('customLimits', '[]'::jsonb));
  end if;
  perform set_config('quota.actor', former_actor, true);
end $function$;
comment on function quota.set_plan(text,text,text,text) is 'Puts a user on a plan, from the back office of an app: its limits hold at once, what is used stays, a limit on assistants that it lifts is lifted. Audited with the reason and who acted; changed false: it is so already.';
grant execute on function quota.set_plan(text,text,text,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.set_service(p_service text, p_max_daily_cost numeric, p_max_error_percent numeric, p_keep_details_days integer, p_reason text DEFAULT NULL::text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  before jsonb;
  after jsonb := jsonb_strip_nulls(jsonb_build_object('maxDailyCost', p_max_daily_cost::text,
    'maxErrorPercent', p_max_error_percent::text, 'keepDetailsDays', p_keep_details_days));
  audit_id bigint;
begin
  perform quota.refuse_other_users(null);
  perform quota.refuse_unknown_service(nullif(p_service, ''));
  select jsonb_strip_nulls(jsonb_build_object('maxDailyCost', s.max_daily_cost::text,
    'maxErrorPercent', s.max_error_percent::text, 'keepDetailsDays', s.keep_details_days)) into before
  from quota.service_settings s where s.service = p_service for update;
  insert into quota.service_settings as s (service, max_daily_cost, max_error_percent, keep_details_days)
  values (p_service, p_max_daily_cost, p_max_error_percent, p_keep_details_days)
  on conflict (service) do update set max_daily_cost = excluded.max_daily_cost,
    max_error_percent = excluded.max_error_percent, keep_details_days = excluded.keep_details_days,
    changed_at = quota.now(), changed_by = quota.actor();
  insert into quota.audit_log (action, service, subject, reason, before, after)
  values ('service.changed', nullif(p_service, ''), case when p_service = '' then 'all' else p_service end,
    p_reason, coalesce(before, '{}'), after)
  returning id into audit_id;
  return audit_id;
end $function$;
comment on function quota.set_service(text,numeric,numeric,integer,text) is 'Says of a service ('''': of all together) what the operator is told of and how long details are kept, audited; null: nothing. Returns the id of the audit row.';
grant execute on function quota.set_service(text,numeric,numeric,integer,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.settle_admitted(told jsonb, p_service text)
 RETURNS jsonb
 LANGUAGE plpgsql
AS $function$
declare
  key text := quota.told_call(told);
  starts timestamptz := coalesce(quota.told_instant(told, 'startedAt'),
    quota.told_instant(told->'call', 'startedAt'));
  ends timestamptz := coalesce(quota.told_instant(told, 'endedAt'),
    quota.told_instant(told->'call', 'endedAt'));
  -- Of what never connected nothing was spoken.
  seconds numeric := round(coalesce(quota.told_number(told, 'durationSeconds'),
    quota.told_number(told, 'durationMs') / 1000, extract(epoch from ends - starts), 0), 3);
  cost numeric := coalesce(quota.told_number(told, 'cost'), quota.told_number(told->'call', 'cost'));
  ended_reason text := left(coalesce(told->>'endedReason', told#>>'{call,endedReason}'), 200);
  is_error boolean := coalesce(ended_reason ~ '(^|[.-])error([.-]|$)', false);
  assistant quota.assistants := quota.called_assistant(told);
  owner uuid;
  service text;
  owner_name text;
begin
  select l.user_id, l.service into owner, service
  from quota.call_logs l where l.provider = 'vapi' and l.provider_call_id = key;
  if not found then
    owner := assistant.user_id;
    service := p_service;
  end if;
  select u.external_id into owner_name from quota.users u where u.id = owner and u.erased_at is null;
  if owner_name is null then
    perform quota.refuse_other_users(null);
    -- A call that was refused is reported, too; nobody is to pay for it.
    if seconds = 0 and coalesce(cost, 0) = 0 then
      return '{}';
    end if;
    raise exception 'the assistant "%" of the call "%" is nobody''s',
      quota.shown(coalesce(told#>>'{call,assistantId}', told#>>'{assistant,id}')), key
      using errcode = 'QT001', hint = 'Register it with quota.add_assistant, and send the report again.';
  end if;
  perform quota.record(owner_name, service, key, seconds, 'vapi', p_cost => cost,
    p_started_at => coalesce(starts, ends), p_status => case when is_error then 'error' else 'completed' end,
    p_assistant_id => assistant.provider_assistant_id, p_error => case when is_error then ended_reason end);
  return '{}';
end $function$;
comment on function quota.settle_admitted(jsonb,text) is 'Records what the report of an ended call tells: completes the call that was let in, whenever it comes, or records one that was not. Twice is once. QT001: nobody''s assistant; QT003: figures that cannot be.';

CREATE OR REPLACE FUNCTION quota.settle_call(p_call bigint, told quota.told_end)
 RETURNS quota.record_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  stored quota.call_logs;
  result quota.record_result;
  in_seconds boolean;
begin
  -- As an update does: the call first, then its subscription.
  select * into stored from quota.call_logs l where l.id = p_call for no key update;
  if not found then
    raise exception 'the call is no longer there: it was deleted meanwhile' using errcode = 'QT003';
  end if;
  in_seconds := quota.service_unit(stored.service) = 'second';
  told.duration_seconds := round(told.duration_seconds, 3);
  if stored.status <> 'active' and quota.is_estimate(stored.settled_by) is not true then
    result.recorded := false;
    result.differs := quota.differs(stored, told, in_seconds);
  elsif stored.status <> 'active' and in_seconds and told.duration_seconds is null
    and told.quantities is null then
    -- Of an end without a length an estimate remains the best that is known.
    update quota.call_logs l
    set cost = coalesce(told.cost, l.cost), words_spoken = coalesce(told.words_spoken, l.words_spoken)
    where l.id = p_call;
    result.recorded := false;
    result.differs := false;
  else
    update quota.call_logs l
    set status = told.status, started_at = s.starts, duration_seconds = s.seconds,
      ended_at = s.starts + make_interval(secs => s.seconds::float8),
      messages = case when in_seconds then coalesce(told.messages, l.messages) else told.messages end,
      cost = coalesce(told.cost, l.cost), words_spoken = coalesce(told.words_spoken, l.words_spoken),
      error_message = coalesce(told.error_message, case when l.settled_by is null then l.error_message end),
      assistant_id = coalesce(told.assistant_id, l.assistant_id), model = coalesce(told.model, l.model),
      file_size_bytes = coalesce(told.file_size_bytes, l.file_size_bytes),
      metadata = case when told.metadata is null then l.metadata
        else coalesce(l.metadata, '{}') || told.metadata end,
      quantities = case when told.quantities is null then l.quantities
        else coalesce(l.quantities, '{}') || told.quantities end,
      settled_by = null
    from (
      select t.starts, coalesce(told.duration_seconds, least(604800,
        round(extract(epoch from greatest(quota.now() - t.starts, interval '0')), 3))) as seconds
      from (select coalesce(told.started_at, stored.started_at) as starts) t) s
    where l.id = p_call
    returning l.* into stored;
    result.recorded := true;
    result.differs := false;
  end if;
  result.call_log_id := p_call;
  result.stored_status := stored.status;
  result.stored_quantity := coalesce(quota.told_quantity(stored), case
    when quota.service_unit(stored.service) = 'message' then 1 end);
  result.stored_cost := stored.cost;
  result.is_estimate := coalesce(quota.is_estimate(stored.settled_by), false);
  return result;
end $function$;
comment on function quota.settle_call(bigint,quota.told_end) is 'Completes a call that runs or was settled at an estimate; one whose end is known stays as it is, and differs says whether something else is told now. Answers what is stored, not yet what is left. QT003: it is not there.';

CREATE OR REPLACE FUNCTION quota.settle_crossed(crossed quota.usage_quotas[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  running quota.usage_quotas[];
  others quota.usage_quotas[];
begin
  select array_agg(c) filter (where n.is_running), array_agg(c) filter (where not n.is_running)
  into running, others
  from unnest(crossed) c
  cross join lateral quota.needs_enforcement(c) n(is_running);
  if running is not null then
    perform quota.enforce(running);
  end if;
  if others is not null then
    perform quota.look_again(others);
  end if;
end $function$;
comment on function quota.settle_crossed(quota.usage_quotas[]) is 'Settles quotas, given as they stand, whose marks differ from what they come to: those of the running period are enforced, the others noted. Whoever writes what a quota comes to calls it, so that what has reached something is found by its marks, whatever the clock says that somebody looks by.';

CREATE OR REPLACE FUNCTION quota.settle_ended_leases(p_user uuid, p_service text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  ended bigint[] := array(
    select c.call_log_id from quota.concurrent_processing c
    where c.user_id = p_user and c.service = p_service and c.expires_at <= quota.now()
      and c.call_log_id is not null);
begin
  if cardinality(ended) > 0 then
    perform quota.settle_leases(ended);
  end if;
end $function$;
comment on function quota.settle_ended_leases(uuid,text) is 'Settles the sessions of a user''s service whose lease has ended, before another one starts: nothing is given twice. To be called before anything of the user is locked.';

CREATE OR REPLACE FUNCTION quota.settle_grants(users uuid[], services text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  crossed quota.usage_quotas[];
begin
  with ledger as (
    -- What ended is settled where there is a running quota: that is brought in line below.
    select u.user_id, l.id, l.given, l.ends_at <= quota.now() and exists (
        select from quota.usage_quotas q
        where q.user_id = u.user_id and q.meter = m.key and quota.contains(q, quota.now())
          and not q.superseded)
      as is_settled
    from unnest(users, services) u(user_id, service)
    join quota.meters m on m.service = u.service
    cross join lateral quota.grant_ledger(u.user_id, m.key) l
  )
  update quota.grants g
  set consumed = l.given, settled_at = case when l.is_settled then quota.now() end
  from ledger l
  where g.user_id = l.user_id and g.id = l.id
    -- What a clock that was ahead settled counts again.
    and (g.consumed <> l.given or case when l.is_settled then not quota.is_settled(g, quota.now())
      else g.settled_at is not null end);

  with present as materialized (
    select q.user_id, q.meter, q.period_start, quota.granted_now(q.user_id, q.meter) as granted
    from unnest(users, services) u(user_id, service)
    join quota.meters m on m.service = u.service
    join quota.usage_quotas q on q.user_id = u.user_id and q.meter = m.key
      and quota.contains(q, quota.now()) and not q.superseded
  ), refreshed as (
    update quota.usage_quotas q
    set granted = p.granted, alerted = case when p.granted < q.granted then q.alerted end,
      lowered_at = case when p.granted < q.granted then quota.now() else q.lowered_at end
    from present p
    where q.user_id = p.user_id and q.meter = p.meter and q.period_start = p.period_start
      and q.granted <> p.granted
    returning q.*
  )
  select array_agg(r::quota.usage_quotas) into crossed
  from refreshed r where quota.marks_differ(r::quota.usage_quotas);
  if crossed is not null then
    perform quota.settle_crossed(crossed);
  end if;
end $function$;
comment on function quota.settle_grants(uuid[],text[]) is 'Brings the running quotas of (user, service) pairs, and what their grants are said to have given, in line with the facts; after whatever changes grants, usage of the past, or how time is cut. The caller holds the subscriptions.';

CREATE OR REPLACE FUNCTION quota.settle_if_granted(users uuid[], services text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  granted_users uuid[];
  granted_services text[];
begin
  select array_agg(u.user_id), array_agg(u.service) into granted_users, granted_services
  from (select distinct user_id, service from unnest(users, services) u(user_id, service)) u
  where exists (
    select 1 from quota.grants g join quota.meters m on m.key = g.meter
    where g.user_id = u.user_id and m.service = u.service);
  if granted_users is not null then
    perform quota.settle_grants(granted_users, granted_services);
  end if;
end $function$;
comment on function quota.settle_if_granted(uuid[],text[]) is 'The same as settle_grants for those of the (user, service) pairs that have grants: most have none.';

CREATE OR REPLACE FUNCTION quota.settle_late(deltas quota.usage_delta[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  services text[];
begin
  select array_agg(l.user_id), array_agg(l.service) into users, services
  from (
    select distinct d.user_id, m.service
    from (
      -- Few have any: nothing else is looked up for the others.
      select * from unnest(deltas) d
      where exists (select from quota.grants g where g.user_id = d.user_id and g.meter = d.meter)
      offset 0
    ) d
    join quota.grants g on g.user_id = d.user_id and g.meter = d.meter
    join quota.meters m on m.key = d.meter
    join quota.usage_quotas q on q.user_id = d.user_id and q.meter = d.meter
      and q.period_start = d.period_start
      and (q.period_end <= quota.now()
        or least(g.expires_at, g.revoked_at) between q.period_start and quota.now())
  ) l;
  if users is not null then
    perform quota.settle_grants(users, services);
  end if;
  -- Calls from before a manual reset of their period.
  select array_agg(l.user_id), array_agg(l.service) into users, services
  from (
    select distinct d.user_id, m.service
    from unnest(deltas) d
    join quota.meters m on m.key = d.meter
    where d.adjusted = 0 and exists (
      select from quota.adjustments a
      where a.user_id = d.user_id and a.meter = d.meter and a.period_start = d.period_start
        and a.kind = 'reset')
  ) l;
  if users is not null then
    perform quota.keep_resets(users, services);
  end if;
end $function$;
comment on function quota.settle_late(quota.usage_delta[]) is 'After usage that is told late: what grants cover of periods that are over is gone from the running ones, a grant that has ended covers what was used before its end, and what belongs to before a manual reset is taken off.';

CREATE OR REPLACE FUNCTION quota.settle_leases(sessions bigint[], run uuid DEFAULT NULL::uuid)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  settled integer;
begin
  -- In the order of whoever ends a session: the call, its subscription, its lease.
  perform 1 from quota.call_logs l where l.id = any (sessions) and l.status = 'active' order by l.id
  for no key update;
  with settled as (
    update quota.call_logs l
    set status = case when s.in_seconds then 'error' else 'completed' end,
      error_message = 'session did not end',
      duration_seconds = case when s.in_seconds then least(q.quantity, 604800) end,
      messages = case when s.unit = 'message'
        then nullif(least(ceil(q.quantity), 2147483647), 0)::integer else l.messages end,
      quantities = case when s.unit in ('second', 'message') then l.quantities
        else coalesce(l.quantities, '{}') || jsonb_build_object(s.unit || 's',
          case s.unit when 'credit' then trim_scale(q.quantity) else ceil(q.quantity) end) end,
      ended_at = l.started_at
        + make_interval(secs => case when s.in_seconds then least(q.quantity, 604800) else 0 end::float8),
      settled_by = case when c.progress is null then 'reservation' else 'heartbeat' end
    from quota.concurrent_processing c
    cross join lateral (
      select u.unit, u.unit = 'second' as in_seconds from quota.service_unit(c.service) u(unit)) s
    cross join lateral quota.lease_quantity(c, quota.is_live(c.service), quota.now()) q(quantity)
    where l.id = any (sessions) and c.user_id = l.user_id and c.call_log_id = l.id
      and c.expires_at <= quota.now() and l.status = 'active'
    returning l.id, l.user_id, l.service, l.status, l.duration_seconds, l.messages, l.quantities,
      l.settled_by, c.reserved, c.expires_at, c.touched_at
  )
  insert into quota.audit_log (action, user_id, service, subject, reason, before, after, run_id)
  select 'session.reaped', s.user_id, s.service, s.id::text, 'session did not end',
    jsonb_build_object('status', 'active', 'reserved', s.reserved::text, 'expiresAt', s.expires_at,
      'touchedAt', s.touched_at),
    jsonb_build_object('status', s.status, 'durationSeconds', s.duration_seconds::text,
      'messages', s.messages, 'quantities', s.quantities, 'settledBy', s.settled_by), run
  from settled s;
  get diagnostics settled = row_count;
  return settled;
end $function$;
comment on function quota.settle_leases(bigint[],uuid) is 'Settles those of these sessions whose lease has ended and whose end nobody told, at an estimate: their last sign of life, else what they had reserved. Messages count as sent, seconds as those of an error. Returns how many; their leases go with them.';

CREATE OR REPLACE FUNCTION quota.settle_open_lines(r quota.reconciliations, month_start timestamp with time zone, month_end timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  coarse integer[] := quota.coarse_exports(array(select distinct o.export_id from pg_temp.open_lines o));
begin
  analyze pg_temp.open_lines;
  delete from pg_temp.computed_rows c using pg_temp.open_lines o where o.place = c.ctid;
  delete from pg_temp.computed_rows c
  where c.export_id is null and c.log_id in (select o.log_id from pg_temp.open_lines o);
  insert into pg_temp.computed_rows (log_id, export_id, line, log_month, kind, billed, logged)
  select g.id, o.export_id, o.line,
    case when g.started_at < month_start or g.started_at >= month_end
      then date_trunc('month', g.started_at at time zone 'UTC')::date end,
    coalesce(o.kind, case when g.id is null then 'unlogged' else quota.pair_kind(
      a.user_id, g.user_id, o.stated_seconds, g.duration_seconds, o.whole_cost, g.cost,
      quota.duration_tolerance(r, o.export_id = any (coarse)), r.cost_tolerance) end),
    coalesce(o.cost, 0), coalesce(g.cost, 0)
  from pg_temp.open_lines o
  -- By an array of numbers, so that logs of shards are asked for these alone.
  left join (
    select * from quota.call_logs
    where id = any (array(select n.log_id from pg_temp.open_lines n where n.log_id is not null))
  ) g on g.id = o.log_id
  left join quota.assistants a on a.provider_assistant_id = o.assistant_id
  where not o.follows;

  -- Further parts of a call, in another file of the bill, end where the call does.
  insert into pg_temp.computed_rows (export_id, line, kind, billed, logged)
  select o.export_id, o.line, c.kind, coalesce(o.cost, 0), 0
  from pg_temp.open_lines o
  join pg_temp.open_lines h on h.external_id = o.external_id and h.takes_log
  join pg_temp.computed_rows c on c.export_id = h.export_id and c.line = h.line
  where o.follows;

  -- Logs that lost their line are logs without a line again.
  insert into pg_temp.computed_rows (log_id, kind, billed, logged)
  select g.id, case g.status when 'active' then 'unsettled' else 'unbilled' end, 0, coalesce(g.cost, 0)
  from quota.call_logs g
  where g.id = any (array(
      select o.log_before from pg_temp.open_lines o except select o.log_id from pg_temp.open_lines o))
    and g.started_at >= month_start and g.started_at < month_end
    and g.id not in (select quota.logs_told_elsewhere(r));
end $function$;
comment on function quota.settle_open_lines(quota.reconciliations,timestamp with time zone,timestamp with time zone) is 'Puts open_lines in the place of their rows in computed_rows, with what was found out about them.';

CREATE OR REPLACE FUNCTION quota.settle_reset(claimed quota.subscriptions[], freed_users uuid[], are_kept boolean)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  granted_users uuid[];
  granted_services text[];
  kept quota.usage_quotas[];
  queued integer := 0;
begin
  select array_agg(d.user_id), array_agg(d.service) into granted_users, granted_services
  from unnest(claimed) d
  where exists (
    select 1 from quota.grants g join quota.meters m on m.key = g.meter
    where g.user_id = d.user_id and m.service = d.service);
  if freed_users is not null then
    if are_kept or granted_users is not null then
      perform quota.hold_assistants(array(select d.user_id from unnest(claimed) d));
    end if;
    queued := quota.queue_assistants(freed_users, 'original');
  end if;
  if granted_users is not null then
    perform quota.settle_grants(granted_users, granted_services);
  end if;
  -- Usage of a period counts from the first call, also before its reset and even before its start. What has
  -- crossed a threshold by now is dealt with now that the period runs.
  if are_kept then
    select array_agg(q::quota.usage_quotas) into kept
    from unnest(claimed) d
    join quota.meters m on m.service = d.service
    join quota.usage_quotas q on q.user_id = d.user_id and q.meter = m.key
    where quota.contains(q, quota.now()) and quota.needs_enforcement(q::quota.usage_quotas);
    if kept is not null then
      perform quota.enforce(kept);
    end if;
  end if;
  return queued;
end $function$;
comment on function quota.settle_reset(quota.subscriptions[],uuid[],boolean) is 'Queues the restore of assistants, books grants and enforces what running periods have used already; returns how many assistants were queued. For reset_due.';

CREATE OR REPLACE FUNCTION quota.shown(p_text text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select regexp_replace(left(p_text, 60), '[[:cntrl:]]', '?', 'g') $function$;
comment on function quota.shown(text) is 'What a message repeats of a text that somebody gave: its beginning, without what acts on a terminal.';
grant execute on function quota.shown(text) to quota_finance;
grant execute on function quota.shown(text) to quota_operator;
grant execute on function quota.shown(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.spans_covered(spans quota.usage_span[])
 RETURNS quota.span_cover
 LANGUAGE sql
 STABLE
 SET enable_seqscan TO 'off'
AS $function$
  select (coalesce(bool_or(c.quotas > 0), false), array_agg(s) filter (where c.open = 0),
    array_agg(s) filter (where c.open > 0 and not c.is_covered))::quota.span_cover
  from unnest(spans) s
  cross join lateral (
    select count(*) as quotas, count(*) filter (where not q.superseded) as open,
      coalesce(bool_or(not q.superseded and quota.contains(q, s.first) and quota.contains(q, s.last)),
        false) as is_covered
    from quota.usage_quotas q
    where q.user_id = s.user_id and q.meter = s.meter and q.period_start <= s.last and q.period_end > s.first
  ) c
$function$;
comment on function quota.spans_covered(quota.usage_span[]) is 'Which of the spans have to be looked at for periods that are not open.';

CREATE OR REPLACE FUNCTION quota.speaker(p_role name, OUT speaks_for text, OUT user_id uuid, OUT user_name text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  role record;
begin
  select * into role from quota.role_standing(p_role);
  speaks_for := case when role.standing in ('owner', 'staff', 'app') then 'all'
    when role.standing in ('user', 'claim') then 'user' else 'nobody' end;
  user_id := role.user_id;
  if role.standing = 'claim' then
    user_name := quota.claimed_user(role.claim);
    -- By the app's own id alone: what somebody may choose for a name must not be the id of another.
    select u.id into user_id from quota.users u where u.external_id = user_name;
    if user_name is null then
      speaks_for := 'anonymous';
    end if;
  end if;
end $function$;
comment on function quota.speaker(name) is 'For whom a role speaks: all, user (user_id null: one whom nobody has told of, called user_name), anonymous (by claim, and there is none), or nobody.';

CREATE OR REPLACE FUNCTION quota.spoken_refusal(p_refusal text, p_user uuid, p_service text)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$
  select jsonb_build_object('error', left(coalesce(nullif(btrim(p_refusal), ''), (
    select p.limited_state->>'firstMessage'
    from quota.subscriptions s join quota.plans p on p.key = s.plan
    where s.user_id = p_user and s.service = p_service),
    'Hello. This assistant cannot take calls now. Please call again later. Goodbye.'), 1000))
$function$;
comment on function quota.spoken_refusal(text,uuid,text) is 'What a caller hears in place of the assistant: no word of the plan of whoever is called.';

CREATE OR REPLACE FUNCTION quota.stale_days(p_from date, p_to date, p_by_model boolean DEFAULT false)
 RETURNS SETOF date
 LANGUAGE sql
 STABLE
AS $function$
  select d::date from generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') d
  where not exists (
      select 1 from quota.analytics_days a
      where a.day = d::date and a.rolled_at is not null and (a.by_model or not p_by_model))
    or exists (select 1 from quota.analytics_changes c where c.day = d::date)
$function$;
comment on function quota.stale_days(date,date,boolean) is 'The days that usage_analytics does not hold as they are, or does not tell models apart of.';
grant execute on function quota.stale_days(date,date,boolean) to quota_finance;
grant execute on function quota.stale_days(date,date,boolean) to quota_operator;
grant execute on function quota.stale_days(date,date,boolean) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.stale_grants(only_user uuid DEFAULT NULL::uuid)
 RETURNS TABLE(user_id uuid, service text)
 LANGUAGE sql
 STABLE
AS $function$
  with clock as materialized (select quota.now() as at),
  unsettled as materialized (
    -- Most that ever ended have been settled, and their quotas need no look, unless a clock that was ahead
    -- settled another of the same quota.
    select distinct g.user_id, g.meter from clock cross join quota.grants g
    where (least(g.expires_at, g.revoked_at) <= clock.at and not quota.is_settled(g, clock.at)
        or g.settled_at > clock.at)
      and (only_user is null or g.user_id = only_user)
  ),
  given as materialized (
    select g.user_id, g.meter, min(g.created_at) as first_at,
      max(g.ends_at) filter (where g.ends_at <= clock.at) as ended_at,
      coalesce(sum(g.quantity) filter (
        where g.created_at <= clock.at and (g.ends_at <= clock.at) is not true), 0) as living
    from clock
    cross join (
      select g.user_id, g.meter, g.quantity, g.created_at, least(g.expires_at, g.revoked_at) as ends_at
      from unsettled u join quota.grants g on g.user_id = u.user_id and g.meter = u.meter) g
    group by g.user_id, g.meter
    having bool_or(g.ends_at <= clock.at)
  ), ended as materialized (
    select q.user_id, q.meter, q.granted, g.living, g.first_at
    from quota.usage_quotas q
    join given g on g.user_id = q.user_id and g.meter = q.meter and g.ended_at >= q.period_start
    where q.granted > 0 and q.closed_at is null and (only_user is null or q.user_id = only_user)
      and q.period_start <= (select c.at from clock c) and q.period_end > (select c.at from clock c)
  ), used as (
    -- Where no period that grants could have covered was used beyond its limit, they gave nothing: what is
    -- granted is what they have.
    select array_agg(o.user_id) as users, array_agg(o.meter) as meters
    from (
      select distinct e.user_id, e.meter
      from ended e
      join quota.usage_quotas o on o.user_id = e.user_id and o.meter = e.meter and o.period_end > e.first_at
      where o.period_start <= (select c.at from clock c) and o.used > o.limit_quantity
    ) o
  ), stale as (
    -- Put together by groups, and not joined: planners take both for a row or two.
    select t.user_id, t.meter
    from (
      select e.user_id, e.meter, e.granted, e.living, null::numeric as by_ledger from ended e
      union all
      select l.user_id, l.meter, null, null, l.granted
      from used u cross join lateral quota.granted_of(u.users, u.meters) l
    ) t
    group by t.user_id, t.meter
    having min(t.granted) <> coalesce(max(t.by_ledger), max(t.living))
      or max(t.granted) <> coalesce(max(t.by_ledger), max(t.living))
  )
  select distinct s.user_id, m.service from stale s join quota.meters m on m.key = s.meter
$function$;
comment on function quota.stale_grants(uuid) is 'Whose running quotas still count a grant that has expired.';
grant execute on function quota.stale_grants(uuid) to quota_finance;
grant execute on function quota.stale_grants(uuid) to quota_operator;
grant execute on function quota.stale_grants(uuid) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.stamp_audit()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  is_owner boolean := has_schema_privilege(session_user, 'quota', 'create with grant option');
begin
  -- An identity gives each row a number that its sequence has given. Any other is somebody's own. What needs
  -- a query stands apart: an expression without one is worked out many times faster, row by row.
  if new.id is distinct from pg_sequence_last_value('quota.audit_log_id_seq') then
    if new.id > coalesce(pg_sequence_last_value('quota.audit_log_id_seq'), 0)
      or new.id <= coalesce((select max(s.last_id) from quota.audit_seals s), 0)
    then
      new.id := nextval('quota.audit_log_id_seq');
    end if;
  end if;
  new.login := session_user;
  -- Made-up histories are dated when they would have been; only the owner can make one.
  if not (is_owner and coalesce(current_setting('quota.makes_history', true), '') = 'on') then
    new.recorded_at := clock_timestamp();
    new.xid := pg_current_xact_id();
  end if;
  if not is_owner then
    new.at := quota.now();
    new.actor := quota.actor();
  end if;
  return new;
end $function$;
comment on function quota.stamp_audit() is 'Gives a row of the history its number, times, transaction and login, whatever its writer says. The owner of the schema may tell the instant of a change and who made it, as jobs do.';

CREATE OR REPLACE FUNCTION quota.stamp_override()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  new.actor := quota.actor();
  new.created_at := quota.now();
  return new;
end $function$;
comment on function quota.stamp_override() is 'A custom limit that is given anew is that of who gave it, from then on.';

CREATE OR REPLACE FUNCTION quota.standing_of(p_user uuid, p_service text DEFAULT NULL::text)
 RETURNS TABLE(service text, plan text, meter text, unit text, limit_quantity numeric, cost_limit numeric, unit_price numeric, used numeric, granted numeric, cost numeric, percent numeric, state text, period_start timestamp with time zone, period_end timestamp with time zone, runs_out_at timestamp with time zone, calls integer, exhausted_at timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
  select c.service, c.plan, c.meter, c.unit, c.limit_quantity, c.cost_limit, c.unit_price, c.used, c.granted,
    c.cost, c.percent, c.state, c.period_start, c.period_end,
    quota.runs_out_at(c.used, c.adjusted, c.limit_quantity + c.granted, c.cost, c.cost_limit,
      case when c.cost_limit is not null then quota.adjusted_cost(c.user_id, c.meter, c.period_start) end,
      c.calls, c.period_start, c.period_end, quota.now()),
    c.calls, c.exhausted_at
  from quota.current_quotas(p_user) c
  where p_service is null or c.service = p_service
  union all
  -- Of the services that the user has not called yet: what the first call would open.
  select p.service, p.key, l.meter, m.unit, l.limit_quantity, l.cost_limit, l.unit_price, 0, 0, 0, n.percent,
    quota.quota_state(
      n.percent, quota.is_exhausted(0, l.limit_quantity, 0, l.cost_limit), l.warn_at),
    lower(n.period), upper(n.period), null, 0, null
  from quota.known_or_new(p_user) u
  join quota.plans p on p.is_default and (p_service is null or p.service = p_service)
    and not exists (
      select from quota.subscriptions s where s.user_id = p_user and s.service = p.service)
  join quota.plan_limits l on l.plan = p.key
  join quota.meters m on m.key = l.meter
  cross join lateral (
    select quota.percent_used(0, l.limit_quantity, 0, l.cost_limit) as percent,
      quota.period_at(
        quota.limit_anchor(
          l.reset_anchor, l.boundary,
          quota.moved_anchor(null, null, coalesce(p.timezone, u.timezone), u.created_at)),
        l.reset_every, coalesce(p.timezone, u.timezone), quota.now()) as period) n
$function$;
comment on function quota.standing_of(uuid,text) is 'What a user has used of each meter in the running period, also of services not called yet, whose default plan is shown, and also for quota.newcomer().';

CREATE OR REPLACE FUNCTION quota.start_again(p_user uuid, p_service text, session quota.call_logs, p_grace interval)
 RETURNS quota.session_result
 LANGUAGE plpgsql
AS $function$
declare
  result quota.session_result;
  touched quota.touch_result;
begin
  if session.user_id <> p_user or session.service <> p_service
    or session.status <> 'active' and quota.is_estimate(session.settled_by) is not true
  then
    perform quota.refuse_taken_key(session.provider_call_id);
  end if;
  result := quota.started_session(p_user, session.provider, session.provider_call_id);
  if result.session_id is null and session.status = 'active' then
    return null; -- A webhook was faster than the start.
  elsif result.expires_at > quota.now() then
    return result;
  end if;
  -- It was given up, and lives.
  touched := quota.extend_lease(session, null, coalesce(p_grace, '5 minutes'));
  result.session_id := session.id;
  result.remaining := touched.remaining;
  if touched.action is not null then
    -- It may not go on: it is given up again, at what it was given up at.
    update quota.concurrent_processing c set expires_at = quota.now()
    where c.user_id = p_user and c.call_log_id = session.id;
    perform quota.settle_leases(array[session.id]);
    result.allowed := false;
    result.cap_seconds := null;
    result.expires_at := null;
    result.reason := 'quota_exceeded';
    result.action := touched.action;
    result.message := 'Nothing is left: the session is to end.';
    return result;
  end if;
  result.allowed := true;
  result.reason := 'ok';
  result.message := 'Allowed.';
  result.cap_seconds := touched.cap_seconds;
  result.expires_at := touched.expires_at;
  return result;
end $function$;
comment on function quota.start_again(uuid,text,quota.call_logs,interval) is 'The answer to a repeated start: the session that it started. Null: the call is there, but nothing was reserved for it. QT003: the key is that of another call, or of one whose end is known.';

CREATE OR REPLACE FUNCTION quota.start_session(p_user text, p_service text, p_key text, p_provider text DEFAULT NULL::text, p_assistant_id text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_estimate numeric DEFAULT NULL::numeric, p_file_bytes bigint DEFAULT NULL::bigint, p_grace interval DEFAULT '00:05:00'::interval, p_metadata jsonb DEFAULT NULL::jsonb, p_started_at timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS quota.session_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  owner uuid;
  session quota.call_logs;
  result quota.session_result;
begin
  select u.id into owner from quota.users u where u.external_id = p_user;
  if owner is null or not quota.is_plain_caller() then
    owner := quota.user_or_new(p_user);
  end if;
  if p_started_at is not null or p_grace <> '5 minutes' or quota.is_endless(p_estimate, null, p_metadata,
    concat(p_key, p_provider, p_assistant_id, p_model))
  then
    perform quota.refuse_impossible_start(p_estimate, p_grace, p_started_at),
      quota.refuse_endless(array[p_key, p_provider, p_assistant_id, p_model], null, p_metadata);
  end if;
  -- Before anything else, as quota.record does: a start and a record of one key wait here, and in no circle.
  perform quota.hold_key(coalesce(p_provider, p_service), p_key);
  select * into session from quota.call_logs l
  where l.provider = coalesce(p_provider, p_service) and l.provider_call_id = p_key for no key update;
  if found then
    result := quota.start_again(owner, p_service, session, p_grace);
    if result.allowed is not null then
      return result;
    end if;
  end if;
  perform quota.settle_ended_leases(owner, p_service);
  perform quota.lock_allowance(owner, p_service);
  result := quota.reserve_session(owner, p_service, coalesce(session.model, p_model), p_estimate,
    p_file_bytes);
  if not result.allowed then
    perform quota.note_refusal(p_service, (
      select s.plan from quota.subscriptions s where s.user_id = owner and s.service = p_service),
      result.reason);
    return result;
  end if;
  result.expires_at := quota.now() + case when quota.is_live(p_service)
    then quota.first_lease(result.cap_seconds, p_grace) else quota.lease_length(owner, p_service) end;
  if session.id is null then
    insert into quota.call_logs
      (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at,
      file_size_bytes, metadata)
    values (owner, p_service, coalesce(p_provider, p_service), p_key, p_assistant_id, p_model, 'active',
      coalesce(p_started_at, quota.now()), p_file_bytes, p_metadata)
    on conflict do nothing
    returning * into session;
    if not found then
      -- A plain row of this key came in the meantime: then it is there, as for a start that comes after it.
      return quota.start_session(p_user, p_service, p_key, p_provider, p_assistant_id, p_model, p_estimate,
        p_file_bytes, p_grace, p_metadata, p_started_at);
    end if;
  end if;
  result.session_id := session.id;
  insert into quota.concurrent_processing
    (user_id, service, call_log_id, reserved, cap, estimate, started_at, expires_at)
  values (owner, p_service, session.id, coalesce(result.cap_seconds, 0), result.cap_seconds, p_estimate,
    session.started_at, result.expires_at);
  return result;
end $function$;
comment on function quota.start_session(text,text,text,text,text,text,numeric,bigint,interval,jsonb,timestamp with time zone) is 'Reserves what a session may use (its estimate, what is left or the limit per session, whichever is least) and opens its call log. The app ends it after cap_seconds at the latest, and until expires_at tells that it is alive or ends it. On live meters the first lease lasts as long as the reservation and p_grace.';
grant execute on function quota.start_session(text,text,text,text,text,text,numeric,bigint,interval,jsonb,timestamp with time zone) to quota_app;
grant execute on function quota.start_session(text,text,text,text,text,text,numeric,bigint,interval,jsonb,timestamp with time zone) to quota_operator;

CREATE OR REPLACE FUNCTION quota.started_session(p_user uuid, p_provider text, p_key text)
 RETURNS quota.session_result
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  result quota.session_result;
begin
  select c.call_log_id, c.cap, c.expires_at into result.session_id, result.cap_seconds, result.expires_at
  from quota.call_logs l join quota.concurrent_processing c on c.user_id = l.user_id and c.call_log_id = l.id
  where l.provider = p_provider and l.provider_call_id = p_key and l.user_id = p_user;
  if found then
    result.allowed := true;
    result.reason := 'ok';
    result.message := 'Allowed.';
  end if;
  return result;
end $function$;
comment on function quota.started_session(uuid,text,text) is 'The session that a user started under a key, as its start was answered; its session_id is null: none.';

CREATE OR REPLACE FUNCTION quota.stated_seconds(duration_seconds numeric, status text)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select coalesce(duration_seconds, case when status is distinct from 'untimed' then 0 end) $function$;
comment on function quota.stated_seconds(numeric,text) is 'The seconds of a call line; null where its export has no column that could tell them.';

CREATE OR REPLACE FUNCTION quota.store_discrepancies(reconciliation uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  -- What is no longer found is forgotten, unless somebody has worked on it.
  update quota.discrepancies d set is_current = false
  where d.reconciliation_id = reconciliation and d.is_current and d.resolution is not null
    and not exists (
      select 1 from pg_temp.computed_discrepancies c where c.kind = d.kind and c.subject = d.subject);
  delete from quota.discrepancies d
  where d.reconciliation_id = reconciliation and d.resolution is null
    and not exists (
      select 1 from pg_temp.computed_discrepancies c where c.kind = d.kind and c.subject = d.subject);

  -- A resolution was given to these amounts: with others, or found again after its correction, it is open
  -- again.
  update quota.discrepancies d
  set export_id = c.export_id, line = c.line, log_id = c.log_id, user_id = c.user_id, owner_id = c.owner_id,
    assistant_id = c.assistant_id, started_at = c.started_at, billed_seconds = c.billed_seconds,
    logged_seconds = c.logged_seconds, billed_quantity = c.billed_quantity,
    logged_quantity = c.logged_quantity, billed = c.billed, logged = c.logged, is_current = true,
    resolution = case when c.is_same then d.resolution end,
    resolved_at = case when c.is_same then d.resolved_at end,
    resolved_by = case when c.is_same then d.resolved_by end, reason = case when c.is_same then d.reason end
  from (
    select c.*, d.id, d.resolution is distinct from 'corrected'
      and (d.billed, d.logged, d.billed_seconds, d.logged_seconds, d.billed_quantity, d.logged_quantity)
        is not distinct from (c.billed, c.logged, c.billed_seconds, c.logged_seconds, c.billed_quantity,
          c.logged_quantity) as is_same
    from pg_temp.computed_discrepancies c
    join quota.discrepancies d on d.reconciliation_id = reconciliation and d.kind = c.kind
      and d.subject = c.subject
  ) c
  where d.id = c.id
    and (not c.is_same or not d.is_current
      or (d.export_id, d.line, d.log_id, d.user_id, d.owner_id, d.assistant_id, d.started_at)
        is distinct from (c.export_id, c.line, c.log_id, c.user_id, c.owner_id, c.assistant_id,
          c.started_at));

  insert into quota.discrepancies
    (reconciliation_id, kind, subject, export_id, line, log_id, day, model, external_id, user_id, owner_id,
     assistant_id, started_at, billed_seconds, logged_seconds, billed_quantity, logged_quantity, billed,
     logged)
  select reconciliation, c.kind, c.subject, c.export_id, c.line, c.log_id, c.day, c.model, c.external_id,
    c.user_id, c.owner_id, c.assistant_id, c.started_at, c.billed_seconds, c.logged_seconds,
    c.billed_quantity, c.logged_quantity,
    c.billed, c.logged
  from pg_temp.computed_discrepancies c
  where not exists (
    select 1 from quota.discrepancies d
    where d.reconciliation_id = reconciliation and d.kind = c.kind and d.subject = c.subject)
  -- In an order that does not depend on that of the file.
  order by c.kind, c.started_at, c.subject;
end $function$;
comment on function quota.store_discrepancies(uuid) is 'Brings discrepancies to computed_discrepancies; resolutions stay.';

CREATE OR REPLACE FUNCTION quota.store_items(reconciliation uuid)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
declare
  changed bigint;
begin
  if not exists (select 1 from quota.reconciliation_items i where i.reconciliation_id = reconciliation)
    and not exists (select 1 from quota.reconciliation_matches m where m.reconciliation_id = reconciliation)
  then
    return quota.insert_items(reconciliation, 'pg_temp.computed_rows', 'pg_temp.computed_plain');
  end if;

  drop table if exists pg_temp.changed_items;
  create temp table changed_items on commit drop as
  select i.place, i.pack, i.e as was_export, i.n as was_line,
    c.log_id, c.export_id, c.line, c.log_month, c.day, c.model, c.kind, c.billed, c.logged
  from (
    select i.*, coalesce(i.export_id, 0) as e, coalesce(i.line, 0) as n,
      case when i.line is null then i.log_id end as g,
      coalesce(i.day, 'epoch') as d, coalesce(i.model, '') as m
    from quota.stored_items(reconciliation) i
  ) i
  full join (
    select c.*, coalesce(c.export_id, 0) as e, coalesce(c.line, 0) as n,
      case when c.line is null then c.log_id end as g,
      coalesce(c.day, 'epoch') as d, coalesce(c.model, '') as m
    from (
      select * from pg_temp.computed_rows
      union all
      select p.log_id, p.export_id, p.line, null, null, null, p.kind, p.billed, p.logged
      from pg_temp.computed_plain p
    ) c
  ) c on c.e = i.e and c.n = i.n and coalesce(c.g, 0) = coalesce(i.g, 0) and c.d = i.d and c.m = i.m
  where (i.kind, i.log_id, i.log_month, i.billed, i.logged)
    is distinct from (c.kind, c.log_id, c.log_month, c.billed, c.logged);
  get diagnostics changed = row_count;

  delete from quota.reconciliation_items i using pg_temp.changed_items c where i.ctid = c.place;
  -- What else was packed with a match that is none any more is packed anew.
  with opened as (
    delete from quota.reconciliation_matches m
    where m.ctid in (select c.pack from pg_temp.changed_items c)
    returning m.*
  )
  insert into pg_temp.changed_items (log_id, export_id, line, kind, billed, logged)
  select u.log_id, o.export_id, u.line, 'matched', u.billed, coalesce(u.logged, u.billed)
  from opened o
    cross join lateral unnest(o.lines, o.log_ids, o.billed, o.logged) as u(line, log_id, billed, logged)
  where (o.export_id, u.line) not in (
    select c.was_export, c.was_line from pg_temp.changed_items c where c.pack is not null);
  perform quota.insert_items(reconciliation, 'pg_temp.changed_items');
  return changed;
end $function$;
comment on function quota.store_items(uuid) is 'Brings reconciliation_items and reconciliation_matches to computed_plain and computed_rows; how many differed.';

CREATE OR REPLACE FUNCTION quota.stored_items(reconciliation uuid)
 RETURNS TABLE(place tid, pack tid, log_id bigint, export_id integer, line integer, log_month date, day date, model text, kind text, billed numeric, logged numeric)
 LANGUAGE sql
 STABLE
AS $function$
  select i.ctid, null::tid, i.log_id, i.export_id, i.line, i.log_month, i.day, i.model, i.kind, i.billed,
    i.logged
  from quota.reconciliation_items i where i.reconciliation_id = reconciliation
  union all
  select null, m.ctid, u.log_id, m.export_id, u.line, null, null, null, 'matched', u.billed,
    coalesce(u.logged, u.billed)
  from quota.reconciliation_matches m
    cross join lateral unnest(m.lines, m.log_ids, m.billed, m.logged) as u(line, log_id, billed, logged)
  where m.reconciliation_id = reconciliation
$function$;
comment on function quota.stored_items(uuid) is 'The answer that a month has, with the places of its rows: an item, or what it is packed in.';

CREATE OR REPLACE FUNCTION quota.subscribe_to_defaults(users uuid[], services text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  unknown record;
begin
  select p.user_id, p.service, u.id is null as no_user into unknown
  from unnest(users, services) p(user_id, service)
  left join quota.users u on u.id = p.user_id
  where u.id is null or not exists (select 1 from quota.meters m where m.service = p.service)
  limit 1;
  if unknown.no_user then
    perform quota.refuse_moved(unknown.user_id::text);
    raise exception 'unknown user %', unknown.user_id using errcode = 'QT001',
      hint = 'Add the user to quota.users first.';
  elsif found then
    raise exception 'unknown service "%"', quota.shown(unknown.service)
      using errcode = 'QT002', hint = 'A service is known by its meters: see quota.meters.';
  end if;
  insert into quota.subscriptions (user_id, service, plan)
  select p.user_id, p.service, d.key
  from unnest(users, services) p(user_id, service)
  join quota.plans d on d.service = p.service and d.is_default
  order by p.user_id, p.service
  on conflict do nothing;
end $function$;
comment on function quota.subscribe_to_defaults(uuid[],text[]) is 'Puts (user, service) pairs on the default plan of the service, where they have none. Raises QT001 (user) and QT002 (service) on unknown names.';

CREATE OR REPLACE FUNCTION quota.subscribed_to(p_meters text[], OUT users uuid[], OUT services text[])
 RETURNS record
 LANGUAGE sql
 STABLE
AS $function$
  select array_agg(s.user_id), array_agg(s.service)
  from (
    select distinct s.user_id, s.service from quota.subscriptions s
    join quota.meters m on m.service = s.service where m.key = any (p_meters)) s
$function$;
comment on function quota.subscribed_to(text[]) is 'The (user, service) pairs whose service has one of these meters; null: there are none.';

CREATE OR REPLACE FUNCTION quota.subscription_or_default(p_user uuid, p_service text)
 RETURNS quota.subscriptions
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  subscription quota.subscriptions;
  plan quota.plans;
begin
  select * into subscription from quota.subscriptions s where s.user_id = p_user and s.service = p_service;
  if found then
    return subscription;
  end if;
  select * into plan from quota.plans p
  where p.service = p_service and case when p_user is null then p.anonymous else p.is_default end;
  if plan.key is null and not exists (select 1 from quota.meters m where m.service = p_service) then
    raise exception 'unknown service "%"', quota.shown(p_service) using errcode = 'QT002';
  end if;
  subscription.plan := plan.key;
  if p_user is not null then
    select quota.moved_anchor(null, null, coalesce(plan.timezone, u.timezone), u.created_at),
      coalesce(plan.timezone, u.timezone)
    into subscription.anchor_local, subscription.timezone
    from quota.known_or_new(p_user) u;
    if not found then
      raise exception 'unknown user %', p_user using errcode = 'QT001';
    end if;
  end if;
  return subscription;
end $function$;
comment on function quota.subscription_or_default(uuid,text) is 'The subscription of a user, else plan, anchor and zone of the one that a first call would make, also for quota.newcomer(); a null user has the anonymous plan. No plan: there is none. QT002: unknown service, QT001: unknown user.';

CREATE OR REPLACE FUNCTION quota.subscriptions_after_insert()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  services text[];
begin
  if current_setting('quota.counting', true) = 'on' then
    return null; -- Whoever makes these subscriptions counts their calls, once all locks are held.
  end if;
  -- Calls that were logged before there was a plan count from here on.
  select array_agg(s.user_id), array_agg(s.service) into users, services
  from subscribed s
  where exists (select 1 from quota.call_logs l where l.user_id = s.user_id and l.service = s.service);
  if users is not null then
    perform quota.refresh_quotas(users, services);
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.subscriptions_after_update()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  users uuid[];
  services text[];
  recut quota.usage_quotas[];
begin
  -- Resets and limit marks update subscriptions by the hundred thousand; only changed terms reopen quotas.
  -- Two sets are compared, not joined: that costs half.
  select array_agg(c.user_id), array_agg(c.service) into users, services
  from (
    select s.user_id, s.service, s.plan, s.anchor_local, s.timezone from subscribed s
    except
    select r.user_id, r.service, r.plan, r.anchor_local, r.timezone from replaced r
  ) c;
  if users is null then
    return null;
  end if;
  insert into quota.former_plans (user_id, service, until, plan)
  select r.user_id, r.service, quota.now(), r.plan
  from subscribed s join replaced r using (user_id, service)
  where s.plan <> r.plan
  on conflict do nothing; -- Two changes at one instant: the first tells what was before.
  -- The running periods of those whose plan stayed and whose time is cut anew.
  select array_agg(q) into recut
  from subscribed s
  join replaced r using (user_id, service)
  join quota.meters m on m.service = s.service
  join quota.usage_quotas q on q.user_id = s.user_id and q.meter = m.key and not q.superseded
    and quota.contains(q, quota.now())
  where s.plan = r.plan and (s.anchor_local, s.timezone) is distinct from (r.anchor_local, r.timezone);
  perform quota.refresh_quotas(users, services);
  if recut is not null then
    perform quota.carry_usage(recut);
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION quota.subscriptions_before_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
declare
  told record;
begin
  -- One look at all that it takes: many are written at once, and to start a look costs more than to find.
  select p.service, p.timezone as plan_zone, u.timezone, u.created_at, (
      -- A subscription made anew remembers the resets of the one before it: no period is reset twice.
      select max(a.period_end) from quota.audit_log a
      where tg_op = 'INSERT' and new.last_reset_at is null
        and a.user_id = new.user_id and a.service = new.service and a.action = 'subscription.reset')
      as last_reset_at
  into told
  from quota.plans p left join quota.users u on u.id = new.user_id
  where p.key = new.plan;
  if told.service is distinct from new.service then
    raise exception 'plan "%" is not a plan of the service "%"', quota.shown(new.plan),
      quota.shown(new.service)
      using errcode = '23514';
  end if;
  if new.timezone is null or new.anchor_local is null then
    new.timezone := coalesce(new.timezone, told.plan_zone, told.timezone);
    new.anchor_local := coalesce(
      new.anchor_local, quota.moved_anchor(null, null, new.timezone, told.created_at),
        told.created_at at time zone 'UTC');
  end if;
  new.last_reset_at := coalesce(new.last_reset_at, told.last_reset_at);
  if new.next_reset_at is null
    or (tg_op = 'UPDATE' and (new.plan, new.anchor_local, new.timezone)
      is distinct from (old.plan, old.anchor_local, old.timezone))
  then
    new.next_reset_at := quota.next_reset(
      new.plan, new.anchor_local, new.timezone, greatest(quota.now(), new.last_reset_at));
    -- A reset that is due stays due: it has periods to close and limits to lift.
    if tg_op = 'UPDATE' and old.next_reset_at <= quota.now() and new.next_reset_at is not null then
      new.next_reset_at := old.next_reset_at;
    end if;
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION quota.summarize_days(p_days date[], p_service text DEFAULT NULL::text)
 RETURNS TABLE(day date, service text, model text, user_id uuid, calls integer, errors integer, seconds numeric, messages bigint, premium_messages bigint, cost numeric, tokens numeric, bytes numeric)
 LANGUAGE sql
 STABLE
AS $function$
  select c.day, c.service, coalesce(c.model, ''), c.user_id, count(*)::integer,
    (count(*) filter (where c.status = 'error'))::integer,
    coalesce(sum(c.duration_seconds), 0),
    coalesce(sum(c.messages), 0)::bigint,
    coalesce(sum(c.premium_messages), 0)::bigint,
    coalesce(sum(c.cost), 0), coalesce(sum(c.tokens), 0), coalesce(sum(c.bytes), 0)
  from quota.calls_of_days(p_days, p_service) c
  group by c.user_id, c.day, c.service, coalesce(c.model, '')
$function$;
comment on function quota.summarize_days(date[],text) is 'Usage per day, service, model and user, from the call logs of these days; calls without a cost at the price of their period.';
grant execute on function quota.summarize_days(date[],text) to quota_finance;
grant execute on function quota.summarize_days(date[],text) to quota_operator;
grant execute on function quota.summarize_days(date[],text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.sums_until(q quota.usage_quotas, at timestamp with time zone)
 RETURNS TABLE(quantity numeric, cost numeric, adjusted numeric, calls integer)
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce(c.quantity, 0) + coalesce(a.quantity, 0), coalesce(c.cost, 0) + coalesce(a.cost, 0),
    coalesce(a.quantity, 0), c.calls
  from (
    select count(*)::integer as calls, sum(v.quantity) as quantity,
      sum(quota.cost_of(v.cost, v.unit, v.quantity, q.unit_price)) as cost
    from (
      select c.cost, m.unit, quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds,
        c.messages, c.file_size_bytes, c.quantities) as quantity
      from quota.meter_terms m
      join quota.call_logs c on c.user_id = q.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
      where m.key = q.meter and q.period_end > m.since and q.period_end <= m.until
        and c.started_at >= q.period_start and c.started_at < least(at, q.period_end)
    ) v
  ) c
  cross join (
    select sum(a.quantity) as quantity, sum(a.cost) as cost from quota.adjustments a
    where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
      and a.created_at <= at
  ) a
$function$;
comment on function quota.sums_until(quota.usage_quotas,timestamp with time zone) is 'What of the usage and the cost of a quota stems from before an instant, corrections of that instant included; negative where more was corrected than was used. Of it what the corrections come to, and how many calls there were.';

CREATE OR REPLACE FUNCTION quota.sync_alerts(quotas quota.usage_quotas[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  told_before quota.told_alert[];
begin
  -- Those that nobody was told of yet go on to be told, of the allowance that is. Those that were told are
  -- over when the allowance was raised: what is still beyond it is told anew.
  with standing as (
    select a.user_id, a.id, q.limit_quantity + q.granted as allowance, q.cost_limit,
      a.threshold = any (quota.reached_by(q)) as is_true, d.status in ('pending', 'failed') as waits,
      d.status = 'past' as is_past, quota.is_raised(
        a.allowance, a.cost_limit, q.limit_quantity + q.granted, q.cost_limit) as is_raised
    from unnest(quotas) q
    join quota.usage_alerts a on a.user_id = q.user_id and a.meter = q.meter
      and a.period_start = q.period_start and a.ended_at is null and a.threshold > 0
    left join quota.alert_deliveries d on d.user_id = a.user_id and d.id = a.id
  ), ended as (
    update quota.usage_alerts a
    set ended_at = case when not s.is_true or not s.waits then quota.now() end,
      allowance = case when s.is_true and s.waits then s.allowance else a.allowance end,
      cost_limit = case when s.is_true and s.waits then s.cost_limit else a.cost_limit end
    from standing s
    where a.user_id = s.user_id and a.id = s.id and (not s.is_true or s.is_raised)
    returning a.*, s.is_true, s.waits, s.is_past
  ), withdrawn as (
    update quota.alert_deliveries d set status = 'withdrawn', settled_at = quota.now()
    from ended e
    where d.user_id = e.user_id and d.id = e.id and e.waits and not e.is_true
  )
  select array_agg((e.user_id, e.meter, e.period_start, e.threshold,
    case when e.is_past then e.crossed_at else quota.now() end, e.is_past)::quota.told_alert)
  into told_before
  from ended e where e.is_true and not e.waits;

  insert into quota.usage_alerts
    (user_id, meter, period_start, threshold, level, percent, crossed_at, allowance, cost_limit)
  select q.user_id, q.meter, q.period_start, c.threshold, quota.alert_level(c.threshold, q.warn_at),
    quota.percent_used(q.used, q.limit_quantity + q.granted, q.cost, q.cost_limit),
    coalesce(b.crossed_at, c.at), q.limit_quantity + q.granted, q.cost_limit
  from unnest(quotas) q
  cross join lateral (
    select array_agg(r) as thresholds from unnest(quota.reached_by(q)) r
    where not exists (
      select from quota.usage_alerts a
      where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
        and a.threshold = r and a.ended_at is null)
  ) missing
  cross join lateral quota.crossings(q, missing.thresholds) c
  left join unnest(told_before) b on b.user_id = q.user_id and b.meter = q.meter
    and b.period_start = q.period_start and b.threshold = c.threshold
  where missing.thresholds is not null
  order by q.user_id, q.meter, q.period_start, c.threshold
  on conflict do nothing;
  update quota.alert_deliveries d set status = 'past'
  from unnest(told_before) b
  join quota.usage_alerts a on a.user_id = b.user_id and a.meter = b.meter
    and a.period_start = b.period_start and a.threshold = b.threshold and a.ended_at is null
  where b.is_past and d.user_id = a.user_id and d.id = a.id;
end $function$;
comment on function quota.sync_alerts(quota.usage_quotas[]) is 'Raises the alerts that quotas of the running period, given as they stand, call for, and ends those that are not so any more: who was not told of these is not told. The caller holds the subscriptions.';

CREATE OR REPLACE FUNCTION quota.take_assistants(p_source integer, p_assistants quota.adopted_assistant[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  taken integer;
  changed integer;
  former text[];
  anew text[];
  found_again uuid[];
begin
  perform quota.bury_row(p_source, a.key, 'take', null,
    case when coalesce(a.provider_assistant_id, '') = '' then 'it has no id at the provider'
      else format('there is no user "%s"', quota.shown(coalesce(a.user_name, ''))) end)
  from unnest(p_assistants) a
  where a.is_there and (coalesce(a.provider_assistant_id, '') = ''
    or not exists (select from quota.users u where u.external_id = a.user_name)
      and quota.was_erased(a.user_name) is not true);
  with given_up as (
    delete from quota.adopt_assistants l using unnest(p_assistants) a
    where l.source = p_source and l.key = a.key
      and (not a.is_there or l.provider_assistant_id is distinct from a.provider_assistant_id)
    returning l.provider_assistant_id
  )
  select array_agg(g.provider_assistant_id) into former from given_up g;
  with linked as (
    insert into quota.adopt_assistants as l (source, key, provider_assistant_id)
    select p_source, a.key, a.provider_assistant_id
    from unnest(p_assistants) a join quota.users u on u.external_id = a.user_name
    where a.is_there and a.provider_assistant_id <> '' and a.key is not null
    on conflict (source, key) do update set provider_assistant_id = excluded.provider_assistant_id
      where l.provider_assistant_id <> excluded.provider_assistant_id
    returning l.provider_assistant_id
  )
  select array_agg(l.provider_assistant_id) into anew from linked l;
  -- Before the others are counted: in the place of one that is given up another may be had.
  if former is not null then
    perform quota.give_up_assistants(former);
  end if;
  insert into quota.assistants (user_id, provider_assistant_id, name)
  select u.id, a.provider_assistant_id, a.name
  from unnest(p_assistants) a join quota.users u on u.external_id = a.user_name
  where a.is_there and a.provider_assistant_id <> ''
    and not exists (select from quota.assistants o where o.provider_assistant_id = a.provider_assistant_id)
  order by u.id, a.provider_assistant_id
  on conflict do nothing;
  get diagnostics taken = row_count;
  -- One that the provider does not know any more stays gone, however often its row is told.
  found_again := array(
    select o.id from quota.assistants o where o.provider_assistant_id = any (anew) and o.state = 'gone');
  update quota.assistants o
  set user_id = u.id, name = coalesce(a.name, o.name),
    state = case when o.id = any (found_again) then 'active' else o.state end
  from unnest(p_assistants) a join quota.users u on u.external_id = a.user_name
  where a.is_there and o.provider_assistant_id = a.provider_assistant_id
    and ((o.user_id, o.name) is distinct from (u.id, coalesce(a.name, o.name)) or o.id = any (found_again));
  get diagnostics changed = row_count;
  taken := taken + changed;
  if found_again <> '{}' then
    perform quota.limit_found(found_again);
  end if;
  return taken;
end $function$;
comment on function quota.take_assistants(integer,quota.adopted_assistant[]) is 'Makes the assistants that rows of an adopted product tell of, or brings them up to date; how many were made or changed.';

CREATE OR REPLACE FUNCTION quota.take_beside(stated text, export integer, taken integer, is_same_cut boolean, shared text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  drop table if exists pg_temp.beside;
  create temp table beside on commit drop as
  select s.export_id, s.line, s.cost, s.day, case when is_same_cut then s.charge
    else quota.project_charge(s.charge, shared) end as part
  from pg_temp.month_sums s where s.export_id in (export, taken) and s.states = stated;
  with parts as (
    select b.day, b.part, sum(b.cost) filter (where b.export_id = export) as cost, sum(b.cost)
      filter (where b.export_id = taken) as taken_cost
    from pg_temp.beside b group by 1, 2 having count(distinct b.export_id) = 2
  ), repeated as (
    delete from pg_temp.month_sums s
    using pg_temp.beside b, parts p
    where s.export_id = b.export_id and s.line = b.line and p.day = b.day and p.part = b.part
      -- Of two that are cut in other ways, the one that states less of a day was saved earlier, or filtered.
      and b.export_id = case when not is_same_cut and p.cost > p.taken_cost + 0.01 then taken else export end
    returning s.export_id, s.line
  )
  insert into pg_temp.repeated_sums select r.export_id, r.line from repeated r;
end $function$;
comment on function quota.take_beside(text,integer,integer,boolean,text[]) is 'Takes the sums of an export beside those of one that is taken: what both state counts once.';

CREATE OR REPLACE FUNCTION quota.take_call_keys(p_calls bigint[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  l quota.call_logs;
  taken record;
begin
  for l in select c.* from quota.call_logs c where c.id = any (p_calls) order by c.id loop
    -- A key of a call that went while the keys were first written down is nobody's.
    select case when k.provider is null then 'import_key' else 'provider_call' end as name,
      case when k.provider is null then format('(import_key)=(%s)', k.key)
        else format('(provider, provider_call_id)=(%s, %s)', k.provider, k.key) end as key
    into taken
    from quota.call_keys k join quota.call_logs c on c.id = k.call_log_id and c.id <> l.id
    where k.provider = l.provider and k.key = l.provider_call_id
        and c.provider = l.provider and c.provider_call_id = l.provider_call_id
      or k.provider is null and k.key = l.import_key and c.import_key = l.import_key
    limit 1;
    if found then
      raise unique_violation using schema = 'quota', table = 'call_logs',
        constraint = 'call_logs_' || taken.name,
        message = format('duplicate key value violates unique constraint "call_logs_%s"', taken.name),
        detail = format('Key %s already exists.', taken.key);
    end if;
    update quota.call_keys k set call_log_id = l.id
    where k.call_log_id <> l.id and (k.provider = l.provider and k.key = l.provider_call_id
      or k.provider is null and k.key = l.import_key);
  end loop;
end $function$;
comment on function quota.take_call_keys(bigint[]) is 'Gives calls the keys that they have and that no other call has. unique_violation: another one has it.';

CREATE OR REPLACE FUNCTION quota.take_calls(p_source integer, p_calls quota.adopted_call[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  source quota.adopt_sources;
  fresh quota.adopted_call[];
  known quota.adopted_call[];
  gone quota.adopted_call[];
  taken integer := 0;
begin
  select * into source from quota.adopt_sources s where s.id = p_source;
  if exists (select from quota.erased_names) then
    p_calls := array(
      select c from unnest(p_calls) c
      where not c.is_there or quota.was_erased(c.user_name) is not true
        or exists (select from quota.users u where u.external_id = c.user_name));
  end if;
  if source.makes_users then
    perform quota.add_adopted_users(p_calls);
  end if;
  select array_agg(c) filter (where c.is_there and l.call_log_id is null),
    array_agg(c) filter (where c.is_there and l.call_log_id is not null),
    array_agg(c) filter (where not c.is_there and source.on_delete = 'remove')
  into fresh, known, gone
  from unnest(p_calls) c
  left join quota.adopt_links l on l.source = p_source and l.key = c.key;
  if known is not null or gone is not null then
    perform quota.hold_adopted(p_source, p_calls);
  end if;
  if fresh is not null then
    taken := quota.insert_adopted(p_source, fresh);
  end if;
  if known is not null then
    taken := taken + quota.update_adopted(p_source, known);
  end if;
  if gone is not null then
    taken := taken + quota.remove_adopted(p_source, gone);
  end if;
  if quota.keeps_mirrors() then
    perform quota.refresh_mirrors(array_agg(distinct g.user_id), g.service)
    from unnest(p_calls) c
    join quota.adopt_links l on l.source = p_source and l.key = c.key
    join quota.call_logs g on g.id = l.call_log_id
    group by g.service;
  end if;
  return taken;
end $function$;
comment on function quota.take_calls(integer,quota.adopted_call[]) is 'Brings call logs to what rows of an adopted product say; how many were made, changed or removed. The same again changes nothing, and nothing is taken of those who were erased. What cannot be taken waits in quota.adopt_dead.';

CREATE OR REPLACE FUNCTION quota.take_jobs(p_source integer, p_jobs quota.adopted_job[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  taken integer;
begin
  perform quota.bury_row(p_source, j.key, 'take', null,
    case when j.started_at is null then 'it does not say when it started'
      else format('there is no user "%s"', quota.shown(coalesce(j.user_name, ''))) end)
  from unnest(p_jobs) j
  where j.is_there and (j.started_at is null
    or not exists (select from quota.users u where u.external_id = j.user_name)
      and quota.was_erased(j.user_name) is not true);
  -- Moved to another user it is another lease.
  delete from quota.concurrent_processing c using unnest(p_jobs) j
  where c.id = quota.adopted_lease(p_source, j.key) and (
    not j.is_there or c.user_id <> all (
      array(select u.id from quota.users u where u.external_id = j.user_name)));
  insert into quota.concurrent_processing as c (user_id, id, service, started_at, expires_at)
  select u.id, quota.adopted_lease(p_source, j.key), j.service, j.started_at, e.at
  from unnest(p_jobs) j
  join quota.users u on u.external_id = j.user_name and u.erased_at is null
  cross join lateral (
    select coalesce(j.expires_at, j.started_at + quota.lease_length(u.id, j.service)) as at) e
  -- One that should have ended holds nobody up.
  where j.is_there and e.at > quota.now()
  order by u.id
  on conflict (user_id, id) do update
    set service = excluded.service, started_at = excluded.started_at, expires_at = excluded.expires_at;
  get diagnostics taken = row_count;
  -- Jobs come and go: the links of those that do not run are not kept.
  delete from quota.adopt_links l using unnest(p_jobs) j
  where l.source = p_source and l.key = j.key and not j.is_there;
  return taken;
end $function$;
comment on function quota.take_jobs(integer,quota.adopted_job[]) is 'Lets jobs that an adopted product runs count among those of their users; how many do.';

CREATE OR REPLACE FUNCTION quota.take_keys(p_source integer, p_keys text[])
 RETURNS text[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  there text[] := '{}';
  taken text[];
  one text;
begin
  begin
    execute format('select quota_adopt.source_%s_take($1)', p_source) into there using p_keys;
    return there;
  exception when lock_not_available or deadlock_detected or query_canceled then
    raise;
  when others then
    if cardinality(p_keys) = 1 then
      perform quota.bury_row(p_source, p_keys[1], 'take', null, sqlerrm);
      return p_keys;
    end if;
  end;
  -- One of them cannot be taken: the others are.
  there := '{}';
  foreach one in array p_keys loop
    taken := quota.take_keys(p_source, array[one]);
    there := there || taken;
  end loop;
  return there;
end $function$;
comment on function quota.take_keys(integer,text[]) is 'Takes rows of an adopted product over as they stand now; the keys of those that are there. One that cannot be taken is buried, and keeps no other back.';

CREATE OR REPLACE FUNCTION quota.take_new_call(p_source integer, p_call quota.adopted_call)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
begin
  if (p_call.is_there and p_call.status in ('active', 'completed', 'error')
    and p_call.started_at <= quota.now() + interval '1 day') is not true
  then
    return false;
  end if;
  -- Making a statement ready costs more than what it does: it is one.
  with who as (
    select u.id as user_id, nextval('quota.call_logs_id_seq') as id
    from quota.users u
    where u.external_id = p_call.user_name and u.erased_at is null
      and not exists (
        select from quota.call_logs o
        where o.provider = p_call.provider and o.provider_call_id = p_call.provider_call_id)
  ), linked as (
    insert into quota.adopt_links (source, key, call_log_id)
    select p_source, p_call.key, w.id from who w
    on conflict do nothing
    returning call_log_id
  )
  insert into quota.call_logs
    (id, user_id, service, provider, provider_call_id, assistant_id, model, status, started_at, ended_at,
     duration_seconds, messages, words_spoken, file_size_bytes, cost, error_message, quantities)
  overriding system value
  select w.id, w.user_id, p_call.service, p_call.provider, p_call.provider_call_id, p_call.assistant_id,
    p_call.model, p_call.status, p_call.started_at, p_call.ended_at, p_call.duration_seconds, p_call.messages,
    p_call.words_spoken, p_call.file_size_bytes, p_call.cost, p_call.error_message, p_call.quantities
  from who w join linked l on l.call_log_id = w.id;
  if not found then
    return false;
  end if;
  if quota.keeps_mirrors() then
    perform quota.refresh_mirrors(array[u.id], p_call.service)
    from quota.users u where u.external_id = p_call.user_name;
  end if;
  return true;
end $function$;
comment on function quota.take_new_call(integer,quota.adopted_call) is 'Counts one call that an adopted product has just written, of a user who is known: what apps do all day. False, and nothing is done: it is for quota.take_calls.';

CREATE OR REPLACE FUNCTION quota.take_openings(p_meter text, p_users text[], p_used numeric[], p_at timestamp with time zone[], p_exhausted_at timestamp with time zone[], p_ours numeric[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  counted_by text := (select m.service from quota.meters m where m.key = p_meter);
  users uuid[];
  taken integer;
begin
  perform quota.refuse_other_users(array[null::uuid]);
  perform set_config('quota.backfill', 'on', true);
  perform quota.add_user(n.name)
  from (select distinct n.name from unnest(p_users) n(name) where n.name <> '' order by n.name) n
  where not exists (select from quota.users u where u.external_id = n.name)
    and not quota.was_erased(n.name);
  users := array(
    select distinct u.id from unnest(p_users) n(name) join quota.users u on u.external_id = n.name
    where u.erased_at is null);
  perform quota.open_running(users, array_fill(counted_by, array[cardinality(users)]));
  insert into quota.adjustments (user_id, meter, period_start, kind, quantity, reason, created_at)
  select q.user_id, q.meter, q.period_start, 'opening', o.used - o.ours,
    'counted by the app, and told by no row of it',
    least(coalesce(o.exhausted_at, quota.now()), quota.now())
  from unnest(p_users, p_used, p_at, p_exhausted_at, p_ours) o(name, used, at, exhausted_at, ours)
  join quota.users u on u.external_id = o.name
  join quota.usage_quotas q on q.user_id = u.id and q.meter = p_meter
    and quota.contains(q, coalesce(o.at, quota.now())) and not q.superseded
  where o.used <> o.ours
  order by q.user_id, q.period_start;
  get diagnostics taken = row_count;
  -- Used up since the app saw it so, and not since the call that would have been the one.
  update quota.usage_quotas q set exhausted_at = o.exhausted_at
  from unnest(p_users, p_at, p_exhausted_at) o(name, at, exhausted_at)
  join quota.users u on u.external_id = o.name
  where q.user_id = u.id and q.meter = p_meter and quota.contains(q, coalesce(o.at, quota.now()))
    and not q.superseded and q.exhausted_at <> o.exhausted_at;
  return taken;
end $function$;
comment on function quota.take_openings(text,text[],numeric[],timestamp with time zone[],timestamp with time zone[],numeric[]) is 'Takes over what an app has counted on a meter and no row of it tells of, as opening balances: adjustments, dated when the app saw it used up where it says so; how many. p_ours: what was counted here at the moment when its counter was read; what came since is counted on both sides.';

CREATE OR REPLACE FUNCTION quota.take_plans(p_users quota.adopted_user[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  unknown text;
  moved record;
  added integer;
begin
  select k into unknown
  from unnest(p_users) u cross join lateral unnest(u.plans) k
  where u.is_there and k is not null and not exists (select from quota.plans p where p.key = k)
  limit 1;
  if found then
    raise exception 'there is no plan "%"', quota.shown(unknown) using errcode = 'QT002';
  end if;
  insert into quota.subscriptions (user_id, service, plan)
  select distinct on (o.id, p.service) o.id, p.service, p.key
  from unnest(p_users) u
  cross join lateral unnest(u.plans) k
  join quota.plans p on p.key = k
  join quota.users o on o.external_id = u.user_name and o.erased_at is null
  where u.is_there
    and not exists (select from quota.subscriptions s where s.user_id = o.id and s.service = p.service)
  order by o.id, p.service, p.key
  on conflict do nothing;
  get diagnostics added = row_count;
  -- Those who came with a plan each, as nearly all of a backfill, are on it.
  if added = (
    select count(*) from unnest(p_users) u cross join lateral unnest(u.plans) k where u.is_there)
  then
    return;
  end if;
  for moved in
    select p.key, array_agg(distinct o.id) as users
    from unnest(p_users) u
    cross join lateral unnest(u.plans) k
    join quota.plans p on p.key = k
    join quota.users o on o.external_id = u.user_name and o.erased_at is null
    join quota.subscriptions s on s.user_id = o.id and s.service = p.service and s.plan <> p.key
    where u.is_there
    group by p.key order by p.key
  loop
    perform quota.change_plan(moved.users, moved.key, 'the app says so');
  end loop;
end $function$;
comment on function quota.take_plans(quota.adopted_user[]) is 'Puts users on the plans that rows of an adopted product name. QT002: there is no such plan.';

CREATE OR REPLACE FUNCTION quota.take_sums()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  e record;
  t record;
begin
  for e in select * from pg_temp.ranked_sums where place > 1 order by states, place loop
    for t in select * from pg_temp.ranked_sums where states = e.states and place < e.place order by place loop
      perform quota.take_beside(e.states, e.export_id, t.export_id, e.grain = t.grain,
        array(select unnest(e.grain) intersect select unnest(t.grain) order by 1));
    end loop;
  end loop;
end $function$;
comment on function quota.take_sums() is 'Takes export after export: what states the same part of the same day as a line that is taken, in the dimensions that both have, is repeated.';

CREATE OR REPLACE FUNCTION quota.take_terms(users uuid[], services text[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update quota.usage_quotas q
  set limit_quantity = t.limit_quantity, cost_limit = t.cost_limit, unit_price = t.unit_price,
    warn_at = t.warn_at, on_exceeded = t.on_exceeded,
    alerted = case when q.warn_at = t.warn_at and not quota.is_raised(
      q.limit_quantity, q.cost_limit, t.limit_quantity, t.cost_limit) then q.alerted end,
    lowered_at = case when quota.is_raised(t.limit_quantity, t.cost_limit, q.limit_quantity, q.cost_limit)
      then quota.now() else q.lowered_at end
  from unnest(users, services) u(user_id, service)
  join quota.meters m on m.service = u.service
  cross join lateral quota.quota_terms(u.user_id, m.key, quota.now(), quota.now()) t
  where q.user_id = t.user_id and q.meter = t.meter and q.period_start = t.period_start
    and q.closed_at is null
$function$;
comment on function quota.take_terms(uuid[],text[]) is 'Gives the running periods of (user, service) pairs the terms of their present plan. For refresh_quotas, which counts and enforces afterwards.';

CREATE OR REPLACE FUNCTION quota.take_terms_ahead(users uuid[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update quota.usage_quotas q
  set limit_quantity = t.limit_quantity, cost_limit = t.cost_limit, unit_price = t.unit_price,
    warn_at = t.warn_at, on_exceeded = t.on_exceeded,
    -- To be looked at: nothing is enforced before it begins.
    alerted = null
  from quota.usage_quotas ahead
  cross join lateral quota.quota_terms(ahead.user_id, ahead.meter, ahead.period_start, ahead.period_start) t
  where ahead.user_id = any (users) and ahead.period_start > quota.now() and not ahead.superseded
    and t.period_start = ahead.period_start
    and q.user_id = ahead.user_id and q.meter = ahead.meter and q.period_start = ahead.period_start
    and (q.limit_quantity, q.cost_limit, q.unit_price, q.warn_at, q.on_exceeded)
      is distinct from (t.limit_quantity, t.cost_limit, t.unit_price, t.warn_at, t.on_exceeded)
$function$;
comment on function quota.take_terms_ahead(uuid[]) is 'Gives the periods of users that were opened before they began the terms that hold now: whatever changes terms changes those of all periods to come.';

CREATE OR REPLACE FUNCTION quota.take_told(p_source integer, p_is_whole boolean)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  keys text[];
begin
  perform quota.refuse_other_users(array[null::uuid]);
  execute format('select array_agg(t.key) from quota_adopt.told_%s t', p_source) into keys;
  perform quota.take_keys(p_source, keys[n:n + 999]) from generate_series(1, cardinality(keys), 1000) n;
  if p_is_whole then
    perform quota.forget_untold(p_source);
  end if;
  perform quota.note_told(p_source);
  execute format('delete from quota_adopt.told_%s', p_source);
  return coalesce(cardinality(keys), 0);
end $function$;
comment on function quota.take_told(integer,boolean) is 'Takes the rows over that were told of a source; how many. p_is_whole: they are all that there are, and what came of others is taken back. The caller has claimed the source.';
grant execute on function quota.take_told(integer,boolean) to quota_operator;

CREATE OR REPLACE FUNCTION quota.take_users(p_source integer, p_users quota.adopted_user[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  added integer;
  told record;
begin
  perform quota.bury_row(p_source, u.key, 'take', null, 'it names no user')
  from unnest(p_users) u where u.is_there and coalesce(u.user_name, '') = '';
  if quota.sees_one_moment() then
    perform quota.hold_subscriptions(array(
      select o.id from unnest(p_users) u join quota.users o on o.external_id = u.user_name));
    perform from quota.users o
    where o.external_id in (select u.user_name from unnest(p_users) u) order by o.id for no key update;
  end if;
  insert into quota.users (id, external_id, email, name, timezone, created_at)
  select case when u.user_name ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
      and u.user_name::uuid <> quota.newcomer() then u.user_name::uuid else gen_random_uuid() end,
    u.user_name, u.email, u.name, coalesce(u.timezone, 'UTC'), coalesce(u.signup_at, quota.now())
  from unnest(p_users) u
  where u.is_there and u.user_name <> ''
    and not exists (select from quota.users o where o.external_id = u.user_name)
    and not quota.was_erased(u.user_name)
  order by u.user_name
  on conflict do nothing;
  get diagnostics added = row_count;
  if added < cardinality(p_users) then
    for told in
      select o.id, u.email, u.name, u.signup_at, u.timezone
      from unnest(p_users) u
      join quota.users o on o.external_id = u.user_name and o.erased_at is null
      where u.is_there
        and (coalesce(u.email, o.email), coalesce(u.name, o.name), coalesce(u.timezone, o.timezone),
            coalesce(u.signup_at, o.created_at))
          is distinct from (o.email, o.name, o.timezone, o.created_at)
      order by o.id
    loop
      added := added + quota.update_person(told.id, told.email, told.name, told.signup_at,
        told.timezone)::integer;
    end loop;
  end if;
  perform quota.take_plans(p_users);
  return added;
end $function$;
comment on function quota.take_users(integer,quota.adopted_user[]) is 'Makes the users that rows of an adopted product tell of, or brings them up to date, and puts them on their plans; how many were made or changed.';

CREATE OR REPLACE FUNCTION quota.take_written(p_source integer, p_calls quota.adopted_call[], p_is_new boolean)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not (p_is_new and cardinality(p_calls) = 1 and quota.take_new_call(p_source, p_calls[1])) then
    perform quota.take_calls(p_source, p_calls);
  end if;
end $function$;
comment on function quota.take_written(integer,quota.adopted_call[],boolean) is 'Takes over calls that an adopted product has just written; p_is_new: it has inserted them.';

CREATE OR REPLACE FUNCTION quota.tell_rows(p_source integer, p_rows jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform quota.refuse_other_users(array[null::uuid]);
  execute format('insert into quota_adopt.told_%1$s
    select t.* from jsonb_populate_recordset(null::quota_adopt.told_%1$s, $1) t', p_source)
  using p_rows;
end $function$;
comment on function quota.tell_rows(integer,jsonb) is 'Puts rows of another database where quota.take_told finds them. The caller has claimed the source.';
grant execute on function quota.tell_rows(integer,jsonb) to quota_operator;

CREATE OR REPLACE FUNCTION quota.template_value(p_value text, q quota.usage_quotas)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select trim_scale(case
      when p_value = 'used' then q.used
      when p_value = 'limit' then q.limit_quantity + q.granted
      when p_value = 'remaining' then r.remaining
      else coalesce(split_part(p_value, ' ', 1)::numeric - r.remaining, 0)
    end)::text
  from (select greatest(q.limit_quantity + q.granted - q.used, 0) as remaining) r
$function$;
comment on function quota.template_value(text,quota.usage_quotas) is 'What a key of the app''s own holds of a quota; null: its limit, of which there is none.';
grant execute on function quota.template_value(text,quota.usage_quotas) to quota_finance;
grant execute on function quota.template_value(text,quota.usage_quotas) to quota_operator;
grant execute on function quota.template_value(text,quota.usage_quotas) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.told_call(told jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  key text := told#>>'{call,id}';
begin
  if jsonb_typeof(told#>'{call,id}') is distinct from 'string' then
    raise exception 'the call has no id: without it a webhook cannot be told from its repetition'
      using errcode = 'QT003';
  end if;
  perform quota.refuse_unfit_name(key, 'the id of a call');
  return key;
end $function$;
comment on function quota.told_call(jsonb) is 'The id of the call that a webhook of VAPI tells of; QT003: it has none.';

CREATE OR REPLACE FUNCTION quota.told_in_unit(p_quantities jsonb, p_service text, p_unit text)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce((p_quantities->>(p_unit || 's'))::numeric, (
    select sum((p_quantities->>m.key)::numeric) from quota.meters m
    where p_quantities is not null and m.service = p_service and m.unit = p_unit
      and m.models is null))
$function$;
comment on function quota.told_in_unit(jsonb,text,text) is 'How much of a unit a call told: as such ("tokens"), else by the meters of its service that count it of all models; null: nothing.';
grant execute on function quota.told_in_unit(jsonb,text,text) to quota_finance;
grant execute on function quota.told_in_unit(jsonb,text,text) to quota_operator;
grant execute on function quota.told_in_unit(jsonb,text,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.told_instant(told jsonb, p_name text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  value text := told->>p_name;
begin
  if value is null then
    return null;
  elsif value !~ ('^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?'
    '(Z|[+-][0-9]{2}:?[0-9]{2})$')
  then
    raise exception '"%" is not an instant of VAPI: "%"', p_name, quota.shown(value) using errcode = 'QT003',
      hint = 'It is one of ISO 8601, like 2026-10-03T13:12:46.005Z.';
  end if;
  return value::timestamptz;
exception
  when datetime_field_overflow or invalid_datetime_format then
    raise exception '"%" is not an instant of VAPI: "%"', p_name, quota.shown(value) using errcode = 'QT003';
end $function$;
comment on function quota.told_instant(jsonb,text) is 'An instant of a webhook, with its zone; null: it is not told. QT003: something else.';

CREATE OR REPLACE FUNCTION quota.told_number(told jsonb, p_name text)
 RETURNS numeric
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
declare
  value text := told->>p_name;
begin
  if value is null then
    return null;
  elsif value !~ '^-?[0-9]{1,15}(\.[0-9]{1,40})?$' then
    raise exception '"%" is not a number of VAPI: "%"', p_name, quota.shown(value) using errcode = 'QT003';
  end if;
  return value::numeric;
end $function$;
comment on function quota.told_number(jsonb,text) is 'A number of a webhook, also as text; null: it is not told. QT003: something else, or one without end.';

CREATE OR REPLACE FUNCTION quota.told_quantities(p_service text, p_quantities jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  wrong record;
begin
  if p_quantities is null or p_quantities = '{}' then
    return null;
  elsif jsonb_typeof(p_quantities) <> 'object' then
    raise exception 'quantities are an object of numbers by unit or meter, like {"tokens": 1200}'
      using errcode = 'QT003';
  end if;
  select * into wrong from quota.wrong_quantity(p_service, p_quantities);
  if not found then
    return quota.rounded_quantities(p_quantities);
  elsif wrong.fault = 'unknown' then
    raise exception 'no meter of % counts "%"', quota.shown(p_service), wrong.name
      using errcode = 'QT003', hint = coalesce('Known are ' || (
        select string_agg(distinct m.unit || 's', ', ') from quota.meters m where m.service = p_service)
        || ', and the names of meters that count neither seconds nor messages.', 'There is no such service.');
  end if;
  raise exception 'the quantity "%" cannot be %', wrong.name, wrong.value
    using errcode = 'QT003', hint = wrong.fault;
end $function$;
comment on function quota.told_quantities(text,jsonb) is 'Quantities as an app tells them, by unit ("tokens") or meter, as they are kept; null: none. Raises QT003 on what no meter of the service counts and on values that cannot be.';

CREATE OR REPLACE FUNCTION quota.told_quantities_of(p_service text, in_seconds boolean, in_messages boolean, p_quantity numeric, p_quantities jsonb)
 RETURNS quota.told_end
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  told quota.told_end;
  unit text;
begin
  told.quantities := p_quantities;
  if in_seconds then
    told.duration_seconds := p_quantity;
  elsif in_messages then
    -- Half a message is refused where all of them are.
    told.messages := case
      when p_quantity = trunc(p_quantity) and p_quantity <= 2147483647 then p_quantity end;
  elsif p_quantity is not null then
    unit := quota.service_unit(p_service) || 's';
    if (p_quantities->unit)::text <> p_quantity::text and (p_quantities->>unit)::numeric <> p_quantity then
      raise exception 'one quantity is told twice, and differs' using errcode = 'QT003';
    end if;
    told.quantities := coalesce(p_quantities, '{}') || jsonb_build_object(unit, p_quantity);
  end if;
  return quota.with_quantities(told, p_service);
end $function$;
comment on function quota.told_quantities_of(text,boolean,boolean,numeric,jsonb) is 'The quantities of a call that is recorded: the one in the unit of its service, and what else is told, where they are kept. QT003 as quota.with_quantities.';

CREATE OR REPLACE FUNCTION quota.told_quantity(l quota.call_logs)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select case u.unit when 'second' then l.duration_seconds when 'message' then l.messages
    else (l.quantities->>(u.unit || 's'))::numeric end
  from quota.service_unit(l.service) u(unit)
$function$;
comment on function quota.told_quantity(quota.call_logs) is 'The quantity of a call in the unit of its service, as it is stored; null: none is told yet.';
grant execute on function quota.told_quantity(quota.call_logs) to quota_finance;
grant execute on function quota.told_quantity(quota.call_logs) to quota_operator;
grant execute on function quota.told_quantity(quota.call_logs) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.touch_session(p_user text, p_key text, p_seconds numeric DEFAULT NULL::numeric, p_provider text DEFAULT NULL::text)
 RETURNS quota.touch_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  owner uuid;
  session quota.call_logs;
  result quota.touch_result;
  answer quota.check_result;
begin
  select u.id into owner from quota.users u where u.external_id = p_user;
  if owner is null or not quota.is_plain_caller() then
    owner := quota.resolve_user(p_user);
  end if;
  perform quota.refuse_impossible(p_seconds, null, null);
  if p_seconds > 604800 then
    raise exception 'a call of % seconds is longer than the 7 days that one call may last',
      quota.shown(p_seconds::text)
      using errcode = 'QT003';
  end if;
  -- As an end does: the call first, then its subscription.
  select * into session from quota.call_logs l where l.id = quota.find_session(owner, p_key, p_provider)
  for no key update;
  if not found then
    raise exception 'unknown session "%"', quota.shown(p_key) using errcode = 'QT003',
      hint = 'A session is known from its start on.';
  end if;
  if session.status = 'active' or quota.is_estimate(session.settled_by) then
    return quota.extend_lease(session, round(p_seconds, 3));
  end if;
  result.running := false;
  result.session_id := session.id;
  result.status := session.status;
  result.progress := quota.told_quantity(session);
  answer := quota.decide(owner, session.service, session.model);
  result.remaining := answer.remaining;
  result.cost := answer.cost;
  result.cost_limit := answer.cost_limit;
  result.is_estimate := false;
  return result;
end $function$;
comment on function quota.touch_session(text,text,numeric,text) is 'The sign of life of a running session, by the app''s key (or our number): what it has used (default on live meters: the time since its start). Extends the lease to expires_at; answers what is left including its own reservation, what it may use in all (cap_seconds), when to end (ends_at, live meters), and with action that it is to end now; cost: what the period has cost before it. A session that was settled at an estimate runs again. running = false: its end is known already.';
grant execute on function quota.touch_session(text,text,numeric,text) to quota_app;
grant execute on function quota.touch_session(text,text,numeric,text) to quota_operator;

CREATE OR REPLACE FUNCTION quota.units_priced(unit text)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case unit when 'second' then 60 when 'token' then 1000000 when 'byte' then 1073741824 else 1 end
$function$;
comment on function quota.units_priced(text) is 'How many of a unit the price of a plan is for: prices are per minute, per million tokens, per GB, else per one. Inlined.';
grant execute on function quota.units_priced(text) to quota_finance;
grant execute on function quota.units_priced(text) to quota_operator;
grant execute on function quota.units_priced(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.update_adopted(p_source integer, p_calls quota.adopted_call[])
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  changed integer;
begin
  perform quota.bury_row(p_source, (o.call).key, 'take', null, o.fault)
  from quota.owned_calls(p_source, p_calls) o where o.fault is not null;
  if quota.sees_one_moment() then
    perform from unnest(p_calls) c
    join quota.adopt_links l on l.source = p_source and l.key = c.key
    join quota.call_logs g on g.id = l.call_log_id
    order by g.id for no key update of g;
  end if;
  update quota.call_logs c
  set user_id = o.user_id, service = o.service, assistant_id = o.assistant_id, model = o.model,
    status = o.status, started_at = o.started_at, ended_at = o.ended_at,
    duration_seconds = o.duration_seconds, messages = o.messages, words_spoken = o.words_spoken,
    file_size_bytes = o.file_size_bytes, cost = o.cost, error_message = o.error_message,
    quantities = o.quantities, provider = o.provider, provider_call_id = o.provider_call_id
  from (
    select w.user_id, (w.call).* from quota.owned_calls(p_source, p_calls) w where w.fault is null
  ) o
  join quota.adopt_links l on l.source = p_source and l.key = o.key
  -- Who knows better than the app wins: a bill, an operator.
  where c.id = l.call_log_id and coalesce(c.settled_by, '') not in ('bill', 'operator')
    and (c.user_id, c.service, c.assistant_id, c.model, c.status, c.started_at, c.ended_at,
        c.duration_seconds, c.messages, c.words_spoken, c.file_size_bytes, c.cost, c.error_message,
        c.quantities, c.provider, c.provider_call_id)
      is distinct from (o.user_id, o.service, o.assistant_id, o.model, o.status, o.started_at, o.ended_at,
        round(o.duration_seconds, 3), o.messages, o.words_spoken, o.file_size_bytes, o.cost,
        o.error_message, o.quantities, o.provider, o.provider_call_id);
  get diagnostics changed = row_count;
  return changed;
end $function$;
comment on function quota.update_adopted(integer,quota.adopted_call[]) is 'Brings the call logs of linked rows to what the rows say; how many differed. The caller holds the subscriptions.';

CREATE OR REPLACE FUNCTION quota.update_person(p_user uuid, p_email text, p_name text, p_signup_at timestamp with time zone, p_timezone text)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
declare
  former quota.users;
  audit bigint;
begin
  perform quota.hold_subscriptions(array[p_user]);
  select * into former from quota.users u where u.id = p_user for no key update;
  if coalesce(p_email, former.email) is not distinct from former.email
    and coalesce(p_name, former.name) is not distinct from former.name
    and coalesce(p_signup_at, former.created_at) = former.created_at
    and coalesce(p_timezone, former.timezone) = former.timezone
  then
    return false;
  end if;
  if p_timezone <> former.timezone then
    perform quota.change_zones(array[p_user], array[p_timezone]);
  end if;
  if p_signup_at <> former.created_at then
    perform quota.move_signup(p_user, p_signup_at);
  end if;
  update quota.users u set email = coalesce(p_email, u.email), name = coalesce(p_name, u.name)
  where u.id = p_user
    and (coalesce(p_email, u.email), coalesce(p_name, u.name)) is distinct from (u.email, u.name);
  insert into quota.audit_log (action, user_id, before, after)
  values ('user.update', p_user,
    jsonb_build_object('signupAt', former.created_at, 'timezone', former.timezone),
    jsonb_build_object('signupAt', coalesce(p_signup_at, former.created_at), 'timezone',
      coalesce(p_timezone, former.timezone)))
  returning id into audit;
  insert into quota.audit_personal (user_id, audit_id, before, after)
  values (p_user, audit,
    jsonb_build_object('email', former.email, 'name', former.name),
    jsonb_build_object('email', coalesce(p_email, former.email), 'name', coalesce(p_name, former.name)));
  return true;
end $function$;
comment on function quota.update_person(uuid,text,text,timestamp with time zone,text) is 'Changes what is known of a user, with its audit row; null leaves it. False: it is so already.';

CREATE OR REPLACE FUNCTION quota.usage_by_day(p_from date, p_to date, p_service text DEFAULT NULL::text, p_by_model boolean DEFAULT false)
 RETURNS TABLE(day date, service text, plan text, model text, user_id uuid, calls integer, errors integer, seconds numeric, messages bigint, premium_messages bigint, cost numeric, tokens numeric, bytes numeric)
 LANGUAGE sql
 STABLE
AS $function$
  with stale as materialized (select array(select quota.stale_days(p_from, p_to, p_by_model)) as days),
  -- Read by their days: joined as it is, all that was ever rolled up is read to find the plans of one day.
  former as materialized (
    select distinct a.user_id, a.day, a.service, a.plan from quota.usage_analytics a
    where a.day = any (array(select unnest(s.days) from stale s))
  )
  select a.day, a.service, a.plan, a.model, a.user_id, a.calls, a.errors, a.seconds, a.messages,
    a.premium_messages, a.cost, a.tokens, a.bytes
  from quota.usage_analytics a, stale
  where a.day between p_from and p_to and a.day <> all (stale.days)
    and (p_service is null or a.service = p_service)
  union all
  select f.day, f.service, coalesce(a.plan, s.plan, ''), f.model, f.user_id, f.calls, f.errors, f.seconds,
    f.messages, f.premium_messages, f.cost, f.tokens, f.bytes
  from stale
  cross join lateral quota.summarize_days(stale.days, p_service) f
  left join former a on a.user_id = f.user_id and a.day = f.day and a.service = f.service
  left join quota.subscriptions s on s.user_id = f.user_id and s.service = f.service
$function$;
comment on function quota.usage_by_day(date,date,text,boolean) is 'Usage per day, service, plan, model and user: rolled-up days from usage_analytics, all others from their call logs. Days that were rolled up without are one model, and are such others only with p_by_model.';
grant execute on function quota.usage_by_day(date,date,text,boolean) to quota_finance;
grant execute on function quota.usage_by_day(date,date,text,boolean) to quota_operator;
grant execute on function quota.usage_by_day(date,date,text,boolean) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.usage_by_plan(p_from date, p_to date, p_service text DEFAULT NULL::text, p_by_model boolean DEFAULT false)
 RETURNS TABLE(day date, service text, plan text, model text, calls bigint, errors bigint, seconds numeric, messages bigint, premium_messages bigint, cost numeric, tokens numeric, bytes numeric)
 LANGUAGE sql
 STABLE
AS $function$
  with stale as materialized (select array(select quota.stale_days(p_from, p_to, p_by_model)) as days),
  totals as materialized (
    select t.* from quota.analytics_totals t, stale
    where t.day between p_from and p_to and t.day <> all (stale.days)
  ), others as materialized (
    -- Mostly today, and nothing else.
    select min(d.day) as first, max(d.day) as last, array_agg(d.day) as days
    from (
      select g::date as day from generate_series(p_from::timestamp, p_to::timestamp, interval '1 day') g
      except
      select t.day from totals t
    ) d
  )
  select t.day, t.service, t.plan, t.model, t.calls, t.errors, t.seconds, t.messages, t.premium_messages,
    t.cost, t.tokens, t.bytes
  from totals t
  where p_service is null or t.service = p_service
  union all
  select u.day, u.service, u.plan, u.model, sum(u.calls), sum(u.errors), sum(u.seconds),
    sum(u.messages)::bigint, sum(u.premium_messages)::bigint, sum(u.cost), sum(u.tokens), sum(u.bytes)
  from others o
  cross join lateral quota.usage_by_day(o.first, o.last, p_service, p_by_model) u
  where u.day = any (o.days)
  group by u.day, u.service, u.plan, u.model
$function$;
comment on function quota.usage_by_plan(date,date,text,boolean) is 'Usage per day, service, plan and model: as it was added up, else as quota.usage_by_day has it.';
grant execute on function quota.usage_by_plan(date,date,text,boolean) to quota_finance;
grant execute on function quota.usage_by_plan(date,date,text,boolean) to quota_operator;
grant execute on function quota.usage_by_plan(date,date,text,boolean) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.usage_by_trait(p_from date, p_to date, p_trait text, p_service text DEFAULT NULL::text)
 RETURNS TABLE(key text, user_id uuid, calls bigint, errors bigint, seconds numeric, messages bigint, premium_messages bigint, cost numeric, tokens numeric, bytes numeric)
 LANGUAGE sql
 STABLE
AS $function$
  select t.key, c.user_id, count(*), count(*) filter (where c.status = 'error'),
    coalesce(sum(c.duration_seconds), 0), coalesce(sum(c.messages), 0)::bigint,
    coalesce(sum(c.premium_messages), 0)::bigint, coalesce(sum(c.cost), 0), coalesce(sum(c.tokens), 0),
    coalesce(sum(c.bytes), 0)
  from quota.calls_of_days(
    array(select p_from + n from generate_series(0, p_to - p_from) n), p_service) c
  cross join lateral (
    select coalesce(
      case p_trait
        when 'assistant' then c.assistant_id
        when 'hour' then to_char(c.started_at at time zone 'UTC', 'HH24') end, '') as key) t
  group by t.key, c.user_id
$function$;
comment on function quota.usage_by_trait(date,date,text,text) is 'Usage per user and "assistant" or "hour" (00 to 23, UTC) of its calls, both days included; the key is empty where a call tells none. From the call logs alone: roll-ups do not keep these.';
grant execute on function quota.usage_by_trait(date,date,text,text) to quota_finance;
grant execute on function quota.usage_by_trait(date,date,text,text) to quota_operator;
grant execute on function quota.usage_by_trait(date,date,text,text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.usage_from_facts(users uuid[] DEFAULT NULL::uuid[])
 RETURNS TABLE(user_id uuid, meter text, period_start timestamp with time zone, used numeric, adjusted numeric, cost numeric, calls integer)
 LANGUAGE sql
 STABLE
 SET enable_nestloop TO 'off'
AS $function$
  select q.user_id, q.meter, q.period_start, coalesce(l.used, 0) + coalesce(a.quantity, 0),
    coalesce(a.quantity, 0),
    coalesce(l.cost, 0) + coalesce(a.cost, 0), coalesce(l.calls, 0)
  from quota.usage_quotas q
  left join (
    select c.user_id, c.meter, c.period_start, count(*)::integer as calls, sum(c.quantity) as used,
      sum(quota.cost_of(c.cost, c.unit, c.quantity, c.unit_price)) as cost
    from (
      select q.user_id, q.meter, q.period_start, q.unit_price, c.cost, m.unit, quota.quantity_of(
        m.unit, m.measure, c.status, c.duration_seconds, c.messages, c.file_size_bytes, c.quantities)
        as quantity
      from quota.usage_quotas q
      join quota.meter_terms m on m.key = q.meter and q.period_end > m.since and q.period_end <= m.until
      join quota.call_logs c on c.user_id = q.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
        and c.started_at >= q.period_start and c.started_at < q.period_end
        and (users is null or c.user_id = any (users))
      where users is null or q.user_id = any (users)
    ) c
    group by c.user_id, c.meter, c.period_start
  ) l using (user_id, meter, period_start)
  left join (
    select user_id, meter, period_start, sum(quantity) as quantity, sum(cost) as cost
    from quota.adjustments where users is null or user_id = any (users)
    group by user_id, meter, period_start
  ) a using (user_id, meter, period_start)
  where users is null or q.user_id = any (users)
$function$;
comment on function quota.usage_from_facts(uuid[]) is 'What each open or closed quota must hold, summed anew from call_logs and adjustments, each as its meter counted its period; all users when null.';
grant execute on function quota.usage_from_facts(uuid[]) to quota_finance;
grant execute on function quota.usage_from_facts(uuid[]) to quota_operator;
grant execute on function quota.usage_from_facts(uuid[]) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.usage_history(p_user text, p_service text DEFAULT NULL::text, p_limit integer DEFAULT 50, p_before bigint DEFAULT NULL::bigint)
 RETURNS TABLE(call_log_id bigint, service text, provider text, key text, assistant_id text, model text, status text, started_at timestamp with time zone, ended_at timestamp with time zone, seconds numeric, messages integer, words integer, cost numeric, error text, metadata jsonb, is_estimate boolean, quantities jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  owner uuid := quota.user_or_newcomer(p_user);
  bound quota.call_logs;
begin
  perform quota.refuse_unknown_service(p_service);
  if p_limit is null or p_limit < 1 or p_limit > 500 then
    raise exception 'a page has 1 to 500 calls, not %', p_limit using errcode = 'QT003';
  end if;
  if p_before is not null then
    select * into bound from quota.call_logs l where l.id = p_before and l.user_id = owner;
    if not found then
      raise exception 'the user has no call %', p_before
        using errcode = 'QT003', hint = 'Give the call_log_id of the last row of the page before.';
    end if;
  end if;
  return query
  select l.id, l.service, l.provider, l.provider_call_id, l.assistant_id, l.model, l.status, l.started_at,
    l.ended_at, l.duration_seconds, l.messages, l.words_spoken, quota.price_of(l), l.error_message,
    l.metadata, coalesce(quota.is_estimate(l.settled_by), false), l.quantities
  from quota.call_logs l
  where l.user_id = owner and (p_service is null or l.service = p_service)
    and (p_before is null or (l.started_at, l.id) < (bound.started_at, bound.id))
  order by l.started_at desc, l.id desc
  limit p_limit;
end $function$;
comment on function quota.usage_history(text,text,integer,bigint) is 'The calls of a user, the newest first, of one service or all; cost as logged, else by the price of the plan. is_estimate: nobody told its end. p_before: the call_log_id of the last row of the page before.';
grant execute on function quota.usage_history(text,text,integer,bigint) to quota_app;
grant execute on function quota.usage_history(text,text,integer,bigint) to quota_finance;
grant execute on function quota.usage_history(text,text,integer,bigint) to quota_operator;
grant execute on function quota.usage_history(text,text,integer,bigint) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.usage_in(opened quota.quota_key[])
 RETURNS quota.usage_delta[]
 LANGUAGE sql
 STABLE
AS $function$
  select array_agg(c.counted)
  from (
    select (q.user_id, q.meter, q.period_start, sum(v.quantity), 0,
      sum(quota.cost_of(v.cost, v.unit, v.quantity, q.unit_price)), count(*))::quota.usage_delta as counted
    from unnest(opened) o
    join quota.usage_quotas q on q.user_id = o.user_id and q.meter = o.meter
      and q.period_start = o.period_start
    join quota.meter_terms m on m.key = q.meter and q.period_end > m.since and q.period_end <= m.until
    cross join lateral (
      select c.cost, m.unit, quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds, c.messages,
        c.file_size_bytes, c.quantities) as quantity
      from quota.call_logs c
      where c.user_id = q.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
        and c.started_at >= q.period_start and c.started_at < q.period_end
    ) v
    group by q.user_id, q.meter, q.period_start
  ) c
$function$;
comment on function quota.usage_in(quota.quota_key[]) is 'What the calls add to quotas that hold nothing yet; null: nothing.';

CREATE OR REPLACE FUNCTION quota.usage_of_month(p_at timestamp with time zone, p_services text[])
 RETURNS TABLE(user_id uuid, service text, seconds numeric, messages numeric, premium_messages numeric, cost numeric, tokens numeric, bytes numeric)
 LANGUAGE sql
 STABLE
AS $function$
  with stale as materialized (
    select array(select quota.stale_days(quota.day_of(p_at) - 29, quota.day_of(p_at))) as days
  )
  select u.user_id, u.service, sum(u.seconds), sum(u.messages), sum(u.premium_messages), sum(u.cost),
    sum(u.tokens), sum(u.bytes)
  from (
    select a.user_id, a.service, a.seconds, a.messages, a.premium_messages, a.cost, a.tokens, a.bytes
    from stale
    join quota.usage_analytics a on a.day between quota.day_of(p_at) - 29 and quota.day_of(p_at)
      and a.day <> all (stale.days)
    where a.service = any (p_services)
    union all
    select f.user_id, f.service, f.seconds, f.messages, f.premium_messages, f.cost, f.tokens, f.bytes
    from stale
    cross join unnest(p_services) s(service)
    cross join lateral quota.summarize_days(stale.days, s.service) f
  ) u
  group by u.user_id, u.service
$function$;
comment on function quota.usage_of_month(timestamp with time zone,text[]) is 'What users used of services in the thirty days until an instant. As quota.usage_by_day has it, without the plans of the time.';
grant execute on function quota.usage_of_month(timestamp with time zone,text[]) to quota_finance;
grant execute on function quota.usage_of_month(timestamp with time zone,text[]) to quota_operator;
grant execute on function quota.usage_of_month(timestamp with time zone,text[]) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.usage_until(q quota.usage_quotas, at timestamp with time zone)
 RETURNS TABLE(quantity numeric, cost numeric)
 LANGUAGE sql
 STABLE
AS $function$ select greatest(s.quantity, 0), greatest(s.cost, 0) from quota.sums_until(q, at) s $function$;
comment on function quota.usage_until(quota.usage_quotas,timestamp with time zone) is 'The same, and never less than nothing.';

CREATE OR REPLACE FUNCTION quota.used_before(q quota.usage_quotas, at timestamp with time zone)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select case when at is null or at >= q.period_end then q.used else least(q.used, coalesce((
      select sum(quota.quantity_of(m.unit, m.measure, c.status, c.duration_seconds, c.messages,
        c.file_size_bytes, c.quantities))
      from quota.meter_terms m
      join quota.call_logs c on c.user_id = q.user_id and c.service = m.service
        and quota.counts_model(m.models, m.patterns, c.model)
      where m.key = q.meter and q.period_end > m.since and q.period_end <= m.until
        and c.started_at >= q.period_start and c.started_at < at), 0) + coalesce((
      select sum(a.quantity) from quota.adjustments a
      where a.user_id = q.user_id and a.meter = q.meter and a.period_start = q.period_start
        and a.created_at < at), 0)) end
$function$;
comment on function quota.used_before(quota.usage_quotas,timestamp with time zone) is 'What of the usage of a quota was there before an instant; what was corrected later does not count.';
grant execute on function quota.used_before(quota.usage_quotas,timestamp with time zone) to quota_finance;
grant execute on function quota.used_before(quota.usage_quotas,timestamp with time zone) to quota_operator;
grant execute on function quota.used_before(quota.usage_quotas,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.used_beyond(q quota.usage_quotas, first timestamp with time zone, last timestamp with time zone)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select case when last <= first then 0 else
    greatest(quota.used_before(q, last) - q.limit_quantity, 0)
    - case when first <= q.period_start then 0
    else greatest(quota.used_before(q, first) - q.limit_quantity, 0) end end
$function$;
comment on function quota.used_beyond(quota.usage_quotas,timestamp with time zone,timestamp with time zone) is 'How much of the usage between two instants of a quota was beyond its limit.';
grant execute on function quota.used_beyond(quota.usage_quotas,timestamp with time zone,timestamp with time zone) to quota_finance;
grant execute on function quota.used_beyond(quota.usage_quotas,timestamp with time zone,timestamp with time zone) to quota_operator;
grant execute on function quota.used_beyond(quota.usage_quotas,timestamp with time zone,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.user_or_new(p_user text)
 RETURNS uuid
 LANGUAGE plpgsql
AS $function$
declare
  found_id uuid := quota.user_or_newcomer(p_user);
begin
  if found_id = quota.newcomer() then
    found_id := quota.add_user(p_user);
  end if;
  if found_id is null then
    found_id := quota.resolve_user(p_user);
  end if;
  return found_id;
end $function$;
comment on function quota.user_or_new(text) is 'The id of a user named by external id or id; one whom nobody has told of is made, with this moment as signup.';

CREATE OR REPLACE FUNCTION quota.user_or_newcomer(p_user text)
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  found_id uuid := quota.find_user(p_user);
begin
  if found_id is not null then
    perform quota.refuse_other_user(found_id);
    return found_id;
  end if;
  perform quota.refuse_other_name(p_user);
  if p_user is null or not quota.creates_users() then
    perform quota.refuse_unknown_user(p_user);
  end if;
  perform quota.refuse_unfit_name(p_user);
  perform quota.refuse_moved(p_user);
  return quota.newcomer();
end $function$;
comment on function quota.user_or_newcomer(text) is 'The id of a user named by external id or id; quota.newcomer() for one whom a first call would make.';

CREATE OR REPLACE FUNCTION quota.users_to_examine()
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE
 SET enable_nestloop TO 'off'
 SET work_mem TO '128MB'
AS $function$
declare
  notes record;
  ids uuid[];
  ages integer[];
  times timestamptz[];
  chosen uuid[] := '{}';
  others bigint;
  counted bigint;
begin
  select count(*), sum(n.facts) as facts, max(n.age) as age, min(n.noted_at) as noted_at
  into notes from quota.valid_notes() n;
  if notes.count = 0 then
    return query select u.id from quota.users u;
    return;
  end if;
  -- By the oldest note first: most often that leaves few, or none.
  select array_agg(t.user_id) filter (where t.user_id is not null),
    array_agg(t.age) filter (where t.user_id is not null),
    array_agg(t.at) filter (where t.user_id is not null), coalesce(sum(t.facts), 0)
  into ids, ages, times, counted
  from (
    select t.user_id, min(t.age) as age, max(t.at) as at, sum(t.facts) as facts
    from quota.users_touched(notes.age, notes.noted_at) t group by t.user_id) t;
  if ids is not null then
    chosen := array(
      select n.user_id from unnest(ids, ages, times) t(user_id, age, at)
      join quota.valid_notes() n on n.user_id = t.user_id and (t.age <= n.age or t.at > n.noted_at));
  end if;
  if notes.count < (select count(*) from quota.users) then
    chosen := chosen || array(
      select u.id from quota.users u left join quota.valid_notes() n on n.user_id = u.id
      where n.user_id is null);
  end if;
  return query select unnest(chosen);

  -- What was taken away leaves nothing but a smaller number. All were counted together: that is quick.
  others := notes.facts;
  if chosen <> '{}' then
    others := (select sum(n.facts) from quota.valid_notes() n where n.user_id <> all (chosen));
    counted := counted - (select count(*) from quota.call_logs c where c.user_id = any (chosen))
      - (select count(*) from quota.usage_quotas q where q.user_id = any (chosen))
      - (select count(*) from quota.adjustments a where a.user_id = any (chosen))
      - (select count(*) from quota.grants g where g.user_id = any (chosen))
      - (select count(*) from quota.usage_alerts a where a.user_id = any (chosen));
  end if;
  if others <> counted then
    return query
    select n.user_id from quota.valid_notes() n join quota.facts_of_users() f using (user_id)
    where n.user_id <> all (chosen) and n.facts <> f.facts;
  end if;
end $function$;
comment on function quota.users_to_examine() is 'Whose quotas, grants or alerts may not follow from the facts: everybody of whom something was written or taken away, or began or ended by time alone, since quota.note_examined noted them as right; and whoever it never did.';
grant execute on function quota.users_to_examine() to quota_finance;
grant execute on function quota.users_to_examine() to quota_operator;
grant execute on function quota.users_to_examine() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.users_touched(p_age integer, p_since timestamp with time zone)
 RETURNS TABLE(user_id uuid, age integer, at timestamp with time zone, facts bigint)
 LANGUAGE sql
 STABLE
AS $function$
  with clock as materialized (select quota.now() as at)
  -- A row says which transaction wrote it, whoever that was and whatever triggers were switched off. "age" is
  -- less the later that was; where that is too long ago to tell it is anything, and somebody is examined for
  -- nothing. Nearly all rows are of nobody: they are counted in the same pass, as reading them is what costs.
  select case when age(q.xmin) <= p_age or b.began is not null then q.user_id end, min(age(q.xmin)),
    max(b.began), count(*)
  from quota.usage_quotas q
  cross join clock
  cross join lateral (select case when q.period_start > p_since and q.period_start <= clock.at
    then q.period_start end) b(began)
  group by 1
  union all
  select case when age(c.xmin) <= p_age or b.began is not null then c.user_id end, min(age(c.xmin)),
    max(b.began), count(*)
  from quota.call_logs c
  cross join clock
  cross join lateral (select case when c.started_at > p_since and c.started_at <= clock.at
    then c.started_at end) b(began)
  group by 1
  union all
  select case when age(g.xmin) <= p_age or b.began is not null then g.user_id end, min(age(g.xmin)),
    max(b.began), count(*)
  from quota.grants g
  cross join clock
  cross join lateral (select greatest(
    case when g.created_at > p_since and g.created_at <= clock.at then g.created_at end,
    case when g.expires_at > p_since and g.expires_at <= clock.at then g.expires_at end,
    case when g.revoked_at > p_since and g.revoked_at <= clock.at then g.revoked_at end)) b(began)
  group by 1
  union all
  select case when age(a.xmin) <= p_age then a.user_id end, min(age(a.xmin)), null, count(*)
  from quota.adjustments a group by 1
  union all
  select case when age(a.xmin) <= p_age then a.user_id end, min(age(a.xmin)), null, count(*)
  from quota.usage_alerts a group by 1
  union all
  -- No fact, and not counted.
  select s.user_id, age(s.xmin), null, 0 from quota.subscriptions s where age(s.xmin) <= p_age
$function$;
comment on function quota.users_touched(integer,timestamp with time zone) is 'Of whom something that the doctor examines was written, as many transactions ago as given or fewer; or a period or a call began, or a grant began or ended, since an instant: by time alone, it may be. And how many rows these are of which quota.facts_of_users tells; those of all others as of nobody.';
grant execute on function quota.users_touched(integer,timestamp with time zone) to quota_finance;
grant execute on function quota.users_touched(integer,timestamp with time zone) to quota_operator;
grant execute on function quota.users_touched(integer,timestamp with time zone) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.valid_notes()
 RETURNS TABLE(user_id uuid, facts bigint, age integer, noted_at timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
  -- Of rows that were restored or copied, "noted" is not who wrote them. Half a round of the short numbers of
  -- transactions is as far as they can be told apart.
  select e.user_id, e.facts, age(e.horizon::xid), e.noted_at
  from quota.examined_users e
  where e.xmin = e.noted::xid and e.terms = (select quota.counting_terms())
    and e.noted_at <= (select quota.now())
    and (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - e.horizon::text::bigint
      between 0 and 1000000000
$function$;
comment on function quota.valid_notes() is 'The notes of quota.note_examined that still tell something: how many transactions ago, and when, they were true, and how many rows there were.';
grant execute on function quota.valid_notes() to quota_finance;
grant execute on function quota.valid_notes() to quota_operator;
grant execute on function quota.valid_notes() to quota_readonly;

CREATE OR REPLACE FUNCTION quota.verify_audit()
 RETURNS TABLE(id bigint, first_id bigint, last_id bigint, sealed_at timestamp with time zone, sealed_rows integer, found_rows integer, fault text)
 LANGUAGE sql
 STABLE
AS $function$
  select s.id, s.first_id, s.last_id, s.sealed_at, s.row_count, d.row_count,
    case
      when s.id <> coalesce(s.previous_id, 0) + 1 or s.first_id <> coalesce(s.previous_last_id, 0) + 1
        then 'seal missing before it'
      when d.row_count < s.row_count then 'rows removed'
      when d.row_count > s.row_count then 'rows added'
      when d.digest <> s.digest then 'rows changed, or a seal'
    end
  from (
    select s.*, lag(s.id) over w as previous_id, lag(s.last_id) over w as previous_last_id,
      lag(s.digest) over w as previous_digest
    from quota.audit_seals s window w as (order by s.id)
  ) s
  cross join lateral quota.audit_digest(s.previous_digest, s.first_id, s.last_id) d
  order by s.id
$function$;
comment on function quota.verify_audit() is 'Every seal, recomputed from the rows; fault is null where it holds. A seal that was changed also breaks the one after it.';

CREATE OR REPLACE FUNCTION quota.warm_up()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  caller record;
  its_service text;
begin
  select * into caller from quota.caller();
  if caller.speaks_for = 'nobody' then
    perform quota.refuse_caller(caller.speaks_for);
  elsif caller.speaks_for = 'all' then
    for its_service in select distinct m.service from quota.meters m limit 20 loop
      perform quota.rehearse(its_service);
    end loop;
  end if;
end $function$;
comment on function quota.warm_up() is 'Makes the plans of a new connection, so that its first calls cost what later ones do: for the hook of a pool that opens connections. Nothing is left of it. A connection that speaks for one user alone, or in which nothing can be written, has less to gain: the one is left as it is, the other reads only.';
grant execute on function quota.warm_up() to quota_app;
grant execute on function quota.warm_up() to quota_operator;

CREATE OR REPLACE FUNCTION quota.was_erased(p_name text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select exists (
    select from quota.erased_names e where e.digest = encode(sha256(convert_to(p_name, 'UTF8')), 'hex'))
$function$;
comment on function quota.was_erased(text) is 'Whether somebody of this name was erased: what an adopted product still tells of them is not taken over.';
grant execute on function quota.was_erased(text) to quota_finance;
grant execute on function quota.was_erased(text) to quota_operator;
grant execute on function quota.was_erased(text) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.with_allowance(result quota.record_result, p_user uuid, p_service text, p_model text)
 RETURNS quota.record_result
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  answer quota.check_result := quota.decide(p_user, p_service, p_model,
    p_tells_meters => false);
begin
  result.used := answer.used;
  result."limit" := answer."limit";
  result.remaining := answer.remaining;
  result.state := answer.state;
  result.action := answer.action;
  result.cost := answer.cost;
  result.cost_limit := answer.cost_limit;
  result.runs_out_at := answer.runs_out_at;
  return result;
end $function$;
comment on function quota.with_allowance(quota.record_result,uuid,text,text) is 'The answer to a record or an end with what is left after it.';

CREATE OR REPLACE FUNCTION quota.with_quantities(told quota.told_end, p_service text)
 RETURNS quota.told_end
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  quantities jsonb := quota.told_quantities(p_service, told.quantities);
begin
  if quota.is_told_twice(told.quantities, told.duration_seconds, told.messages) then
    raise exception 'one quantity is told twice, and differs' using errcode = 'QT003',
      hint = 'Seconds and messages are told by their own arguments or among the quantities.';
  end if;
  told.duration_seconds := coalesce(told.duration_seconds, (quantities->>'seconds')::numeric);
  told.messages := coalesce(told.messages, (quantities->>'messages')::integer);
  told.quantities := nullif(quantities - '{seconds,messages}'::text[], '{}');
  return told;
end $function$;
comment on function quota.with_quantities(quota.told_end,text) is 'What is told of a call, its quantities put where they are kept: seconds and messages have columns of their own. QT003: no meter counts one, it cannot be, or it is told twice and differs.';

CREATE OR REPLACE FUNCTION quota.withdraw_alerts(alerts uuid[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  free uuid[];
  withdrawn integer;
begin
  perform quota.refuse_other_users(array(
    select d.user_id from quota.alert_deliveries d where d.id = any (alerts)));
  -- Those that a writer holds are left for later: what it writes may make them true again.
  free := array(
    select d.id from quota.alert_deliveries d
    join quota.meters m on m.key = d.meter
    join quota.subscriptions s on s.user_id = d.user_id and s.service = m.service
    where d.id = any (alerts) order by s.user_id, s.service for no key update of s skip locked);
  with untrue as (
    update quota.alert_deliveries d set status = 'withdrawn', settled_at = quota.now()
    where d.id = any (free) and d.status in ('pending', 'failed')
      and quota.alert_payload(d.user_id, d.id) is null
    returning d.user_id, d.id
  ), ended as (
    update quota.usage_alerts a set ended_at = quota.now()
    from untrue t where a.user_id = t.user_id and a.id = t.id and a.ended_at is null
    returning a.user_id, a.meter, a.period_start
  ), looked_at_again as (
    -- A period that was given up may come back.
    update quota.usage_quotas q set alerted = null
    from ended e
    where q.user_id = e.user_id and q.meter = e.meter and q.period_start = e.period_start
  )
  select count(*) into withdrawn from untrue;
  return withdrawn;
end $function$;
comment on function quota.withdraw_alerts(uuid[]) is 'Withdraws alerts that wait to be told and are not so any more; returns how many.';
grant execute on function quota.withdraw_alerts(uuid[]) to quota_operator;

CREATE OR REPLACE FUNCTION quota.wrong_leases(only_user uuid DEFAULT NULL::uuid)
 RETURNS TABLE(user_id uuid, id uuid, call_log_id bigint, service text, expires_at timestamp with time zone, is_stray boolean, problem text)
 LANGUAGE sql
 STABLE
AS $function$
  select c.user_id, c.id, c.call_log_id, c.service, c.expires_at, p.is_stray, p.problem
  from quota.concurrent_processing c
  left join quota.call_logs l on l.id = c.call_log_id
  cross join lateral (select
    case
      when c.call_log_id is null then case when c.expires_at <= quota.now() then 'its time is over' end
      when l.id is null then 'its call is gone'
      when l.user_id <> c.user_id or l.service <> c.service then 'its call is another''s'
      when l.status <> 'active' then 'its call has ended'
      when exists (
        select from quota.concurrent_processing o
        where o.user_id = c.user_id and o.call_log_id = c.call_log_id and o.id < c.id)
        then 'its call has another lease'
    end) s(stray)
  cross join lateral (select s.stray is not null, coalesce(s.stray, case
      when c.call_log_id is null then null
      when c.started_at <> l.started_at then 'it begins at another time than its call'
      when c.reserved <> greatest(c.cap, c.progress, 0) then 'it reserves something else than it may use'
    end)) p(is_stray, problem)
  where p.problem is not null and (only_user is null or c.user_id = only_user)
  order by c.expires_at
$function$;
comment on function quota.wrong_leases(uuid) is 'Leases that do not follow from their calls, and why. is_stray: it holds a reservation for no running session, and reap-stale takes it away; the others are put right by it.';
grant execute on function quota.wrong_leases(uuid) to quota_finance;
grant execute on function quota.wrong_leases(uuid) to quota_operator;
grant execute on function quota.wrong_leases(uuid) to quota_readonly;

CREATE OR REPLACE FUNCTION quota.wrong_quantity(p_service text, p_quantities jsonb)
 RETURNS TABLE(name text, value text, fault text)
 LANGUAGE sql
 STABLE
AS $function$
  select quota.shown(t.name), quota.shown(t.value::text), t.fault
  from (
    select q.key as name, q.value, case
        when k.name is null then 'unknown'
        when jsonb_typeof(q.value) <> 'number' then 'It is a number.'
        when q.value::numeric < 0 then 'It is none or more.'
        when q.value::numeric > case k.name when 'seconds' then 604800 when 'messages' then 2147483647
          else 999999999999999 end then 'That is more than one call can have.'
        when k.is_whole and q.value::numeric <> trunc(q.value::numeric) then 'It is a whole number.'
        -- As quota.refuse_impossible has it.
        when scale(q.value::numeric) > 40 then 'It has 40 digits after the point at most.'
      end as fault
    from jsonb_each(p_quantities) q
    left join (
      select m.unit || 's' as name, m.unit not in ('second', 'credit') as is_whole
      from quota.meters m where m.service = p_service
      union
      select 'seconds', false from quota.meters m where m.service = p_service and m.credit_seconds is not null
      union
      select m.key, m.unit <> 'credit' from quota.meters m
      where m.service = p_service and m.unit not in ('second', 'message')
    ) k on k.name = q.key
  ) t
  where t.fault is not null
  order by t.fault = 'unknown' desc, t.name limit 1
$function$;
comment on function quota.wrong_quantity(text,jsonb) is 'The first of the quantities of a call, an object, that cannot be, and why; fault "unknown": no meter of the service counts it. No row: all can.';
grant execute on function quota.wrong_quantity(text,jsonb) to quota_finance;
grant execute on function quota.wrong_quantity(text,jsonb) to quota_operator;
grant execute on function quota.wrong_quantity(text,jsonb) to quota_readonly;

-- Views

create view quota.meter_terms with (security_invoker=true) as
 SELECT m.key,
    m.service,
    m.unit,
    m.models,
    m.patterns,
    m.measure,
    COALESCE(m.changed_at, '-infinity'::timestamp with time zone) AS since,
    'infinity'::timestamp with time zone AS until
   FROM quota.meters m
UNION ALL
 SELECT m.key,
    m.service,
    m.unit,
    f.models,
    f.patterns,
    f.measure,
    COALESCE(lag(f.until) OVER (PARTITION BY f.meter ORDER BY f.until), '-infinity'::timestamp with time zone) AS since,
    f.until
   FROM (quota.former_meters f
     JOIN quota.meters m ON ((m.key = f.meter)));
comment on view quota.meter_terms is 'How each meter counts the periods that end after since, up to until; "infinity" belongs to the present terms.';
grant select on table quota.meter_terms to quota_finance;
grant select on table quota.meter_terms to quota_operator;
grant select on table quota.meter_terms to quota_readonly;

create view quota.reconciled_items with (security_invoker=true) as
 SELECT i.reconciliation_id,
    i.log_id,
    i.export_id,
    i.line,
    i.log_month,
    i.day,
    i.model,
    i.kind,
    i.billed,
    i.logged
   FROM quota.reconciliation_items i
UNION ALL
 SELECT m.reconciliation_id,
    u.log_id,
    m.export_id,
    u.line,
    NULL::date AS log_month,
    NULL::date AS day,
    NULL::text AS model,
    'matched'::text AS kind,
    u.billed,
    COALESCE(u.logged, u.billed) AS logged
   FROM (quota.reconciliation_matches m
     CROSS JOIN LATERAL UNNEST(m.lines, m.log_ids, m.billed, m.logged) u(line, log_id, billed, logged));
comment on view quota.reconciled_items is 'The answer, a row for each line and each log. What does not match is in reconciliation_items alone: who asks for other kinds than matched, or for logs without a line, need not look here.';
grant select on table quota.reconciled_items to quota_finance;
grant select on table quota.reconciled_items to quota_operator;
grant select on table quota.reconciled_items to quota_readonly;

create view quota.user_limits with (security_invoker=true) as
 SELECT s.user_id,
    s.service,
    s.plan,
    s.anchor_local,
    s.timezone,
    s.last_reset_at,
    l.meter,
    COALESCE(o.limit_quantity, l.limit_quantity) AS limit_quantity,
    COALESCE(o.cost_limit, l.cost_limit) AS cost_limit,
    l.unit_price,
    l.reset_every,
    l.reset_anchor,
    l.boundary,
    l.warn_at,
    l.on_exceeded
   FROM ((quota.subscriptions s
     JOIN quota.plan_limits l ON ((l.plan = s.plan)))
     LEFT JOIN quota.limit_overrides o ON (((o.user_id = s.user_id) AND (o.plan = s.plan) AND (o.meter = l.meter))));
comment on view quota.user_limits is 'The limits of each user''s plans, with the custom ones in place of the plan''s.';
grant select on table quota.user_limits to quota_finance;
grant select on table quota.user_limits to quota_operator;
grant select on table quota.user_limits to quota_readonly;
