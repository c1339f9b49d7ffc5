import type { ImportComparison, ImportStore } from './import-kind.ts';
import { markUnknownUsers } from './known-users-store.ts';

/** Assistants of users. An import never gives an assistant to another user, nor a name to one of an erased user. */
export const assistantStore: ImportStore = {
  tables: ['quota.assistants'],

  markProblems: markUnknownUsers,

  async compare(client) {
    const { rows } = await client.query<ImportComparison>(`
      with compared as (
        select r.name is not null and r.name is distinct from a.name and u.erased_at is null as changeable,
          r.user_external_id <> u.external_id as unchangeable
        from import_rows r
        join quota.assistants a on a.provider_assistant_id = r.provider_assistant_id
        join quota.users u on u.id = a.user_id
        where r.problem is null and r.repeated is not true
      )
      select count(*)::integer as existing, count(*) filter (where changeable or unchangeable)::integer as differing,
        count(*) filter (where unchangeable)::integer as unchangeable
      from compared`);
    return rows[0] ?? { existing: 0, differing: 0, unchangeable: 0 };
  },

  async insert(client, onConflict) {
    const { rowCount } = await client.query(`
      insert into quota.assistants (user_id, provider_assistant_id, name)
      select u.id, r.provider_assistant_id, r.name
      from import_rows r join quota.users u on u.external_id = r.user_external_id
      where r.problem is null and r.repeated is not true
        and not exists (select from quota.assistants a where a.provider_assistant_id = r.provider_assistant_id)
      order by u.id, r.number
      ${onConflict === 'skip' ? 'on conflict do nothing' : ''}`);
    return { new: rowCount ?? 0 };
  },

  async update(client, reason) {
    const { rows } = await client.query<{ changed: number }>(
      `with changes as materialized (
        select a.id, a.user_id, a.provider_assistant_id, a.name, r.name as new_name
        from import_rows r join quota.assistants a on a.provider_assistant_id = r.provider_assistant_id
        join quota.users u on u.id = a.user_id
        where r.problem is null and r.repeated is not true
          and r.name is not null and r.name is distinct from a.name and u.erased_at is null
        order by a.id for no key update of a
      ), renamed as (
        update quota.assistants a set name = c.new_name from changes c where a.id = c.id
      ), audited as (
        insert into quota.audit_log (action, user_id, subject, reason)
        select 'assistant.update', user_id, provider_assistant_id, $1 from changes order by id
        returning id, user_id, subject
      ), noted as (
        insert into quota.audit_personal (user_id, audit_id, before, after)
        select a.user_id, a.id, jsonb_build_object('name', c.name), jsonb_build_object('name', c.new_name)
        from audited a join changes c on c.provider_assistant_id = a.subject
      )
      select count(*)::integer as changed from changes`,
      [reason],
    );
    return rows[0]?.changed ?? 0;
  },
};
