import type pg from 'pg';
import type { PlacedFigure } from './check-mapping.ts';

/** Takes over what a counter of the app has beyond its rows; of how many users and periods. */
export async function takeOpenings(
  client: pg.ClientBase,
  { meter, relation, where, user, used, at, exhaustedAt }: PlacedFigure,
): Promise<number> {
  const { rows } = await client.query<{ taken: number }>(
    `select quota.take_openings($1, array_agg(f.name), array_agg(f.used), array_agg(f.at), array_agg(f.exhausted_at)) as taken
     from (
       select ${user} as name, (${used})::numeric(20,3) as used, ${at ?? 'null::timestamptz'} as at,
         ${exhaustedAt ?? 'null::timestamptz'} as exhausted_at
       from ${relation} r where ${where === null ? 'true' : `((${where}\n) is true)`}
     ) f
     where f.name <> '' and f.used >= 0
     having count(*) > 0`,
    [meter],
  );
  return rows[0]?.taken ?? 0;
}
