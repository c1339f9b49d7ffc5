import type pg from 'pg';
import { withSnapshot } from '../db/transaction.ts';
import type { PlacedFigure } from './check-mapping.ts';
import type { AppDatabase } from './remote/app-database.ts';
import { countsExpression } from './row-expression.ts';

/** What a counter of the app says of a user and a period, and what is counted here. Exact decimals as text. */
export interface OpeningRow {
  name: string;
  used: string;
  /** ISO 8601; null: the running period. */
  at: string | null;
  exhaustedAt: string | null;
  ours: string;
  /** What the counter has beyond ours. */
  beyond: string;
}

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** What selects the rows of a counter: in another database they are read beforehand, and given as one value. */
export async function countersOf(
  app: AppDatabase,
  { relation, where, user, used, at, exhaustedAt }: Omit<PlacedFigure, 'meter'>,
  parameter: number,
): Promise<{ select: string; values: unknown[] }> {
  const select = `select ${user} as name, (${used})::numeric(20,3) as used, ${at ?? 'null::timestamptz'} as at,
         ${exhaustedAt ?? 'null::timestamptz'} as exhausted_at
       from ${relation} r where ${countsExpression({ where })}`;
  if (app.remote === null) {
    return { select, values: [] };
  }
  const { rows } = await withSnapshot(app.client, () =>
    app.client.query<{ told: string }>(`select coalesce(json_agg(f), '[]')::text as told from (${select}) f`),
  );
  return {
    select: `select t.* from jsonb_to_recordset($${parameter}::jsonb)
       t(name text, used numeric(20,3), at timestamptz, exhausted_at timestamptz)`,
    values: [rows[0]?.told ?? '[]'],
  };
}

/** Every row of a counter; in one statement, so that both sides are of one moment. */
export async function selectOpenings(
  client: pg.ClientBase,
  app: AppDatabase,
  { meter, ...figure }: PlacedFigure,
): Promise<OpeningRow[]> {
  const counters = await countersOf(app, figure, 2);
  const { rows } = await client.query<OpeningRow>(
    `select f.name, f.used::text, ${iso('f.at')} as at, ${iso('f.exhausted_at')} as "exhaustedAt", coalesce(q.used, 0)::text as ours,
       trim_scale(f.used - coalesce(q.used, 0))::text as beyond
     from (
       ${counters.select}
     ) f
     left join quota.users u on u.external_id = f.name
     left join quota.usage_quotas q on q.user_id = u.id and q.meter = $1 and not q.superseded
       and quota.contains(q, coalesce(f.at, quota.now()))
     where f.name <> '' and f.used >= 0`,
    [meter, ...counters.values],
  );
  return rows;
}

/** Takes over what a counter has beyond its rows; of how many users and periods. */
export async function insertOpenings(
  client: pg.ClientBase,
  meter: string,
  rows: readonly OpeningRow[],
): Promise<number> {
  const { rows: answer } = await client.query<{ taken: number }>(
    `select quota.take_openings($1, $2::text[], $3::numeric[], $4::timestamptz[], $5::timestamptz[], $6::numeric[]) as taken`,
    [
      meter,
      rows.map(({ name }) => name),
      rows.map(({ used }) => used),
      rows.map(({ at }) => at),
      rows.map(({ exhaustedAt }) => exhaustedAt),
      rows.map(({ ours }) => ours),
    ],
  );
  return answer[0]?.taken ?? 0;
}
