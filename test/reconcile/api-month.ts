import type { SimulatorOptions } from '../../fixtures/vapi-simulator/simulator.ts';
import type { TestDatabase } from '../database.ts';
import type { Json } from '../desk/commands.ts';
import { type MadeMonth, makeMonth, vapiJson } from './made-month.ts';
import { MonthDesk } from './month-desk.ts';

export const month = '2026-10';
/** After the month, and after every change that VAPI knows of unless a test makes one. */
export const asOf = '2026-11-03T00:00:00Z';

export type ApiCall = { id: string; createdAt: string } & { [field: string]: unknown };

/** So many calls share an instant of creation that pages end in the middle of them. */
const createdEveryMs = 6 * 3_600_000;

/** A made month as VAPI has it: each call once, many of them created at the same instant. */
export function makeApiMonth(seed: number, calls: number): { made: MadeMonth; calls: ApiCall[] } {
  const made = makeMonth(seed, month, { users: 8, calls });
  const byId = new Map<string, ApiCall>();
  for (const line of made.lines) {
    const call = JSON.parse(vapiJson(line)) as ApiCall;
    const createdMs = Math.floor(line.createdMs / createdEveryMs) * createdEveryMs;
    byId.set(call.id, {
      ...call,
      createdAt: new Date(createdMs).toISOString(),
      updatedAt: new Date(createdMs).toISOString(),
      // Another order of members and a transcript that changes must not make another bill.
      messages: [{ role: 'user', message: `about ${call.id}` }],
      costBreakdown: { vapi: 0.05, total: call.cost ?? 0, analysisCostBreakdown: { summary: 0 } },
    });
  }
  return { made, calls: [...byId.values()] };
}

/** What an export of these calls is for the month: those that start in it, or were created in it and never started. */
export const callsOfMonth = (calls: readonly ApiCall[]): ApiCall[] =>
  calls.filter((call) => String(call.startedAt ?? call.createdAt).startsWith(month));

export const fetchLine = ['reconcile', '--month', month, '--from-api', '--rate', '200'];

/** A desk with the logs of a month, and a simulated VAPI with its calls. */
export class ApiDesk extends MonthDesk {
  readonly #month: ReturnType<typeof makeApiMonth>;

  constructor(apiMonth: ReturnType<typeof makeApiMonth>, vapi: SimulatorOptions = {}) {
    super({ asOf, vapi });
    this.#month = apiMonth;
  }

  override async open(model?: TestDatabase): Promise<this> {
    await super.open(model);
    await this.loadMonth(this.#month.made);
    this.vapi.putCalls(this.#month.calls);
    return this;
  }

  /** `quota reconcile --month 2026-10 --from-api …` with its answer, or null. */
  async fetch(...words: string[]): Promise<{ code: number | null; answer: Json; stderr: string }> {
    const { code, data, stderr } = await this.answer(...fetchLine, ...words);
    return { code, answer: data ?? null, stderr };
  }
}

/** What the same calls come to as a file, in a database of their own. */
export async function reconcileFile(made: MadeMonth, file: string) {
  const desk = await new MonthDesk({ asOf }).open();
  try {
    await desk.loadMonth(made);
    const { kinds, totals } = await desk.json(3, 'reconcile', '--month', month, '--export', file);
    return { kinds, totals };
  } finally {
    await desk.close();
  }
}
