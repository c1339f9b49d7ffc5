/** What goes with a user, each before what points at it. Of `users` the row itself, of the others those of `user_id`. */
export const movedTables = [
  ...['users', 'subscriptions', 'former_plans', 'limit_overrides', 'usage_quotas', 'adjustments', 'grants'],
  ...[
    'usage_alerts',
    'alert_deliveries',
    'assistants',
    'assistant_limits',
    'assistant_originals',
    'call_logs',
  ],
  ...['concurrent_processing', 'usage_analytics', 'cache_outbox'],
] as const;

/** What tells of a user, or of rows of theirs, and stays where it is; with why. */
export const stayingTables: Readonly<Record<string, string>> = {
  audit_log: 'history is sealed where it was written',
  audit_personal: 'beside the history',
  audit_reasons: 'beside the history',
  discrepancies: 'of the months of this database; who has calls in one is not moved',
  reconciliation_items: 'as discrepancies',
  reconciliation_matches: 'as discrepancies',
  logins: 'of the roles of this server; who has one is not moved',
  adopt_links: 'of the tables of a product beside it; who has calls of one is not moved',
  adopt_assistants: 'as adopt_links',
  examined_users: 'what the doctor has seen here: taken away, and seen anew there',
  moved_users: 'who has gone from here',
  arriving_users: 'who is on the way here',
  arriving_rows: 'who is on the way here',
};

/** Which rows are the user's: `id = …` or `user_id = …`. */
export const ownerColumn = (table: string): string => (table === 'users' ? 'id' : 'user_id');
