drop trigger if exists billing_lines_unchanged on quota.billing_lines;
drop table quota.model_aliases;
alter table quota.export_mappings drop column decimal_sign, drop column currency, drop column fees_without_date;
alter table quota.export_mappings drop constraint export_mappings_date_order_check;
update quota.export_mappings set date_order = null where date_order = 'serial';
alter table quota.export_mappings
  add constraint export_mappings_date_order_check check (date_order in ('mdy', 'dmy', 'ymd'));
alter table quota.billing_exports
  drop column covered_from, drop column covered_until, drop column whole_seconds,
  drop column left_out_lines, drop column left_out_amount, drop column left_out_unknown;
alter table quota.billing_lines drop column charge, drop column invoice_month;
