import { resolve } from 'node:path';
import { copyRows } from '../../src/db/copy.ts';
import type { Json } from '../desk/commands.ts';
import { Desk, type DeskOptions } from '../desk/desk.ts';
import type { MadeMonth } from './made-month.ts';

/** When the month is reconciled, unless a test says otherwise. */
const asOf = '2027-06-01T00:00:00Z';

const callColumns = [
  'user_id',
  'service',
  'provider',
  'provider_call_id',
  'assistant_id',
  'status',
  'started_at',
  'ended_at',
  'duration_seconds',
  'cost',
  'metadata',
];

/** A desk for the users, assistants and logs of a month, and its bills. */
export class MonthDesk extends Desk {
  constructor(options: DeskOptions = {}) {
    super({ asOf, ...options });
  }

  /** `reconcile resolve` of a kind of October 2026, the month of the sample, with leave. */
  resolve(code: number, kind: string, as: string, reason: string): Promise<Json> {
    const what = ['--month', '2026-10', '--kind', kind, '--as', as, '--reason', reason];
    return this.json(code, 'reconcile', 'resolve', ...what, '--yes');
  }

  /** Loads the sample month of the fixtures. */
  async loadSample(folder = resolve('fixtures/voice-2026-10')): Promise<void> {
    await this.json('import', 'users', `${folder}/users.csv`);
    await this.json('import', 'assistants', `${folder}/assistants.csv`);
    await this.json('import', 'call-logs', `${folder}/call_logs.csv`);
  }

  /** Loads the users, assistants and logs of a month; the logs in the order in which they come. */
  async loadMonth(made: MadeMonth): Promise<void> {
    await this.session(async (client) => {
      await copyRows(
        client,
        { table: 'quota.users', columns: ['external_id', 'created_at'] },
        made.users.map((user) => [user, '2024-01-15T00:00:00Z']),
      );
      const { rows } = await client.query<{ id: string; external_id: string }>(
        'select id, external_id from quota.users',
      );
      const ids = new Map(rows.map(({ id, external_id }) => [external_id, id]));
      await copyRows(
        client,
        { table: 'quota.assistants', columns: ['user_id', 'provider_assistant_id'] },
        made.assistants.map(({ id, user }) => [ids.get(user) ?? null, id]),
      );
      await copyRows(
        client,
        { table: 'quota.call_logs', columns: callColumns },
        made.logs.map((log) => [
          ids.get(log.user) ?? null,
          'voice',
          'vapi',
          log.callId,
          log.assistant,
          log.status,
          new Date(log.startedMs).toISOString(),
          log.status === 'active' ? null : new Date(log.startedMs + log.durationMs).toISOString(),
          log.status === 'active' ? null : log.durationMs / 1000,
          (log.cost / 10_000).toFixed(4),
          { kind: log.kind },
        ]),
      );
    });
  }
}
