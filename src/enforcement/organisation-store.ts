import type pg from 'pg';

type Queries = Pick<pg.ClientBase, 'query'>;

/** The organisations that assistants were read from. */
export async function selectOrganisations(queries: Queries): Promise<string[]> {
  const { rows } = await queries.query<{ organisation: string }>(
    `select distinct organisation from quota.assistants where organisation is not null order by organisation`,
  );
  return rows.map(({ organisation }) => organisation);
}

/** The provider's ids of assistants that were never read there, the newest first. */
export async function selectNeverRead(queries: Queries, limit: number): Promise<string[]> {
  const { rows } = await queries.query<{ id: string }>(
    `select provider_assistant_id as id from quota.assistants
     where organisation is null and state = 'active' order by created_at desc, id limit $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}

/** Remembers which organisation an assistant was read from. */
export async function noteOrganisation(
  queries: Queries,
  assistantId: string,
  organisation: string,
): Promise<void> {
  await queries.query(
    `update quota.assistants set organisation = $2 where id = $1 and organisation is distinct from $2`,
    [assistantId, organisation],
  );
}
