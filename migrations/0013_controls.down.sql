alter table quota.reconciliation_exports drop column control;
