import type pg from 'pg';
import { baseOf, type TriedExpression } from '../table-store.ts';

interface PlanRow {
  'QUERY PLAN': { Plan: { 'Node Type': string; Alias?: string } }[];
}

/**
 * Reads an expression over a row as the server does, without running it and without a view, which a login that only
 * reads cannot make. The planner merges a query in another one, unless a value of it is volatile or of several rows.
 * @throws DatabaseError of an expression that the server does not understand
 */
export async function tryReadOnly(
  client: pg.ClientBase,
  relation: string,
  expression: string,
): Promise<TriedExpression> {
  await client.query('savepoint tried');
  try {
    const inner = `select r.tableoid as beside, (${expression}\n) as tried from ${relation} r`;
    const { fields } = await client.query(`${inner} limit 0`);
    const { rows } = await client.query<PlanRow>(
      `explain (verbose, format json) select t.tried from (${inner}) t where t.tried is not null`,
    );
    const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
    const isApart = plan?.['Node Type'] === 'Subquery Scan' && plan.Alias === 't';
    const text = JSON.stringify(plan);
    const returnsSet = isApart && text.includes('"ProjectSet"');
    const isWindow = text.includes('"WindowAgg"');
    const { rows: types } = await client.query<{ type: string; volatile: string[] }>(
      `select format_type(${baseOf('$1')}, $2) as type,
         array(select distinct p.proname::text from pg_proc p where p.provolatile = 'v' and p.proname = any ($3)) as volatile`,
      [
        fields[1]?.dataTypeID,
        fields[1]?.dataTypeModifier,
        isApart ? [...text.matchAll(/\b([a-z_]\w*)\(/g)].map(([, name]) => name) : [],
      ],
    );
    const { type = 'unknown', volatile = [] } = types[0] ?? {};
    const isUnclear = isApart && !returnsSet && !isWindow && volatile.length === 0;
    return { type, volatile: isUnclear ? ['a function over other rows'] : volatile, returnsSet, isWindow };
  } finally {
    await client.query('rollback to savepoint tried');
  }
}
