import type pg from 'pg';
import { withFault } from './faults.ts';
import type { Ground } from './ground.ts';
import { mayBreak, type Step, type Told } from './step.ts';

/** What the server says when it is not the statement that is at fault. */
const isBreak = (code: string | undefined) => code === undefined || /^(57|08|40|53|55|58|XX)/.test(code);

/** An app's statement, on a connection of its own with the clock of the step, and with its fault. */
export async function callAsApp(ground: Ground, step: Step, sql: string, values: unknown[]): Promise<Told> {
  let client: pg.Client;
  try {
    client = await ground.connect('campaign app', step);
  } catch (error) {
    if (mayBreak(step)) {
      return { result: 'unknown', words: `it cannot connect: ${error}` };
    }
    throw error;
  }
  try {
    const asked = askAt(client, step, sql, values).then(
      ({ rows }): Told => ({ result: 'done', words: JSON.stringify(rows[0] ?? null), answer: rows[0] ?? {} }),
      (error): Told => refusal(step, sql, error),
    );
    return await withFault(ground, step, 'campaign app', () => streamOf(client).destroy(), asked);
  } finally {
    await client.end().catch(() => {});
  }
}

function refusal(step: Step, sql: string, error: Error & { code?: string }): Told {
  const words = `${sql.replace(/\s+/g, ' ').slice(0, 300)} → ${error.code}: ${error.message}`;
  if (!isBreak(error.code)) {
    return { result: 'refused', words };
  }
  if (!mayBreak(step)) {
    throw new Error(`it may not break: ${words}`);
  }
  return { result: 'unknown', words };
}

async function askAt(client: pg.Client, step: Step, sql: string, values: unknown[]): Promise<pg.QueryResult> {
  await client.query(`select set_config('quota.as_of', $1, false)`, [step.at]);
  return await client.query(sql, values);
}

const streamOf = (client: pg.Client) =>
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
