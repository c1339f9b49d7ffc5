import { vapiCall } from '../../fixtures/bills/billed-call.ts';
import { type Random, randomOf } from '../../fixtures/seed/random.ts';

/** A month of calls with known differences: what was billed, what was logged, and what each of them must end in. */
export interface MadeMonth {
  month: string;
  users: string[];
  assistants: { id: string; user: string }[];
  logs: MadeLog[];
  lines: MadeLine[];
}

export interface MadeLog {
  callId: string | null;
  assistant: string;
  user: string;
  startedMs: number;
  durationMs: number;
  /** Ten-thousandths. */
  cost: number;
  status: 'completed' | 'active';
  /** What it must end in, with its line or without one. */
  kind: string;
}

export interface MadeLine {
  callId: string;
  assistant: string;
  createdMs: number;
  startedMs: number | null;
  endedMs: number | null;
  /** Ten-thousandths. */
  cost: number | null;
  status: string;
  kind: string;
}

type Call = Omit<MadeLog, 'kind'> & { callId: string };

/** Calls of an assistant start in slots so far apart that only what is meant to be near is near. */
const slotMs = 60_000;
const dayMs = 86_400_000;

/** How often each of them comes. */
const scenarios = {
  matched: 60,
  matchedWithoutId: 8,
  twinsWithoutIds: 3,
  atTolerance: 4,
  logBeforeMonth: 2,
  logOfOtherMonth: 2,
  longer: 4,
  longerWithoutId: 2,
  dearer: 4,
  otherUser: 3,
  repeated: 5,
  repeatedUnlogged: 1,
  repeatedWithoutId: 1,
  unlogged: 5,
  logTooFar: 2,
  unbilled: 5,
  notConnected: 3,
  notConnectedLogged: 1,
  unsettled: 3,
  activeLog: 1,
  settledLater: 2,
  outside: 3,
  outsideLogged: 2,
} as const;

type Scenario = keyof typeof scenarios;

/** The same for the same seed. `calls` scenarios; lines and logs are a few more. */
export function makeMonth(
  seed: number,
  month: string,
  { users: size, calls }: { users: number; calls: number },
) {
  const random = randomOf(seed, 'made month', month);
  const users = Array.from({ length: size }, (_, index) => `user_${seed}_${index}`);
  const assistants = users.flatMap((user, index) =>
    Array.from({ length: 1 + (index % 3) }, () => ({ id: random.uuid(), user })),
  );
  const made: MadeMonth = { month, users, assistants, logs: [], lines: [] };
  const maker = new MonthMaker(made, random);
  const names = Object.entries(scenarios).flatMap(([name, weight]) =>
    Array<Scenario>(weight).fill(name as Scenario),
  );
  for (let index = 0; index < calls; index++) {
    maker[random.pick(names)]();
  }
  return made;
}

class MonthMaker implements Record<Scenario, () => void> {
  readonly #made: MadeMonth;
  readonly #random: Random;
  readonly #start: number;
  readonly #end: number;
  readonly #slots = new Map<string, Set<number>>();

  constructor(made: MadeMonth, random: Random) {
    this.#made = made;
    this.#random = random;
    this.#start = Date.parse(`${made.month}-01T00:00:00Z`);
    this.#end = new Date(this.#start).setUTCMonth(new Date(this.#start).getUTCMonth() + 1);
  }

  matched() {
    this.#pair('matched', this.#call());
  }

  matchedWithoutId() {
    const call = this.#call();
    this.#pair('matched', call, {
      callId: null,
      startedMs: call.startedMs + this.#random.integer(-5000, 5000),
      durationMs: call.durationMs + this.#either(this.#random.integer(0, 1000)),
    });
  }

  /** Two calls of an assistant at once, whose logs have no ids: the durations tell them apart. */
  twinsWithoutIds() {
    const one = this.#call();
    const other = {
      ...one,
      callId: this.#random.uuid(),
      startedMs: one.startedMs + 1500,
      durationMs: one.durationMs + this.#either(4000),
      cost: one.cost + 2000,
    };
    this.#pair('matched', one, { callId: null, startedMs: other.startedMs + 300 });
    this.#pair('matched', other, { callId: null, startedMs: one.startedMs + 200 });
  }

  atTolerance() {
    const call = this.#call();
    this.#pair('matched', call, {
      durationMs: call.durationMs + this.#either(1000),
      cost: call.cost + this.#either(50),
    });
  }

  /** By the clock of the bill the call is of this month, by that of the log of the one before. */
  logBeforeMonth() {
    const call = { ...this.#call(), startedMs: this.#start + this.#random.integer(0, 900) };
    this.#pair('matched', call, { startedMs: this.#start - this.#random.integer(1, 3000) });
  }

  logOfOtherMonth() {
    const call = this.#call();
    this.#pair('matched', call, { startedMs: this.#start - this.#random.integer(40, 90) * dayMs });
  }

  longer() {
    const call = this.#call();
    this.#pair('duration_mismatch', call, {
      durationMs: call.durationMs + this.#either(this.#random.integer(1001, 9000)),
      cost: call.cost + 900,
    });
  }

  longerWithoutId() {
    const call = this.#call();
    this.#pair('duration_mismatch', call, { callId: null, durationMs: call.durationMs + this.#either(1001) });
  }

  dearer() {
    const call = this.#call();
    this.#pair('cost_mismatch', call, { cost: call.cost + this.#random.pick([51, 3000, -51]) });
  }

  otherUser() {
    const call = this.#call();
    const user = this.#random.pick(this.#made.users.filter((other) => other !== call.user));
    this.#pair('attribution_mismatch', call, { user, durationMs: call.durationMs + 60_000 });
  }

  repeated() {
    const call = this.#call();
    this.#pair('matched', call);
    this.#repeat(call);
  }

  repeatedUnlogged() {
    const call = this.#call();
    this.#line('unlogged', call);
    this.#repeat(call);
  }

  repeatedWithoutId() {
    const call = this.#call();
    this.#pair('matched', call, { callId: null });
    this.#repeat(call);
  }

  unlogged() {
    this.#line('unlogged', this.#call());
  }

  logTooFar() {
    const call = this.#call();
    this.#line('unlogged', call);
    this.#log('unbilled', call, { callId: null, startedMs: call.startedMs + this.#either(5001) });
  }

  unbilled() {
    const call = this.#call();
    this.#log('unbilled', call, { callId: this.#random.chance(0.5) ? call.callId : null });
  }

  notConnected() {
    this.#line('not_connected', this.#call(), { startedMs: null, cost: this.#random.pick([0, null]) });
  }

  notConnectedLogged() {
    const call = this.#call();
    this.#line('not_connected', call, { startedMs: null, cost: 0 });
    this.#log('not_connected', call, { durationMs: 0, cost: 7 });
  }

  unsettled() {
    this.#line('unsettled', this.#call(), { endedMs: null, cost: null, status: 'in-progress' });
  }

  activeLog() {
    this.#log('unsettled', this.#call(), { status: 'active' });
  }

  settledLater() {
    const call = this.#call();
    this.#pair('matched', call);
    this.#line('unsettled', call, { endedMs: null, cost: null, status: 'in-progress' });
  }

  outside() {
    this.#line('outside_month', { ...this.#call(), startedMs: this.#outside() });
  }

  outsideLogged() {
    const call = { ...this.#call(), startedMs: this.#outside() };
    this.#pair('outside_month', call, { durationMs: call.durationMs + 5000 });
  }

  readonly #either = (size: number) => (this.#random.chance(0.5) ? size : -size);

  readonly #outside = () =>
    this.#random.chance(0.5)
      ? this.#start - this.#random.integer(1, 3 * dayMs)
      : this.#end + this.#random.integer(0, 3 * dayMs);

  #call(): Call {
    const { id: assistant, user } = this.#random.pick(this.#made.assistants);
    return {
      callId: this.#random.uuid(),
      assistant,
      user,
      startedMs: this.#slot(assistant),
      durationMs: this.#random.integer(10_000, 600_000),
      cost: this.#random.integer(1000, 9999),
      status: 'completed',
    };
  }

  /** The middle of a slot that the assistant has not used, away from the ends of the month. */
  #slot(assistant: string): number {
    const used = this.#slots.get(assistant) ?? new Set();
    this.#slots.set(assistant, used);
    const last = Math.floor((this.#end - this.#start) / slotMs) - 2;
    let slot = this.#random.integer(1, last);
    while (used.has(slot)) {
      slot = this.#random.integer(1, last);
    }
    used.add(slot);
    return this.#start + slot * slotMs + this.#random.integer(20_000, 30_000);
  }

  #pair(kind: string, call: Call, logged: Partial<MadeLog> = {}): void {
    this.#line(kind, call);
    this.#log(kind, call, logged);
  }

  #repeat(call: Call): void {
    for (let times = this.#random.integer(1, 3); times > 0; times--) {
      this.#line('duplicate_line', call);
    }
  }

  #line(kind: string, call: Call, billed: Partial<MadeLine> = {}): void {
    const { callId, assistant, startedMs, durationMs, cost } = call;
    const endedMs = startedMs + durationMs;
    const createdMs = startedMs - (kind === 'outside_month' ? 0 : 4000);
    this.#made.lines.push({
      callId,
      assistant,
      createdMs,
      startedMs,
      endedMs,
      cost,
      status: 'ended',
      kind,
      ...billed,
    });
  }

  #log(kind: string, call: Call, logged: Partial<MadeLog> = {}): void {
    this.#made.logs.push({ ...call, kind, ...logged });
  }
}

/** What the month must come to: counts, and sums of money, of every kind that it has. */
export function expectedKinds({ lines, logs }: MadeMonth) {
  const sums = new Map<string, { count: number; billed: number; logged: number }>();
  const of = (kind: string) => {
    const sum = sums.get(kind) ?? { count: 0, billed: 0, logged: 0 };
    sums.set(kind, sum);
    return sum;
  };
  for (const { kind, cost } of lines) {
    of(kind).count += 1;
    of(kind).billed += cost ?? 0;
  }
  for (const { kind, cost, status } of logs) {
    of(kind).count += kind === 'unbilled' || status === 'active' ? 1 : 0;
    of(kind).logged += cost;
  }
  return Object.fromEntries(
    [...sums].map(([kind, { count, billed, logged }]) => [
      kind,
      { count, billed: billed / 10_000, logged: logged / 10_000 },
    ]),
  );
}

/** A line as VAPI's API gives it, on one line. */
export const vapiJson = ({ callId, assistant, createdMs, startedMs, endedMs, cost }: MadeLine): string =>
  vapiCall({ id: callId, assistantId: assistant, createdMs, startedMs, endedMs, cost });
