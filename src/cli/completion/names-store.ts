import type pg from 'pg';
import type { NameKind } from './name-kinds.ts';

export interface Name {
  value: string;
  description: string;
}

/** So many are offered: more are of no use to whoever looks at them. */
const namesMax = 50;

/** Behind every text that begins so: for the index, which knows no beginnings. The shell's word is compared anyway. */
const begins = (column: string, start: string, end: string) =>
  `${column} >= ${start} and ${column} <= ${end}`;

const queries: Readonly<Record<NameKind, (start: string, end: string) => string>> = {
  users: (start, end) =>
    `(select u.external_id as value, coalesce(u.name, u.email, '') as description from quota.users u
      where ${begins('u.external_id', start, end)} and u.erased_at is null order by u.external_id limit ${namesMax})
     union all
     (select u.email, u.external_id from quota.users u
      where ${start} <> '' and ${begins('lower(u.email)', `lower(${start})`, `lower(${end})`)} and u.erased_at is null
      order by lower(u.email) limit ${namesMax})`,
  plans: () => `select p.key as value, p.name as description from quota.plans p order by 1`,
  meters: () =>
    `select m.key as value, m.service || ', ' || m.unit as description from quota.meters m order by 1`,
  services: () => `select distinct m.service as value, '' as description from quota.meters m order by 1`,
  months: () =>
    `select to_char(m.month, 'YYYY-MM') as value, coalesce(string_agg(r.provider, ', ' order by r.provider), '') as description
     from (
       select date_trunc('month', quota.now()) - make_interval(months => n) as month from generate_series(0, 12) n
       union select r.month from quota.reconciliations r
     ) m
     left join quota.reconciliations r on r.month = m.month
     group by m.month order by m.month desc limit ${namesMax}`,
  assistants: (start, end) =>
    `select a.provider_assistant_id as value, coalesce(a.name, '') as description from quota.assistants a
     where ${begins('a.provider_assistant_id', start, end)} order by 1 limit ${namesMax}`,
};

/** Names of a kind, those of users and assistants with this beginning. One message; nothing of it stays in the session. */
export async function selectNames(
  client: pg.Client,
  { kind, start, deadlineMs }: { kind: NameKind; start: string; deadlineMs: number },
): Promise<Name[]> {
  const [from, to] = [client.escapeLiteral(start), client.escapeLiteral(`${start}\uffff`)];
  const results = (await client.query(
    `set local statement_timeout = ${deadlineMs}; set local timezone = 'UTC';
     set local search_path = pg_catalog, pg_temp; ${queries[kind](from, to)}`,
  )) as unknown as pg.QueryResult<Name>[];
  return results.at(-1)?.rows ?? [];
}
