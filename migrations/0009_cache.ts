import type { Knex } from 'knex';
import cache from './sql/0009_cache.sql';

/** What must be taken out of an app's counter cache. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(cache.replaceAll('?', '\\?'));
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger users_cache_renamed on quota.users;
    drop trigger usage_quotas_cache_inserted on quota.usage_quotas;
    drop trigger usage_quotas_cache_updated on quota.usage_quotas;
    drop function quota.cache_key, quota.outdate_former_name, quota.outdate_cache, quota.keeps_cache;
    drop table quota.cache_outbox, quota.cache_state`);
}
