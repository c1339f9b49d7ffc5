import type pg from 'pg';
import { withTransaction } from '../../db/transaction.ts';
import { usageError } from '../../errors.ts';
import { findPlan } from './find-plan.ts';
import type { PlanDocument } from './plan-document.ts';
import { selectMeters, selectPlans, selectTimezones } from './plan-store.ts';
import { readPlans } from './read-plans.ts';
import {
  type SimulatedBlock,
  type SimulatedTotals,
  selectSimulatedBlocks,
  selectSimulatedTotals,
} from './simulate-store.ts';

export interface SimulationRequest {
  /** ISO 8601 UTC; `to` is exclusive. */
  from: string;
  to: string;
  /** The plan whose users are looked at; null: of each plan its own. */
  usersOf: string | null;
}

export interface SimulationResult {
  from: string;
  to: string;
  plans: string[];
  /** What really was. */
  actual: SimulatedTotals;
  /** What would not have been; the quantities of different meters are in the blocks. */
  avoided: SimulatedTotals;
  blocks: SimulatedBlock[];
}

/**
 * What the plans of a file would have refused in the past. Reads only. Resets by operators and grants are not
 * replayed: they answered the limits that there were.
 * @throws badInputError with every error of the file
 */
export async function simulatePlans(
  client: pg.ClientBase,
  document: PlanDocument,
  request: SimulationRequest,
): Promise<SimulationResult> {
  return withTransaction(client, async () => {
    await client.query('set transaction isolation level repeatable read, read only');
    const stored = await selectPlans(client, null);
    const definitions = readPlans(document, {
      meters: await selectMeters(client),
      timezones: await selectTimezones(client),
      plans: stored.map(({ definition }) => definition),
    });
    if (request.usersOf !== null) {
      const { service } = (await findPlan(client, request.usersOf)).definition;
      if (definitions.length !== 1 || definitions[0]?.service !== service) {
        throw usageError(`--users-of ${request.usersOf} needs a file with one plan of ${service}`);
      }
    }
    const simulation = { definitions, ...request };
    const blocks = await selectSimulatedBlocks(client, simulation);
    const [avoided] = await selectSums(client, blocks);
    return {
      from: request.from,
      to: request.to,
      plans: definitions.map(({ key }) => key),
      actual: await selectSimulatedTotals(client, simulation),
      avoided: avoided ?? { users: 0, calls: 0, cost: '0' },
      blocks,
    };
  });
}

/** Money is added up by the database, which does it exactly. */
async function selectSums(
  client: pg.ClientBase,
  blocks: readonly SimulatedBlock[],
): Promise<SimulatedTotals[]> {
  const { rows } = await client.query<SimulatedTotals>(
    `select count(distinct b.user_name)::integer as users, coalesce(sum(b.calls), 0)::integer as calls,
       trim_scale(coalesce(sum(b.cost), 0))::text as cost
     from unnest($1::text[], $2::integer[], $3::numeric[]) b(user_name, calls, cost)`,
    [
      blocks.map(({ externalId }) => externalId),
      blocks.map(({ calls }) => calls),
      blocks.map(({ cost }) => cost),
    ],
  );
  return rows;
}
