import { query } from './database.ts';

/** Every table and sequence of the schema, by a hash of its content: two alike mean that nothing was changed. */
export async function snapshot(url: string): Promise<Record<string, string>> {
  const relations = await query<{ name: string; kind: string }>(
    url,
    `select relname as name, relkind as kind from pg_class
     where relnamespace = 'quota'::regnamespace and relkind in ('r', 'p', 'S') order by relname`,
  );
  const content = ({ name, kind }: { name: string; kind: string }) =>
    kind === 'S'
      ? `(select last_value || ' ' || is_called from quota.${name})`
      : `(select count(*) || ' ' || coalesce(md5(string_agg(r.text, e'\\n' order by r.text)), '')
          from (select ctid || ' ' || t::text as text from quota.${name} t) r)`;
  const [row] = await query<Record<string, string>>(
    url,
    `select ${relations.map((relation) => `${content(relation)} as "${relation.name}"`).join(', ')}`,
  );
  return row ?? {};
}
