import type { Knex } from 'knex';
import apps from './sql/0005_apps.sql';

/** The functions that the products call: check, record, sessions, limits and statistics of a user. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('set local check_function_bodies = off');
  await knex.raw(apps.replaceAll('?', '\\?'));
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function quota.calculate_usage_stats, quota.check_concurrent_processing_limit, quota.get_user_plan_limits,
      quota.end_session, quota.start_session, quota.record, quota.refuse_impossible, quota.decide, quota.decide_in_full,
      quota.check(text, text, text, numeric, bigint, text), quota.check(uuid, text, text, numeric, bigint, text),
      quota.refuse_taken_key, quota.refusal_message, quota.allowance_of, quota.remaining_of, quota.reserved_for,
      quota.resolve_user, quota.refuse_other_user, quota.bound_user;
    drop table quota.role_bindings;
    drop type quota.session_result, quota.record_result, quota.check_result, quota.allowance`);
}
