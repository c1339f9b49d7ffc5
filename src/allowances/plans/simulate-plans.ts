import type pg from 'pg';
import { withSnapshot } from '../../db/transaction.ts';
import { usageError } from '../../errors.ts';
import type { PlanDocument } from '../files/plan-document.ts';
import { selectMeters } from '../meters/meter-store.ts';
import { findPlan } from './find-plan.ts';
import { selectPlans, selectTimezones } from './plan-store.ts';
import { readPlans } from './read-plans.ts';
import {
  type SimulatedBlock,
  type SimulatedTotals,
  selectSimulatedBlocks,
  selectSimulatedTotals,
  selectSums,
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
  return withSnapshot(client, async () => {
    const stored = await selectPlans(client, null);
    const { plans: definitions, meters } = readPlans(document, {
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
    const simulation = { definitions, meters, ...request };
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
