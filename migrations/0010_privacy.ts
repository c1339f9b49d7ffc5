import type { Knex } from 'knex';
import privacy from './sql/0010_privacy.sql';
import roles from './sql/0010_roles.sql';

/** Erasing a user, roles, and rows that a role bound to one user sees. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('set local check_function_bodies = off');
  for (const sql of [privacy, roles]) {
    await knex.raw(sql.replaceAll('?', '\\?'));
  }
}

/** The roles stay: they belong to the server, and other databases may use them. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    do $$
    declare
      t regclass;
    begin
      for t in select polrelid::regclass from pg_policy p join pg_class c on c.oid = p.polrelid
        where c.relnamespace = 'quota'::regnamespace and p.polname = 'one_user'
      loop
        execute format('drop policy one_user on %s', t);
        execute format('alter table %s disable row level security', t);
      end loop;
    end $$;
    drop trigger assistant_originals_of_nobody on quota.assistant_originals;
    drop function quota.grant_roles, quota.protect_rows, quota.erase_user;
    drop table quota.audit_personal;
    drop function quota.keep_nobody_erased`);
}
