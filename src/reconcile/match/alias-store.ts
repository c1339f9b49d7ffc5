import type pg from 'pg';

/** What a bill calls a model, and the model that is meant. */
export interface ModelAlias {
  /** In lower case, letters and digits alone: `claudesonnet35`. */
  alias: string;
  model: string;
  notedAt: string;
  notedBy: string;
}

export async function selectAliases(client: pg.ClientBase): Promise<ModelAlias[]> {
  const { rows } = await client.query<ModelAlias>(
    `select alias, model, to_char(noted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "notedAt", noted_by as "notedBy"
     from quota.model_aliases order by alias`,
  );
  return rows;
}

/** The model for which a name stands so far, and the alias that the name is; null if it is none. */
export async function selectAlias(
  client: pg.ClientBase,
  name: string,
): Promise<{ alias: string; model: string | null }> {
  const { rows } = await client.query<{ alias: string; model: string | null }>(
    `select k.alias, a.model
     from (select quota.model_key($1) as alias) k left join quota.model_aliases a using (alias)`,
    [name],
  );
  return rows[0] ?? { alias: '', model: null };
}

/** Notes for which model an alias stands; null takes it away. */
export async function updateAlias(client: pg.ClientBase, alias: string, model: string | null): Promise<void> {
  await client.query(
    model === null
      ? 'delete from quota.model_aliases where alias = $1 and $2::text is null'
      : `insert into quota.model_aliases (alias, model) values ($1, $2)
         on conflict (alias) do update
         set model = excluded.model, noted_at = quota.now(), noted_by = quota.actor()`,
    [alias, model],
  );
}
