/**
 * SQLSTATE codes by name. https://www.postgresql.org/docs/current/errcodes-appendix.html
 * Class QT is raised by the SQL core of quota.
 */
export const sqlstates = {
  insufficient_privilege: '42501',
  undefined_table: '42P01',
  invalid_schema_name: '3F000',
  read_only_sql_transaction: '25006',
  query_canceled: '57014',
  lock_not_available: '55P03',
  foreign_key_violation: '23503',
  unique_violation: '23505',
  check_violation: '23514',
  internal_error: 'XX000',
  serialization_failure: '40001',
  deadlock_detected: '40P01',
} as const;

/** What an error of the server means for the user: its exit and what to do. Others are bugs of quota. */
export interface SqlstateAdvice {
  name: string;
  kind: 'unavailable' | 'tryAgain' | 'configuration' | 'notFound' | 'refused' | 'usage' | 'badInput';
  suggestion?: string;
  /** The server's own hint does not help whoever uses quota. */
  insteadOfHint?: true;
}

/** Where a timeout of the server comes from, and how to be rid of it. */
const wherever = (setting: string) =>
  `it is set in postgresql.conf, for the database or for the role: psql -c '\\drds' lists the last two; alter role … reset ${setting} (or alter database …) takes it away`;

const again = 'run the same command again';
const look = 'look at the database server and run the same command again';

export const sqlstateAdvice: Readonly<Record<string, SqlstateAdvice>> = {
  '08000': { name: 'connection_exception', kind: 'unavailable', suggestion: look },
  '08003': { name: 'connection_does_not_exist', kind: 'unavailable', suggestion: look },
  '08006': { name: 'connection_failure', kind: 'unavailable', suggestion: look },
  '08P01': { name: 'protocol_violation', kind: 'unavailable', suggestion: look },
  '53100': { name: 'disk_full', kind: 'unavailable', suggestion: 'make room on the database server' },
  '53200': { name: 'out_of_memory', kind: 'unavailable', suggestion: look },
  '53300': { name: 'too_many_connections', kind: 'unavailable', suggestion: again },
  '57P01': { name: 'admin_shutdown', kind: 'unavailable', suggestion: look },
  '57P02': { name: 'crash_shutdown', kind: 'unavailable', suggestion: look },
  '57P03': { name: 'cannot_connect_now', kind: 'unavailable', suggestion: again },
  '57P04': { name: 'database_dropped', kind: 'unavailable', suggestion: look },
  '58030': {
    name: 'io_error',
    kind: 'unavailable',
    suggestion: 'look at the disk of the database server and run the same command again',
  },
  XX001: {
    name: 'data_corrupted',
    kind: 'unavailable',
    suggestion: 'its files are damaged: look at the disk of the database server, then restore a backup',
  },
  XX002: {
    name: 'index_corrupted',
    kind: 'unavailable',
    suggestion: 'look at the disk of the database server, then: reindex index …',
  },
  '57P05': { name: 'idle_session_timeout', kind: 'unavailable', suggestion: again },
  '25P03': { name: 'idle_in_transaction_session_timeout', kind: 'unavailable', suggestion: again },
  '40001': { name: 'serialization_failure', kind: 'tryAgain', suggestion: again },
  '40P01': { name: 'deadlock_detected', kind: 'tryAgain', suggestion: again },
  '55P03': { name: 'lock_not_available', kind: 'tryAgain', suggestion: again },
  '57014': { name: 'query_canceled', kind: 'tryAgain', suggestion: again },
  '22023': {
    name: 'invalid_parameter_value',
    kind: 'badInput',
    suggestion: 'a time zone may be stored that this server does not know: quota doctor names whose',
  },
  '22021': { name: 'character_not_in_repertoire', kind: 'badInput', suggestion: 'take the character out' },
  '22P05': { name: 'untranslatable_character', kind: 'badInput', suggestion: 'take the character out' },
  '25P04': {
    name: 'the setting transaction_timeout of the server stopped it',
    kind: 'configuration',
    suggestion: wherever('transaction_timeout'),
  },
  '25006': {
    name: 'read_only_sql_transaction',
    kind: 'configuration',
    suggestion:
      'name the primary server, not a standby: quota config tells what names it; on a primary see default_transaction_read_only of the database and the role',
  },
  '0A000': {
    name: 'feature_not_supported',
    kind: 'configuration',
    suggestion: 'use the owner of the schema quota: docs/roles.md lists what each role may',
    insteadOfHint: true,
  },
  '42501': {
    name: 'insufficient_privilege',
    kind: 'configuration',
    suggestion: 'use a login whose role may do this: docs/roles.md lists what each may',
  },
  QT001: { name: 'quota_unknown_user', kind: 'notFound' },
  QT002: { name: 'quota_unknown_service', kind: 'notFound' },
  QT003: { name: 'quota_impossible_value', kind: 'usage' },
  QT004: { name: 'quota_impossible_time', kind: 'usage' },
  QT005: { name: 'quota_history_kept', kind: 'refused' },
  QT006: { name: 'quota_other_user', kind: 'refused' },
  QT007: { name: 'quota_month_closed', kind: 'refused' },
  QT008: { name: 'quota_too_many_assistants', kind: 'refused' },
  QT009: { name: 'quota_moved_user', kind: 'tryAgain' },
};

/** Of a code that the table does not name, by its class: the first two characters. */
export const classAdvice: Readonly<Record<string, SqlstateAdvice>> = {
  '08': { name: 'connection exception', kind: 'unavailable', suggestion: look },
  '28': {
    name: 'invalid authorization',
    kind: 'configuration',
    suggestion: 'correct the login, or let it in: quota config tells what names it',
  },
  '40': { name: 'transaction rollback', kind: 'tryAgain', suggestion: again },
  '53': { name: 'insufficient resources', kind: 'unavailable', suggestion: look },
  '55': { name: 'object not in the state for it', kind: 'tryAgain', suggestion: again },
  '57': { name: 'operator intervention', kind: 'unavailable', suggestion: look },
  '58': { name: 'system error of the server', kind: 'unavailable', suggestion: look },
};

/** Where one code says several things that want different answers: by the words of the server. */
export const messageAdvice: readonly { code: string; message: RegExp; advice: SqlstateAdvice }[] = [
  {
    code: '57014',
    message: /due to statement timeout/,
    advice: {
      name: 'the setting statement_timeout of the server stopped it',
      kind: 'configuration',
      suggestion: wherever('statement_timeout'),
    },
  },
  {
    code: '42501',
    message: /create temporary tables/,
    advice: {
      name: 'imports and reconcile work with temporary tables',
      kind: 'configuration',
      suggestion: 'let the owner of the database run: grant temporary on database … to ROLE (docs/hosts.md)',
    },
  },
  {
    code: '08P01',
    message: /statement pooling mode/,
    advice: {
      name: 'protocol_violation',
      kind: 'configuration',
      suggestion: 'have the pooler work in session or transaction mode, or connect to the server itself',
    },
  },
];

/** Of a code of class QT that the table does not name. */
export const sqlstateAdviceOfCore: SqlstateAdvice = { name: 'quota_refused', kind: 'badInput' };
