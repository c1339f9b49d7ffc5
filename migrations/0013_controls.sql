-- A fetched month keeps what the provider counted itself, for as long as it has the export of that fetch.

alter table quota.reconciliation_exports add column control jsonb;
comment on column quota.reconciliation_exports.control is
  'Of calls that were fetched: count and cost by the provider''s own statistics beside what it listed, and whether they agree.';
