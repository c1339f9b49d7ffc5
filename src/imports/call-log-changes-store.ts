import type pg from 'pg';
import type { WorkGroup } from './call-work-store.ts';
import type { ImportComparison } from './import-kind.ts';

/** Staged columns and those of call_logs that they go to. An empty cell says nothing about its column. */
const facts = {
  service: 'service',
  provider_assistant_id: 'assistant_id',
  model: 'model',
  status: 'status',
  started_at: 'started_at',
  ended_at: 'ended_at',
  duration_seconds: 'duration_seconds',
  messages: 'messages',
  words_spoken: 'words_spoken',
  file_size_bytes: 'file_size_bytes',
  cost: 'cost',
  error_message: 'error_message',
  metadata: 'metadata',
  quantities: 'quantities',
};

/** Calls of an erased user have none of these, whatever a file says. */
const isPersonal = (column: string) => column === 'metadata' || column === 'error_message';

/** Whether a line says something else than the call that is there: trusted SQL. */
const differs = (line: string, isOfAnother: string) =>
  [
    isOfAnother,
    ...Object.entries(facts).map(
      ([staged, column]) =>
        `${line}.${staged} is not null and ${line}.${staged} is distinct from c.${column}${isPersonal(column) ? ' and e.id is null' : ''}`,
    ),
  ].join(' or ');

/** Notes which lines are there already, in `import_existing`. */
export async function compareCallLogs(client: pg.ClientBase): Promise<ImportComparison> {
  await client.query('drop table if exists import_existing');
  await client.query(`
    create temp table import_existing as
    select r.number, c.id as log_id, ${differs('r', 'coalesce(u.id <> c.user_id, false)')} as differs
    from import_rows r
    join quota.call_logs c on c.provider = r.provider and c.provider_call_id = r.provider_call_id
    left join quota.users u on u.external_id = r.user_external_id
    left join quota.users e on e.id = c.user_id and e.erased_at is not null
    where r.problem is null and r.repeated is not true
    union all
    select k.number, c.id, false from import_keys k join quota.call_logs c on c.import_key = k.import_key`);
  await client.query('analyze import_existing');
  const { rows } = await client.query<ImportComparison>(`
    select count(*)::integer as existing, count(*) filter (where differs)::integer as differing, 0 as unchangeable
    from import_existing`);
  return rows[0] ?? { existing: 0, differing: 0, unchangeable: 0 };
}

/**
 * Notes which lines of a group, taken for new, somebody else has added meanwhile.
 * @returns how many of them differ
 */
export async function compareGroup(client: pg.ClientBase, { first, last }: WorkGroup): Promise<number> {
  const isOfAnother = 'w.user_external_id is not null and w.user_id <> c.user_id';
  const { rows } = await client.query<{ differing: number }>(
    `with found as (
      update import_work w set log_id = f.log_id, differs = f.differs
      from (
        select w.position, c.id as log_id, ${differs('w', isOfAnother)} as differs
        from import_work w
        join quota.call_logs c on c.provider = w.provider and c.provider_call_id = w.provider_call_id
        left join quota.users e on e.id = c.user_id and e.erased_at is not null
        where w.position between $1 and $2 and w.log_id is null
        union all
        select w.position, c.id, false
        from import_work w join quota.call_logs c on c.import_key = w.import_key
        where w.position between $1 and $2 and w.log_id is null
      ) f
      where w.position = f.position
      returning w.differs
    )
    select count(*) filter (where differs)::integer as differing from found`,
    [first, last],
  );
  return rows[0]?.differing ?? 0;
}

/** What the audit log keeps of a call log: quantities and money as text. */
const snapshot = `jsonb_build_object(
  'userId', c.user_id, 'service', c.service, 'assistantId', c.assistant_id, 'model', c.model, 'status', c.status,
  'startedAt', c.started_at, 'endedAt', c.ended_at, 'durationSeconds', c.duration_seconds::text,
  'messages', c.messages, 'wordsSpoken', c.words_spoken, 'fileSizeBytes', c.file_size_bytes, 'cost', c.cost::text,
  'quantities', c.quantities)`;

/** What goes when its user is erased. */
const personal = `jsonb_build_object('errorMessage', c.error_message, 'metadata', c.metadata)`;

const changed = (part: string, other: string) =>
  `(select jsonb_object_agg(p.key, p.value) from jsonb_each(${part}) p where p.value is distinct from ${other} -> p.key)`;

/** The triggers of call_logs move the usage along. A new end without a duration makes a new duration. */
export async function updateCallLogs(
  client: pg.ClientBase,
  { first, last }: WorkGroup,
  reason: string,
): Promise<number> {
  const settings = Object.entries(facts)
    .filter(([staged]) => staged !== 'duration_seconds')
    .map(([staged, column]) => `${column} = coalesce(r.${staged}, c.${column})`);
  await client.query(
    `create temp table import_changes on commit drop as
    select w.position, c.id, ${snapshot} as before, ${personal} as personal_before
    from import_work w join quota.call_logs c on c.id = w.log_id
    where w.differs and w.position between ${first} and ${last} order by c.id for no key update of c`,
  );
  await client.query(`
    update quota.call_logs c
    set user_id = case when r.user_external_id is null then c.user_id else r.user_id end,
      duration_seconds = case
        when r.duration_seconds is null and r.ended_at is distinct from c.ended_at and r.ended_at is not null then null
        else coalesce(r.duration_seconds, c.duration_seconds)
      end,
      ${settings.join(', ')}
    from import_changes h
    join import_work r on r.position = h.position
    where c.id = h.id`);
  const { rowCount } = await client.query(
    `with changes as materialized (
      select h.id, c.user_id, c.service, c.provider_call_id, h.before, h.personal_before,
        ${snapshot} as after, ${personal} as personal_after, row_number() over (order by h.id) as position
      from import_changes h join quota.call_logs c on c.id = h.id
    ), audited as (
      insert into quota.audit_log (action, user_id, service, subject, reason, before, after)
      select 'call-log.update', c.user_id, c.service, coalesce(c.provider_call_id, c.id::text), $1,
        ${changed('c.before', 'c.after')}, ${changed('c.after', 'c.before')}
      from changes c order by c.id
      returning id, user_id
    ), numbered as (
      select id, user_id, row_number() over (order by id) as position from audited
    ), noted as (
      insert into quota.audit_personal (user_id, audit_id, before, after)
      select n.user_id, n.id, ${changed('c.personal_before', 'c.personal_after')},
        ${changed('c.personal_after', 'c.personal_before')}
      from numbered n join changes c using (position)
      where c.personal_before <> c.personal_after
    )
    select from audited`,
    [reason],
  );
  return rowCount ?? 0;
}
