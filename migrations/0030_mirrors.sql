-- Columns of adopted products that follow ours while quota decides.
create table quota.adopt_mirrors (
  id integer primary key generated always as identity,
  product text not null references quota.adopt_products,
  meter text not null,
  service text not null,
  relation text not null,
  failed_at timestamptz,
  error text
);
comment on table quota.adopt_mirrors is 'Tables of adopted products whose columns follow ours; there while quota decides.';
comment on column quota.adopt_mirrors.error is 'What kept it from following, the last time; null: it follows.';
