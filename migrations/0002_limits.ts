import type { Knex } from 'knex';
import limits from './sql/0002_limits.sql';

/** Claims on the provider queue, the history of originals, and finding who is over the allowance but not limited. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(limits.replaceAll('?', '\\?'));
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function quota.give_original, quota.lift_limits, quota.limit_users, quota.queue_unlimited, quota.has_unlimited, quota.enforce_limits, quota.calls_for_limit, quota.limited_state, quota.retry_delay;
    drop table quota.assistant_originals;
    drop index quota.assistant_limits_applied, quota.subscriptions_limited;
    alter table quota.assistant_limits drop column claimed_by, drop column claimed_until, drop column verified_at,
      drop column intents, drop column exact_change;`);
}
