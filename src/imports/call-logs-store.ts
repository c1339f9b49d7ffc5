import type pg from 'pg';
import { usageError } from '../errors.ts';
import { compareCallLogs } from './call-log-changes-store.ts';
import type { PlanStore } from './import-kind.ts';
import { markUnknownUsers } from './known-users-store.ts';

/**
 * Call logs. `service` is that of lines that name none.
 * @throws usageError later, for a service that there is not
 */
export const createCallLogStore = (service: string): PlanStore => ({
  async prepare(client) {
    const { rows } = await client.query<{ services: string[] }>(
      'select array(select distinct service from quota.meters order by service) as services',
    );
    const services = rows[0]?.services ?? [];
    if (!services.includes(service)) {
      throw usageError(`--service: "${service}" is not a service`, {
        suggestion: `one of ${services.join(', ')}`,
      });
    }
  },

  async markProblems(client) {
    const seen = await lookAtLines(client);
    await (seen.isOfUnknownUsers && markUnknownUsers(client));
    await (seen.isOfUnknownAssistants && markUnknownAssistants(client));
    await (seen.isOfErasedOwners && markErasedOwners(client));
    await (seen.isOfUnknownServices && markUnknownServices(client));
    await (seen.isToCome && markCallsToCome(client));
    await (seen.hasQuantities && markWrongQuantities(client));
  },

  async compare(client) {
    await nameLinesWithoutId(client);
    await placeQuantities(client);
    return compareCallLogs(client);
  },
});

/** What the good lines have that has to be marked; more of them than have to be, maybe, and never fewer. */
interface LinesSeen {
  isOfUnknownUsers: boolean;
  isOfUnknownAssistants: boolean;
  isOfErasedOwners: boolean;
  isOfUnknownServices: boolean;
  isToCome: boolean;
  hasQuantities: boolean;
}

/** Nearly all files are right: one look at all lines costs a quarter of what marking each problem of none costs. */
async function lookAtLines(client: pg.ClientBase): Promise<Partial<LinesSeen>> {
  const { rows } = await client.query<LinesSeen>(`
    select coalesce(bool_or(r.user_external_id is not null and u.id is null), false) as "isOfUnknownUsers",
      coalesce(bool_or(r.provider_assistant_id is not null and a.user_id is null), false) as "isOfUnknownAssistants",
      coalesce(bool_or(r.user_external_id is null and o.erased_at is not null), false) as "isOfErasedOwners",
      coalesce(bool_or(s.service is null), false) as "isOfUnknownServices",
      coalesce(max(r.started_at) > quota.now() + interval '3 hours'
        or max(r.ended_at) > quota.now() + interval '1 day', false) as "isToCome",
      coalesce(bool_or(r.quantities is not null), false) as "hasQuantities"
    from import_rows r
    left join quota.users u on u.external_id = r.user_external_id
    left join quota.assistants a on a.provider_assistant_id = r.provider_assistant_id
    left join quota.users o on r.user_external_id is null and o.id = a.user_id
    left join (select distinct service from quota.meters) s on s.service = r.service
    where r.problem is null`);
  return rows[0] ?? {};
}

/** Other services have avatars, models and the like, which quota does not keep. */
async function markUnknownAssistants(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set problem_column = 'provider_assistant_id',
      problem = format('there is no assistant "%s"', left(r.provider_assistant_id, 60))
    where r.problem is null and (r.service = 'voice' or r.user_external_id is null) and r.provider_assistant_id in (
      select d.assistant_id
      from (select distinct provider_assistant_id as assistant_id from import_rows where problem is null) d
      where not exists (select from quota.assistants a where a.provider_assistant_id = d.assistant_id))`);
}

/** A call that names no user is booked on the owner of its assistant, but never on one who was erased. */
async function markErasedOwners(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set problem_column = 'user_external_id',
      problem = format('is empty, and the user of assistant "%s" was erased: whose call was it?',
        left(r.provider_assistant_id, 60))
    from quota.assistants a join quota.users u on u.id = a.user_id
    where r.problem is null and r.user_external_id is null and u.erased_at is not null
      and a.provider_assistant_id = r.provider_assistant_id`);
}

export async function markUnknownServices(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set problem_column = 'service', problem = format('there is no service "%s"', left(r.service, 60))
    where r.problem is null and r.service in (
      select d.service from (select distinct service from import_rows where problem is null) d
      where not exists (select from quota.meters m where m.service = d.service))`);
}

/**
 * A file of a month that is loaded as of its end has calls of the first hours after it. What lies further ahead is a wrong
 * date, and would count in a period to come.
 */
async function markCallsToCome(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set problem_column = 'started_at',
      problem = format('%s lies in the future', to_char(r.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    where r.problem is null and r.started_at > quota.now() + interval '3 hours'`);
  await client.query(`
    update import_rows r
    set problem_column = 'ended_at',
      problem = format('%s lies in the future', to_char(r.ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    where r.problem is null and r.ended_at > quota.now() + interval '1 day'`);
}

/** What no meter of the service counts, and figures that cannot be. */
async function markWrongQuantities(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set problem_column = 'quantities', problem = case w.fault
      when 'unknown' then format('no meter of %s counts "%s"', r.service, w.name)
      else format('"%s" cannot be %s. %s', w.name, w.value, w.fault) end
    from import_rows o
    cross join lateral quota.wrong_quantity(o.service, o.quantities) w
    where o.number = r.number and r.problem is null and r.quantities is not null`);
  await client.query(`
    update import_rows r
    set problem_column = 'quantities', problem = 'tell seconds or messages that the line has, too, and differ'
    where r.problem is null and quota.is_told_twice(r.quantities, r.duration_seconds, r.messages)`);
}

/**
 * Lines without a call id get one of their content and of their occurrence in the file: the same line twice is
 * two calls, the same file twice is the same calls.
 */
async function nameLinesWithoutId(client: pg.ClientBase): Promise<void> {
  await client.query('drop table if exists import_keys');
  await client.query(`
    create temp table import_keys as
    select k.number, k.content || '#' || row_number() over (partition by k.content order by k.number) as import_key
    from (
      select r.number, encode(sha256(convert_to(jsonb_build_array(
          coalesce(u.id, a.user_id), r.service, r.provider, r.provider_assistant_id, r.model,
          coalesce(r.status, 'completed'), r.started_at, r.ended_at, trim_scale(r.duration_seconds), r.messages,
          r.words_spoken, r.file_size_bytes, trim_scale(r.cost), r.error_message, r.metadata)::text
            || coalesce(r.quantities::text, ''), 'UTF8')),
        'hex') as content
      from import_rows r
      left join quota.users u on u.external_id = r.user_external_id
      left join quota.assistants a on r.user_external_id is null and a.provider_assistant_id = r.provider_assistant_id
      where r.problem is null and r.provider_call_id is null
    ) k`);
  await client.query('analyze import_keys');
}

/** As `quota.with_quantities` keeps them, for what is there is compared with it. After the lines have their names. */
async function placeQuantities(client: pg.ClientBase): Promise<void> {
  await client.query(`
    update import_rows r
    set duration_seconds = coalesce(r.duration_seconds, (r.quantities->>'seconds')::numeric),
      messages = coalesce(r.messages, (r.quantities->>'messages')::integer),
      quantities = nullif(quota.rounded_quantities(r.quantities) - '{seconds,messages}'::text[], '{}')
    where r.problem is null and r.quantities is not null`);
}
