import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Desk } from '../desk/desk.ts';

/** What a receiver was told. */
export interface Told {
  id: string;
  kind: string;
  level: string;
  threshold: number;
  percent: string;
  used: string;
  limit: string | null;
  crossedAt: string;
  asOf: string;
  meter: string;
  user: { externalId: string };
}

/**
 * Delivers what is due at an instant; what the job reports, and what the receiver was told meanwhile: alerts are told side
 * by side, in no order.
 */
export async function deliver(
  desk: Desk,
  asOf: string,
  options: { receiver?: string; code?: number } = {},
): Promise<{ report: Record<string, unknown>; told: Told[] }> {
  const file = desk.path('told.jsonl');
  const before = linesOf(file).length;
  const { receiver = `cat >> ${file}`, code = 0 } = options;
  const answer = await desk
    .with({ asOf, env: { QUOTA_ALERT_COMMAND: receiver } })
    .answer('jobs', 'raise-alerts');
  expect(answer.code, answer.stderr).toBe(code);
  return {
    report: answer.data,
    told: linesOf(file)
      .slice(before)
      .map((line) => JSON.parse(line)),
  };
}

const linesOf = (file: string): string[] => {
  if (!existsSync(file)) {
    appendFileSync(file, '');
  }
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
};

/** Short: thresholds with how full it is said to be. */
export const said = (told: readonly Told[]): string[] =>
  told
    .map(({ threshold, percent, used, limit }) => `${threshold}: ${percent} % (${used} of ${limit})`)
    .sort();

/** The state of every alert of a user, the first raised first. */
export const alertsOf = (desk: Desk, externalId: string) =>
  desk.query<{ threshold: number; crossedAt: Date; stands: boolean; status: string }>(
    `select a.threshold, a.crossed_at as "crossedAt", a.ended_at is null as stands, d.status
     from quota.usage_alerts a join quota.alert_deliveries d using (user_id, id)
     join quota.users u on u.id = a.user_id
     where u.external_id = $1 order by a.crossed_at, a.threshold`,
    [externalId],
  );
