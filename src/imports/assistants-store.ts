import type pg from 'pg';
import type { ImportComparison, ImportStore } from './import-kind.ts';
import { markUnknownUsers } from './known-users-store.ts';

/** Whether a line says something else than the row of its assistant: an empty cell says nothing. */
const differs = `(u.erased_at is null and (coalesce(r.name, a.name), coalesce(r.gated, a.is_gated), coalesce(r.numbers, a.numbers))
  is distinct from (a.name, a.is_gated, a.numbers))`;

/** Marks staged lines with a number that another assistant answers, of the file or of those that are there. */
async function markTakenNumbers(client: pg.ClientBase): Promise<void> {
  await client.query(`
    with told as (
      select r.number as line, r.provider_assistant_id, n.number
      from import_rows r cross join unnest(r.numbers) n(number)
      where r.problem is null and r.numbers is not null
    ), taken as (
      select distinct on (t.line) t.line, t.number
      from told t
      where exists (
          select from told o
          where o.number = t.number and o.line < t.line and o.provider_assistant_id <> t.provider_assistant_id)
        or exists (
          select from quota.assistants a
          where a.numbers @> array[t.number] and a.numbers <> '{}' and a.state = 'active'
            and a.provider_assistant_id <> t.provider_assistant_id)
      order by t.line, t.number
    )
    update import_rows r
    set problem_column = 'numbers', problem = format('another assistant answers the number "%s"', left(t.number, 60))
    from taken t where r.number = t.line`);
}

/** Assistants of users. An import never gives an assistant to another user, nor a name to one of an erased user. */
export const assistantStore: ImportStore = {
  tables: ['quota.assistants'],

  async markProblems(client) {
    await markUnknownUsers(client);
    await markTakenNumbers(client);
  },

  async compare(client) {
    const { rows } = await client.query<ImportComparison>(`
      with compared as (
        select ${differs} as changeable,
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
      insert into quota.assistants (user_id, provider_assistant_id, name, is_gated, numbers)
      select u.id, r.provider_assistant_id, r.name, coalesce(r.gated, false), coalesce(r.numbers, '{}')
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
        select a.id, a.user_id, a.provider_assistant_id, a.name, a.is_gated, a.numbers,
          coalesce(r.name, a.name) as new_name, coalesce(r.gated, a.is_gated) as new_gated,
          coalesce(r.numbers, a.numbers) as new_numbers
        from import_rows r join quota.assistants a on a.provider_assistant_id = r.provider_assistant_id
        join quota.users u on u.id = a.user_id
        where r.problem is null and r.repeated is not true and ${differs}
        order by a.id for no key update of a
      ), renamed as (
        update quota.assistants a set name = c.new_name, is_gated = c.new_gated, numbers = c.new_numbers
        from changes c where a.id = c.id
      ), audited as (
        insert into quota.audit_log (action, user_id, subject, reason, before, after)
        select 'assistant.update', user_id, provider_assistant_id, $1,
          case when is_gated <> new_gated then jsonb_build_object('gated', is_gated) end,
          case when is_gated <> new_gated then jsonb_build_object('gated', new_gated) end
        from changes order by id
        returning id, user_id, subject
      ), noted as (
        insert into quota.audit_personal (user_id, audit_id, before, after)
        select a.user_id, a.id,
          case when c.name is distinct from c.new_name then jsonb_build_object('name', c.name) else '{}' end
            || case when c.numbers <> c.new_numbers then jsonb_build_object('numbers', c.numbers) else '{}' end,
          case when c.name is distinct from c.new_name then jsonb_build_object('name', c.new_name) else '{}' end
            || case when c.numbers <> c.new_numbers then jsonb_build_object('numbers', c.new_numbers) else '{}' end
        from audited a join changes c on c.provider_assistant_id = a.subject
        where (c.name, c.numbers) is distinct from (c.new_name, c.new_numbers)
      )
      select count(*)::integer as changed from changes`,
      [reason],
    );
    return rows[0]?.changed ?? 0;
  },
};
