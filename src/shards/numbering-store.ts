import type pg from 'pg';
import { withTransaction } from '../db/transaction.ts';
import { shardsMax } from './shard.ts';

interface IdentityRow {
  table: string;
  column: string;
  increment: string;
  start: string;
  /** The type can hold what `rangeOf` begins with. */
  isWide: boolean;
}

/**
 * Below this lie the ids of a database that was one before it became a shard, which follow no rule: shard 0 goes on from
 * there, and each other begins beyond, so that no id is met again.
 */
const rangeOf = (number: number): bigint => BigInt(number) * 2n ** 40n;

/**
 * Makes the ids of this database those of a shard: from now on each is the shard's number + 1 plus a multiple of 64, so
 * that an id names one row among all shards. Ids that are there stay; those of a database that was one before lie below
 * what other shards than 0 begin with. Made anew by each `db migrate`, for tables that
 * have come since. For the owner of the tables.
 * @returns the columns that were numbered anew
 */
export async function numberIds(client: pg.ClientBase, number: number): Promise<string[]> {
  const { rows } = await client.query<IdentityRow>(
    `select format('quota.%I', c.relname) as table, quote_ident(a.attname) as column,
       s.seqincrement as increment, s.seqstart as start,
       s.seqtypid = 'bigint'::regtype as "isWide"
     from pg_sequence s
     join pg_depend d on d.objid = s.seqrelid and d.classid = 'pg_class'::regclass and d.deptype = 'i'
     join pg_class c on c.oid = d.refobjid and c.relnamespace = 'quota'::regnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid and a.attidentity <> ''
     order by 1`,
  );
  const first = number + 1;
  const wrong = rows.filter(
    ({ increment, start }) =>
      Number(increment) !== shardsMax || Number(start) % shardsMax !== first % shardsMax,
  );
  for (const { table, column, isWide } of wrong) {
    const least = (isWide ? rangeOf(number) : 0n) + BigInt(first);
    // Nothing is written meanwhile: the next id lies beyond all that there are.
    await withTransaction(client, async () => {
      await client.query(`lock table ${table} in share row exclusive mode`);
      const { rows: most } = await client.query<{ next: string }>(
        `select (${least} + ${shardsMax} * ceil(greatest(coalesce(max(${column}), 0) + 1 - ${least}, 0) / ${shardsMax}.0))::bigint as next
         from ${table}`,
      );
      const next = most[0]?.next ?? String(least);
      await client.query(
        `alter table ${table} alter column ${column} set start with ${next} set increment by ${shardsMax} restart with ${next}`,
      );
    });
  }
  return wrong.map(({ table, column }) => `${table}.${column}`);
}
