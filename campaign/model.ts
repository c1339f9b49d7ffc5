import { calendarAnchor, ever, monthOf, type Period, signupAnchor } from './periods.ts';

export type Service = 'voice' | 'chat' | 'avatar';

/** How the plans of the campaign cut time and what they count. */
export const meters = {
  voice_seconds: { service: 'voice', cut: 'signup' },
  messages: { service: 'chat', cut: 'calendar' },
  premium_messages: { service: 'chat', cut: 'calendar' },
  avatar_seconds: { service: 'avatar', cut: 'ever' },
} as const;
export type Meter = keyof typeof meters;
export const meterKeys = Object.keys(meters) as Meter[];

export interface ModelUser {
  name: string;
  signup: string;
  zone: string;
  isErased: boolean;
}

export interface ModelCall {
  user: number;
  service: Service;
  model: string | null;
  startedMs: number;
  /** Milliseconds, or messages in thousandths: all sums are of whole numbers. Null while it runs. */
  thousandths: number | null;
}

export interface ModelEntry {
  user: number;
  meter: Meter;
  atMs: number;
  thousandths: number;
}

/** What a session was told it may use, and what it has told to have used. */
export interface ModelSession {
  capThousandths: number | null;
  progressThousandths: number | null;
}

export interface Sum extends Period {
  user: number;
  meter: Meter;
  thousandths: number;
}

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland'] as const;
const signups = [
  '2023-12-31T10:00:00Z',
  '2023-12-30T23:30:00Z',
  '2024-01-01T04:00:00Z',
  '2023-12-15T12:00:00Z',
];

export const personOf = (index: number) => ({
  name: `user-${index}`,
  signup: signups[index % signups.length] ?? '2024-01-01T00:00:00Z',
  zone: zones[index % zones.length] ?? 'UTC',
});

/** What there should be: users, their calls and corrections, and the sums that follow. It knows nothing of the database. */
export class Model {
  readonly users: ModelUser[];
  readonly calls = new Map<string, ModelCall>();
  readonly entries = new Map<string, ModelEntry>();
  /** Users whose assistants somebody has limited or given back by hand: until when that may be so. */
  readonly byHand = new Set<number>();
  /** Our ids of users that were seen. */
  readonly ids = new Map<string, number>();
  /** Whether the rows of the adopted product are counted, all of them. */
  isAdopted = false;
  readonly sessions = new Map<string, ModelSession>();

  /** The same of the shards, which have users of the same names. */
  readonly shards: Model | undefined;

  constructor(users: number, shards?: Model) {
    this.shards = shards;
    this.users = Array.from({ length: users }, (_, index) => ({ ...personOf(index), isErased: false }));
  }

  /** The number of a user by name; by our id of one whose name was erased. */
  numberOf(name: string, id: string): number {
    const known = this.users.findIndex((user) => user.name === name);
    const index = known < 0 ? (this.ids.get(id) ?? -1) : known;
    if (index >= 0) {
      this.ids.set(id, index);
    }
    return index;
  }

  periodOf(user: number, meter: Meter, atMs: number): Period {
    const { signup, zone } = this.users[user] ?? { signup: '2024-01-01T00:00:00Z', zone: 'UTC' };
    const { cut } = meters[meter];
    if (cut === 'ever') {
      return ever;
    }
    return cut === 'calendar'
      ? monthOf(calendarAnchor, 'UTC', atMs)
      : monthOf(signupAnchor(signup, zone), zone, atMs);
  }

  /** What is used of each meter in each period of which anything is known. */
  sums(): Sum[] {
    const sums = new Map<string, Sum>();
    for (const { user, meter, atMs, thousandths } of this.#facts()) {
      const period = this.periodOf(user, meter, atMs);
      const key = `${user} ${meter} ${period.startMs}`;
      const sum = sums.get(key) ?? { user, meter, thousandths: 0, ...period };
      sums.set(key, { ...sum, thousandths: sum.thousandths + thousandths });
    }
    return [...sums.values()];
  }

  /** What is used in the period that contains an instant, until then: calls that began before, corrections until then. */
  usedUntil(user: number, meter: Meter, untilMs: number): number {
    const { startMs } = this.periodOf(user, meter, untilMs);
    return this.#facts()
      .filter((fact) => fact.user === user && fact.meter === meter && fact.atMs >= startMs)
      .filter(({ atMs, isCall }) => (isCall ? atMs < untilMs : atMs <= untilMs))
      .reduce((sum, { thousandths }) => sum + thousandths, 0);
  }

  #facts(): (ModelEntry & { isCall: boolean })[] {
    const calls = [...this.calls.values()].flatMap((call) =>
      metersOf(call).map((meter) => ({
        user: call.user,
        meter,
        atMs: call.startedMs,
        thousandths: call.thousandths ?? 0,
        isCall: true,
      })),
    );
    return [...calls, ...[...this.entries.values()].map((entry) => ({ ...entry, isCall: false }))];
  }

  /** What is used in the period that contains an instant. */
  usedAt(user: number, meter: Meter, atMs: number): number {
    const { startMs } = this.periodOf(user, meter, atMs);
    const found = this.sums().find(
      (sum) => sum.user === user && sum.meter === meter && sum.startMs === startMs,
    );
    return found?.thousandths ?? 0;
  }
}

function metersOf({ service, model }: ModelCall): Meter[] {
  return meterKeys.filter(
    (key) =>
      meters[key].service === service &&
      (key !== 'premium_messages' || (model?.startsWith('claude') ?? false)),
  );
}
