import { startVapiSimulator } from '../../fixtures/vapi-simulator/server.ts';
import type { SimulatorOptions, VapiSimulator } from '../../fixtures/vapi-simulator/simulator.ts';
import { runCli } from '../run-cli.ts';
import { type MadeMonth, makeMonth, vapiJson } from './made-month.ts';
import { loadMonth, type MonthDesk, openDesk } from './month-desk.ts';

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

export interface ApiDesk extends MonthDesk {
  vapi: VapiSimulator;
  env: Record<string, string>;
  /** `quota reconcile --month 2026-10 --from-api --json …`; stdout is its answer, or null. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they please
  fetch(...args: string[]): Promise<{ code: number | null; answer: any; stderr: string }>;
}

/** A desk with the logs of a month, and a simulated VAPI with its calls. */
export async function openApiDesk(
  { made, calls }: ReturnType<typeof makeApiMonth>,
  options: SimulatorOptions = {},
): Promise<ApiDesk> {
  const desk = await openDesk();
  await loadMonth(desk, made);
  const vapi = await startVapiSimulator(options);
  vapi.putCalls(calls);
  const env = { DATABASE_URL: desk.url, VAPI_API_KEY: vapi.apiKey, VAPI_BASE_URL: vapi.url };
  return {
    ...desk,
    vapi,
    env,
    async fetch(...args) {
      const line = [...fetchLine, ...args];
      const { code, stdout, stderr } = await runCli(line, { env });
      return { code, answer: stdout === '' ? null : JSON.parse(stdout), stderr };
    },
    async drop() {
      await vapi.stop();
      await desk.drop();
    },
  };
}

export const fetchLine = [
  'reconcile',
  '--month',
  month,
  '--from-api',
  '--rate',
  '200',
  '--json',
  '--as-of',
  asOf,
];

/** What the same calls come to as a file, in a database of their own. */
export async function reconcileFile(made: MadeMonth, file: string) {
  const desk = await openDesk();
  try {
    await loadMonth(desk, made);
    const args = ['reconcile', '--month', month, '--export', file, '--json', '--as-of', asOf];
    const { kinds, totals } = JSON.parse((await desk.run(...args)).stdout);
    return { kinds, totals };
  } finally {
    await desk.drop();
  }
}
