import type { Source } from './mapping.ts';

/**
 * Makes and holds the links of rows that are no calls, until the transaction ends. They are written to, so that a transaction
 * of the app that sees what was there before is refused them, and its rows wait.
 */
export function holdOthers(id: number, kind: Source['kind'], keys: string): string {
  const hold = `insert into quota.adopt_links (source, key)
  select distinct ${id}, k from unnest(${keys}) k where k is not null order by k
  on conflict (source, key) do update set call_log_id = null;`;
  // The key of a user may be the name, which is not kept of who is erased. Others wait for a link that goes, too.
  return kind === 'users'
    ? `${hold}
  delete from quota.adopt_links l where l.source = ${id} and l.key = any (${keys});`
    : hold;
}
