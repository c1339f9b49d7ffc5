drop table quota.discrepancies, quota.reconciliation_items, quota.reconciliation_exports, quota.reconciliations,
  quota.billing_lines, quota.billing_exports, quota.rate_cards, quota.export_mappings;
