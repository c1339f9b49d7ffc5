import type pg from 'pg';

/** Tells when the calls of a database have doubled since statistics were taken of them: of a large table there are none to take. */
export class CallGrowth {
  readonly #before: number;
  #known: number;

  /**
   * @param before how many calls there were at first, about
   * @param fewest fewer than these are not worth to be looked at when they double
   */
  constructor(before: number, fewest: number) {
    this.#before = before;
    this.#known = Math.max(before, fewest);
  }

  /** From what the server knows of its calls. */
  static async begin(client: pg.ClientBase, fewest: number): Promise<CallGrowth> {
    return new CallGrowth(await countKnownCalls(client), fewest);
  }

  /** Whether they have doubled, with so many added in all; then it is known how many they are. */
  hasDoubled(added: number): boolean {
    const calls = this.#before + added;
    if (calls < 2 * this.#known) {
      return false;
    }
    this.#known = calls;
    return true;
  }
}

/** About how many calls there were when the server's statistics of them were taken; 0: it has none. */
async function countKnownCalls(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ calls: number }>(
    `select coalesce(sum(greatest(c.reltuples, 0)), 0)::float8 as calls from pg_class c
     where c.relkind = 'r' and (c.oid = 'quota.call_logs'::regclass
       or c.oid in (select i.inhrelid from pg_inherits i where i.inhparent = 'quota.call_logs'::regclass))`,
  );
  return rows[0]?.calls ?? 0;
}
