import type { SimulatorOptions } from '../../fixtures/vapi-simulator/simulator.ts';
import type { TestDatabase } from '../database.ts';
import { Desk } from '../desk/desk.ts';

export interface LimitRow {
  provider: string;
  user: string;
  desired: string;
  status: string;
  change: string;
  original: Record<string, unknown> | null;
  applied: Record<string, unknown> | null;
  intents: unknown[];
  attempts: number;
  error: string | null;
  claimed: boolean;
}

export const asOf = '2026-10-15T12:00:00Z';
export const afterReset = '2026-11-12T00:00:00Z';

export interface LimitsDeskOptions extends SimulatorOptions {
  /** How many, named user_0, user_1 …; all signed up on the 10th, on the plan voice-free. */
  users?: number;
  /** Assistants of each. */
  perUser?: number;
}

/** A desk in October 2026 with a simulated VAPI whose assistants belong to users of the plan voice-free. */
export class LimitsDesk extends Desk {
  readonly #users: number;
  readonly #perUser: number;
  #ids: readonly string[] = [];

  constructor({ users = 3, perUser = 2, ...simulator }: LimitsDeskOptions = {}) {
    super({ asOf, vapi: { seed: 7, ...simulator, assistants: users * perUser }, besides: fastAndQuiet });
    this.#users = users;
    this.#perUser = perUser;
  }

  override async open(model?: TestDatabase): Promise<this> {
    await super.open(model);
    const assistants = this.vapi.assistants();
    this.#ids = assistants.map(({ id }) => id);
    await this.queryAt(
      '2025-01-10T08:00:00Z',
      `with owners as (
         insert into quota.users (external_id, created_at)
         select 'user_' || n, '2025-01-10T08:00:00Z' from generate_series(0, $1::int - 1) n
         returning id, external_id
       ), subscribed as (
         insert into quota.subscriptions (user_id, service, plan) select id, 'voice', 'voice-free' from owners
       )
       insert into quota.assistants (user_id, provider_assistant_id, name)
       select o.id, a.id, a.name
       from unnest($2::text[], $3::text[]) with ordinality a(id, name, n)
       join owners o on o.external_id = 'user_' || ((a.n - 1) / $4::int)`,
      [this.#users, this.#ids, assistants.map(({ name }) => name), this.#perUser],
    );
    return this;
  }

  /** The assistants of a user at the provider. */
  assistantsOf(user: string): string[] {
    const index = Number(user.replace('user_', ''));
    return this.#ids.slice(index * this.#perUser, (index + 1) * this.#perUser);
  }

  /** A call of 11 minutes of each user an hour ago, by plain INSERT. */
  async exceed(...users: string[]): Promise<void> {
    await this.queryAt(
      asOf,
      `insert into quota.call_logs (user_id, service, provider, assistant_id, started_at, duration_seconds)
       select u.id, 'voice', 'vapi', 'any', quota.now() - interval '1 hour', 660
       from quota.users u where u.external_id = any ($1)`,
      [users],
    );
  }

  limits(): Promise<LimitRow[]> {
    return this.query<LimitRow>(
      `select a.provider_assistant_id as provider, u.external_id as "user", l.desired, l.status, l.change::text,
         l.original, l.applied, l.intents, l.attempts, l.last_error as error, l.claimed_until is not null as claimed
       from quota.assistant_limits l
       join quota.assistants a on a.id = l.assistant_id join quota.users u on u.id = l.user_id
       order by u.external_id, a.name`,
    );
  }
}

/** Tests that work at the provider do it as fast as it goes. */
const fastAndQuiet = (words: readonly string[]) => [
  ...(words.includes('--quiet') || words.includes('--verbose') ? [] : ['--quiet']),
  ...(words[0] === 'limits' && words[1] !== 'status' && !words.includes('--rate')
    ? ['--rate', '1000', '--concurrency', '5']
    : []),
];
