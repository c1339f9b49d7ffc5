import type { Knex } from 'knex';
import audit from './sql/0007_audit.sql';

/** Seals over the audit log, so that tampering shows. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('set local check_function_bodies = off');
  await knex.raw(audit.replaceAll('?', '\\?'));
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table quota.audit_seals;
    drop function quota.audit_frontier, quota.seal_audit, quota.verify_audit, quota.audit_digest, quota.audit_row_text`);
}
