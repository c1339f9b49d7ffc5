import pg from 'pg';
import { expect, test } from 'vitest';
import type { Normalisation } from '../../fixtures/vapi-simulator/normalise.ts';
import type { Fields } from '../../src/enforcement/assistant-state.ts';
import { type DrainSummary, drainLimits } from '../../src/enforcement/drain.ts';
import { KeyOrganisation, WrongProviderError } from '../../src/enforcement/key-organisation.ts';
import { MissingAssistants } from '../../src/enforcement/missing-assistants.ts';
import { VapiClient } from '../../src/providers/vapi/client.ts';
import { perFile } from '../desk/desk.ts';
import fc from '../fast-check.ts';
import { asOf, LimitsDesk } from './limits-desk.ts';

/**
 * Random histories of one user's assistants: limits, resets, edits by somebody else, faults, crashes, keys, deletions
 * and a provider that tidies up. Whatever happens, a field is in the end what somebody last set, and nothing that
 * quota sent, or that the provider made of it, was ever an original. `QUOTA_TEST_HISTORIES=1000` for the long version.
 */
const histories = Number(process.env.QUOTA_TEST_HISTORIES ?? 24);
const seed = Number(process.env.QUOTA_TEST_SEED ?? 1);

/** Not the words by which limits of other applications are known: only what was recorded can tell. */
const states: readonly Fields[] = [
  {
    maxDurationSeconds: 12,
    firstMessage: 'Sorry, this line is closed until the first of the month. \r\nGoodbye.\n',
    hooks: [
      { on: 'call.timeElapsed', options: { seconds: 5 }, do: [{ type: 'tool', tool: { type: 'endCall' } }] },
    ],
    metadata: { by: 'quota' },
  },
  { maxDurationSeconds: 15, firstMessage: ' Closed. ', endCallPhrases: ['Goodbye ', 'Closed'] },
];

const edits: { readonly [field: string]: readonly unknown[] } = {
  maxDurationSeconds: [20, 45, 900],
  firstMessage: [
    'Moin',
    'A greeting that is longer by far than what some providers keep of a greeting',
    null,
  ],
  hooks: [[], [{ on: 'call.ending', do: [], filters: [] }]],
  metadata: [{ crm: 5 }, null],
  endCallPhrases: [['ciao'], null],
};
const fields = Object.keys(edits);
const originals: readonly Fields[] = [
  { name: 'Bare' },
  {
    name: 'Full',
    maxDurationSeconds: 300,
    firstMessage: 'Hello, this is the bakery, what can we do for you today?',
    hooks: [{ on: 'call.ending', do: [], filters: [] }],
    metadata: { tenant: 'a' },
    endCallPhrases: ['bye bye'],
  },
];

/** The same text for the same value, however its members are ordered. */
const written = (value: unknown): string =>
  JSON.stringify(value ?? null, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1)))
      : member,
  );

const tidyings: readonly (readonly Normalisation[])[] = [['trim', 'defaults'], [], ['trim'], ['defaults']];

interface Step {
  kind: 'limit' | 'free' | 'edit' | 'sync' | 'tidy' | 'wrong key' | 'refused key' | 'delete' | 'put back';
  /** Which assistant, value, state, fault: each takes what it needs of it. */
  pick: number;
  /** At which request it strikes. */
  at: number;
  trouble: 'none' | 'lost' | 'lostHtml' | 'drop' | 'error' | 'refused' | 'crash';
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 5, arbitrary: fc.constant<Step['kind']>('sync') },
    { weight: 4, arbitrary: fc.constantFrom<Step['kind']>('limit', 'limit', 'free', 'edit') },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Step['kind']>('tidy', 'wrong key', 'refused key', 'delete', 'put back'),
    },
  ),
  pick: fc.nat(1000),
  at: fc.integer({ min: 1, max: 6 }),
  trouble: fc.constantFrom<Step['trouble']>(
    'none',
    'none',
    'lost',
    'lostHtml',
    'drop',
    'error',
    'refused',
    'crash',
  ),
});

let onRequest: () => void = () => {};
const otherOrg = '0cc00000-0000-4000-8000-00000000000c';
const desk = perFile(
  new LimitsDesk({
    users: 1,
    perUser: 1,
    keys: [{ key: 'other', orgId: otherOrg }],
    onRequest: () => onRequest(),
  }),
);

/** One user with two assistants, and what each of their fields is to be in the end. */
class History {
  static #count = 0;
  readonly #deleted = new Map<string, Fields & { id: string }>();
  readonly #truth = new Map<string, { [field: string]: unknown }>();
  /** Every value that was somebody's own, by assistant and field. */
  readonly #owned = new Map<string, Set<string>>();
  #userId = '';
  #state = 0;

  constructor(readonly isLossy: boolean) {}

  get ids(): string[] {
    return [...this.#truth.keys()];
  }

  async open(): Promise<this> {
    const number = ++History.#count;
    const [user] = await desk.queryAt<{ id: string }>(
      '2025-01-10T08:00:00Z',
      `insert into quota.users (external_id) values ($1) returning id`,
      [`history_${number}`],
    );
    this.#userId = user?.id ?? '';
    await desk.queryAt(
      asOf,
      `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'voice-free')`,
      [this.#userId],
    );
    for (const [index, original] of originals.entries()) {
      const id = `history-${number}-${index}`;
      desk.vapi.putAssistants([{ ...original, id }]);
      await desk.query(`insert into quota.assistants (user_id, provider_assistant_id) values ($1, $2)`, [
        this.#userId,
        id,
      ]);
      this.#truth.set(id, {});
      for (const field of fields) {
        this.#own(id, field, original[field]);
      }
    }
    desk.vapi.setNormalisations(
      this.isLossy ? ['shorten', 'raise'] : (tidyings[number % tidyings.length] ?? []),
    );
    return this;
  }

  async take({ kind, pick, at, trouble }: Step): Promise<void> {
    const id = this.ids[pick % 2] ?? '';
    switch (kind) {
      case 'limit':
        await desk.queryAt(asOf, 'select quota.limit_users(array[$1::uuid], $2)', [this.#userId, 'history']);
        return;
      case 'free':
        await desk.queryAt(asOf, 'select quota.lift_limits(array[$1::uuid], $2)', [this.#userId, 'history']);
        return;
      case 'edit':
        return this.#edit(id, pick);
      case 'sync':
        this.#state = pick % 5 === 0 ? 1 - this.#state : this.#state;
        return this.#syncAndLook(trouble, at);
      case 'tidy':
        if (!this.isLossy) {
          desk.vapi.setNormalisations(tidyings[pick % tidyings.length] ?? []);
        }
        return;
      case 'wrong key':
        return this.#tryKey('other', pick);
      case 'refused key':
        return this.#tryKey('nonsense', pick);
      case 'delete':
        return this.#delete(id);
      case 'put back':
        return this.#putBack();
    }
  }

  /** Ends it: everybody is free, the provider keeps what it is sent, and nothing goes wrong any more. */
  async end(): Promise<void> {
    await this.#putBack();
    await desk.queryAt(asOf, 'select quota.lift_limits(array[$1::uuid], $2)', [this.#userId, 'history']);
    await this.sync('none', 0);
    desk.vapi.setNormalisations([]);
    const summary = await this.sync('none', 0);
    expect(summary?.left).toEqual({ pending: 0, failed: 0, busy: 0 });
    for (const [id, truth] of this.#truth) {
      expect({ id, ...this.#shown(id) }).toEqual({ id, ...truth });
    }
  }

  /** Nothing that is kept as an original was quota's, or was made of it. */
  async checkOriginals(): Promise<void> {
    const rows = await desk.query<{ id: string; fields: Fields }>(
      `select a.provider_assistant_id as id, o.fields
       from quota.assistant_originals o join quota.assistants a on a.id = o.assistant_id where o.user_id = $1
       union all
       select a.provider_assistant_id, l.original
       from quota.assistant_limits l join quota.assistants a on a.id = l.assistant_id
       where l.user_id = $1 and l.original is not null`,
      [this.#userId],
    );
    for (const { id, fields: kept } of rows) {
      for (const [field, value] of Object.entries(kept)) {
        const isOwned = this.#owned.get(`${id} ${field}`)?.has(written(value));
        expect({ id, field, value, isOwned }).toEqual({ id, field, value, isOwned: true });
      }
    }
  }

  /** What a provider tidies up is taken for what was sent: nothing is left after a run without trouble. */
  async #syncAndLook(trouble: Step['trouble'], at: number): Promise<void> {
    const summary = await this.sync(trouble, at);
    if (trouble === 'none' && !this.isLossy && this.#deleted.size === 0) {
      expect(summary?.left).toEqual({ pending: 0, failed: 0, busy: 0 });
    }
  }

  /** A run, in trouble from a request on; what a crash leaves behind is free for the next run at once. */
  async sync(trouble: Step['trouble'], at: number): Promise<DrainSummary | undefined> {
    const client = new pg.Client({ connectionString: desk.url });
    client.on('error', () => {});
    await client.connect();
    await client.query(`select set_config('quota.as_of', $1, false)`, [asOf]);
    let requests = 0;
    onRequest = () => {
      requests++;
      if (requests !== at || trouble === 'none') {
        return;
      }
      if (trouble === 'crash') {
        (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      } else {
        desk.vapi.scriptFaults([trouble === 'refused' ? { kind: 'error', status: 401 } : { kind: trouble }]);
      }
    };
    try {
      return await this.#drain(client, desk.vapi.apiKey);
    } catch (error) {
      const isExpected = trouble === 'crash' || trouble === 'refused' || error instanceof WrongProviderError;
      expect(isExpected, String(error)).toBe(true);
      return undefined;
    } finally {
      onRequest = () => {};
      desk.vapi.clearFaults();
      await client.end().catch(() => {});
      await expect.poll(async () => (await desk.sessions()).length, { interval: 2 }).toBe(0);
      await desk.query(
        'update quota.assistant_limits set claimed_until = null where claimed_until is not null',
      );
    }
  }

  #drain(client: pg.Client, apiKey: string): Promise<DrainSummary> {
    const provider = new VapiClient({ apiKey, baseUrl: desk.vapi.url, ratePerSecond: 1000, attempts: 1 });
    return drainLimits({
      client,
      provider,
      organisation: new KeyOrganisation(provider),
      missing: new MissingAssistants(),
      redact: (text) => text,
      scope: { userIds: [this.#userId], dueOnly: false },
      recheck: true,
      limitedState: states[this.#state] ?? {},
      concurrency: 2,
      signal: new AbortController().signal,
      onResult: () => {},
    });
  }

  async #tryKey(apiKey: string, pick: number): Promise<void> {
    const before = await this.#rows();
    // To another organisation what is gone is as gone; with a key that is refused nothing can be told.
    const isWork = (one: { isActive: boolean; isGone: boolean }) =>
      one.isActive || (one.isGone && apiKey !== 'other');
    const patches = desk.vapi.patches().length;
    const client = new pg.Client({ connectionString: desk.url });
    await client.connect();
    await client.query(`select set_config('quota.as_of', $1, false)`, [asOf]);
    const outcome = await this.#drain(client, apiKey).catch((error: unknown) => error);
    await client.end();
    const hasWork = before.some(isWork);
    expect({ pick, exitCode: (outcome as { exitCode?: number }).exitCode }).toEqual({
      pick,
      exitCode: hasWork ? 69 : undefined,
    });
    expect(await this.#rows()).toEqual(before);
    expect(desk.vapi.patches()).toHaveLength(patches);
  }

  #rows() {
    return desk.query<{ isActive: boolean; isGone: boolean }>(
      `select a.provider_assistant_id as id, a.state, a.organisation, l.desired, l.status, l.change, l.original, l.applied,
         l.intents, l.made, l.doubtful, l.attempts, l.last_error,
         l.status = 'gone' as "isGone",
         l.status in ('pending', 'failed') or (l.status = 'applied' and l.desired = 'limited') as "isActive"
       from quota.assistants a join quota.assistant_limits l on l.assistant_id = a.id where a.user_id = $1 order by 1`,
      [this.#userId],
    );
  }

  #edit(id: string, pick: number): void {
    const field = fields[pick % fields.length] ?? '';
    const values = edits[field] ?? [];
    if (desk.vapi.assistant(id) !== undefined) {
      const value = values[Math.floor(pick / fields.length) % values.length];
      desk.vapi.editAssistant(id, { [field]: value });
      this.#own(id, field, value);
    }
  }

  #own(id: string, field: string, value: unknown): void {
    const usual = field === 'maxDurationSeconds' ? 600 : null;
    const truth = this.#truth.get(id) ?? {};
    truth[field] = value ?? usual;
    const key = `${id} ${field}`;
    const owned = this.#owned.get(key) ?? new Set([written(usual), written(null)]);
    this.#owned.set(key, owned.add(written(value)));
  }

  #shown(id: string): Fields {
    const assistant: Fields = desk.vapi.assistant(id) ?? {};
    return Object.fromEntries(
      fields.map((field) => [field, assistant[field] ?? (field === 'maxDurationSeconds' ? 600 : null)]),
    );
  }

  #delete(id: string): void {
    const assistant = desk.vapi.assistant(id);
    if (assistant !== undefined) {
      this.#deleted.set(id, assistant);
      desk.vapi.deleteAssistant(id);
    }
  }

  async #putBack(): Promise<void> {
    desk.vapi.putAssistants([...this.#deleted.values()]);
    this.#deleted.clear();
  }
}

test.each([
  ['keeps what it is sent, or tidies it up', false],
  ['cuts texts short and raises numbers', true],
])(
  'a provider that %s: no original is lost, and none is ours',
  async (_words, isLossy) => {
    await desk.exceed('user_0');
    await desk.answer('limits', 'sync');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 18 }), async (steps) => {
        const history = await new History(isLossy).open();
        for (const one of steps) {
          await history.take(one);
          await history.checkOriginals();
        }
        await history.end();
        await history.checkOriginals();
      }),
      { seed, numRuns: histories / 2, endOnFailure: true },
    );
  },
  1_200_000,
);
