import type pg from 'pg';
import { markUnknownServices } from './call-logs-store.ts';
import type { ImportComparison, PlanStore } from './import-kind.ts';

/** Events of an app: nothing but `quota.record` takes them, one by one. */
export const eventStore: PlanStore = {
  markProblems: markUnknownServices,

  /** There already are calls whose end is known; one that runs, or is an estimate, is completed. */
  async compare(client) {
    const { rows } = await client.query<ImportComparison>(`
      select count(*)::integer as existing, 0 as differing, 0 as unchangeable
      from import_rows r
      join quota.call_logs c on c.provider = r.provider and c.provider_call_id = r.key
      where r.problem is null and r.repeated is not true and c.status <> 'active' and not quota.is_estimate(c.settled_by)`);
    return rows[0] ?? { existing: 0, differing: 0, unchangeable: 0 };
  },

  /** By the words of `quota.record`, which judges each event by itself: a block for each catches what it raises. */
  async foreseeRefusals(client) {
    await client.query(`
      do $$
      declare told record;
      begin
        for told in select number, quantity, cost, started_at from import_rows
          where problem is null and repeated is not true loop
          begin
            perform quota.refuse_impossible(told.quantity, told.cost, told.started_at);
          exception when sqlstate 'QT003' or sqlstate 'QT004' then
            update import_rows set problem = sqlerrm where number = told.number;
          end;
        end loop;
      end $$`);
  },
};

/** The good lines of the staging table, in the order of the file. */
export async function listEvents(client: pg.ClientBase): Promise<number[]> {
  await client.query('create index on import_rows (number)');
  const { rows } = await client.query<{ number: number }>(
    'select number from import_rows where problem is null and repeated is not true order by number',
  );
  return rows.map(({ number }) => number);
}

export interface EventAnswer {
  recorded: boolean;
  differs: boolean;
}

/** Tells one event, in a transaction of its own. @throws a server error of SQLSTATE QT001 to QT006 */
export async function recordEvent(client: pg.ClientBase, number: number): Promise<EventAnswer> {
  const { rows } = await client.query<EventAnswer>(
    `select a.recorded, coalesce(a.differs, false) as differs
     from import_rows r cross join lateral quota.record(
       r.user_external_id, r.service, r.key, r.quantity, p_provider => r.provider, p_model => r.model, p_cost => r.cost,
       p_started_at => r.started_at, p_status => coalesce(r.status, 'completed'), p_assistant_id => r.assistant_id,
       p_file_bytes => r.file_bytes, p_words => r.words, p_error => r.error, p_metadata => r.metadata,
       p_quantities => r.quantities) a
     where r.number = $1`,
    [number],
  );
  return rows[0] ?? { recorded: false, differs: false };
}

/** Keeps why the database did not take an event. */
export async function markRefused(client: pg.ClientBase, number: number, reason: string): Promise<void> {
  await client.query('update import_rows set problem = $2 where number = $1', [number, reason]);
}
