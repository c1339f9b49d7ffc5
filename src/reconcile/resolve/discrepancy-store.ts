import type pg from 'pg';
import { readRows } from '../../db/cursor.ts';
import { isDiscrepancy, type Kind, type Resolution } from '../match/kinds.ts';

/** A line, a log, or a pair of them. Seconds and money are exact decimals, instants ISO 8601 UTC. */
export interface Entry {
  /** Null where nothing differs: there is nothing to resolve. */
  id: string | null;
  kind: Kind;
  externalId: string | null;
  /** External id of who logged the call; of a line without a log, of the owner of its assistant. */
  user: string | null;
  /** External id of whom the assistant of the line belongs to. */
  owner: string | null;
  assistantId: string | null;
  startedAt: string | null;
  billedSeconds: string | null;
  loggedSeconds: string | null;
  billed: string;
  logged: string;
  difference: string;
  /** Of sums of days; the UTC day. */
  day: string | null;
  model: string | null;
  billedQuantity: string | null;
  loggedQuantity: string | null;
  source: string | null;
  line: number | null;
  resolution: Resolution | null;
  resolvedAt: string | null;
  resolvedBy: string | null;
  reason: string | null;
  /** False: resolved, and no longer found by the last run. */
  isCurrent: boolean;
}

export interface EntryFilter {
  reconciliationId: string;
  kinds?: readonly Kind[] | undefined;
  /** Internal id of a user. */
  userId?: string | undefined;
  ids?: readonly string[] | undefined;
  /** Only what nobody has resolved. */
  isOpen?: boolean | undefined;
}

export interface Page {
  limit: number;
  /** Entries after the one with this cursor. */
  after: string | null;
}

interface Query {
  text: string;
  values: unknown[];
}

/** Entries with their cursors, as they come. */
export function streamEntries(
  client: pg.ClientBase,
  filter: EntryFilter,
  page: Page,
): AsyncGenerator<Entry & { cursor: string }> {
  const isExplained = filter.kinds?.every((kind) => !isDiscrepancy(kind)) ?? false;
  const { text, values } = isExplained ? itemsQuery(filter, page) : discrepanciesQuery(filter, page);
  return readRows(client, text, values);
}

/** An instant as ISO 8601 UTC. */
export const utc = (column: string) =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Of discrepancies `d`: the members of an `Entry`. */
export const discrepancyColumns = `d.id, d.kind, d.external_id as "externalId", u.external_id as "user", o.external_id as owner,
      d.assistant_id as "assistantId", ${utc('d.started_at')} as "startedAt", d.billed_seconds as "billedSeconds",
      d.logged_seconds as "loggedSeconds", d.billed, d.logged, d.billed - d.logged as difference, d.day::text as day,
      d.model, d.billed_quantity as "billedQuantity", d.logged_quantity as "loggedQuantity", e.source, d.line,
      d.resolution, ${utc('d.resolved_at')} as "resolvedAt", d.resolved_by as "resolvedBy", d.reason,
      d.is_current as "isCurrent"`;

export const discrepancyJoins = `
    left join quota.users u on u.id = d.user_id
    left join quota.users o on o.id = d.owner_id
    left join quota.billing_exports e on e.id = d.export_id`;

/** In the order of their ids, which are their cursors. */
function discrepanciesQuery(
  { reconciliationId, kinds, userId, ids, isOpen }: EntryFilter,
  { limit, after }: Page,
): Query {
  const text = `
    select ${discrepancyColumns}, d.id::text as cursor
    from quota.discrepancies d ${discrepancyJoins}
    where d.reconciliation_id = $1
      and ($2::text[] is null or d.kind = any ($2)) and ($3::uuid is null or d.user_id = $3 or d.owner_id = $3)
      and ($4::bigint[] is null or d.id = any ($4))
      and (not $5::boolean or (d.resolution is null and d.is_current)) and d.id > $6::bigint
    order by d.id limit $7`;
  return {
    text,
    values: [
      reconciliationId,
      kinds ?? null,
      userId ?? null,
      ids ?? null,
      isOpen ?? false,
      after ?? '0',
      limit,
    ],
  };
}

/**
 * Items of kinds in which nothing differs, in the order of export, line, log, day and model. Their details are
 * those of the logs and lines as they are now.
 */
function itemsQuery({ reconciliationId, kinds, userId }: EntryFilter, { limit, after }: Page): Query {
  const [exportId = '0', line = '0', logId = '0', day = '1970-01-01', ...model] = (after ?? '').split(':');
  const text = `
    with page as (
      select i.*, row(coalesce(i.export_id, 0), coalesce(i.line, 0), coalesce(i.log_id, 0), coalesce(i.day, 'epoch'),
        coalesce(i.model, '')) as place
      from quota.reconciled_items i
      where i.reconciliation_id = $1 and i.kind = any ($2)
        and ($3::uuid is null or exists (select 1 from quota.call_logs g where g.id = i.log_id and g.user_id = $3))
        and (coalesce(i.export_id, 0), coalesce(i.line, 0), coalesce(i.log_id, 0), coalesce(i.day, 'epoch'), coalesce(i.model, ''))
          > ($4::integer, $5::integer, $6::bigint, $7::date, $8::text)
      order by place limit $9
    )
    select null as id, i.kind, coalesce(l.external_id, g.provider_call_id) as "externalId", u.external_id as "user",
      o.external_id as owner, coalesce(l.assistant_id, g.assistant_id) as "assistantId",
      ${utc('coalesce(l.started_at, l.created_at, g.started_at)')} as "startedAt", l.duration_seconds as "billedSeconds",
      g.duration_seconds as "loggedSeconds", i.billed, i.logged, i.billed - i.logged as difference, i.day::text as day,
      i.model, null as "billedQuantity", null as "loggedQuantity", e.source, i.line, null as resolution,
      null as "resolvedAt", null as "resolvedBy", null as reason, true as "isCurrent",
      concat_ws(':', coalesce(i.export_id, 0), coalesce(i.line, 0), coalesce(i.log_id, 0), coalesce(i.day, 'epoch'),
        coalesce(i.model, '')) as cursor
    from page i
    left join quota.billing_lines l on l.export_id = i.export_id and l.line = i.line
    left join quota.billing_exports e on e.id = i.export_id
    left join quota.call_logs g on g.id = i.log_id
    left join quota.users u on u.id = g.user_id
    left join quota.assistants a on a.provider_assistant_id = l.assistant_id
    left join quota.users o on o.id = a.user_id
    order by i.place`;
  const place = after === null ? ['-1', line, logId, day, ''] : [exportId, line, logId, day, model.join(':')];
  return { text, values: [reconciliationId, kinds ?? [], userId ?? null, ...place, limit] };
}
