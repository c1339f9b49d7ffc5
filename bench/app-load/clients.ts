import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** The functions that an app calls all day. */
export const loadFunctions = ['check', 'start_session', 'touch_session', 'end_session', 'record'] as const;
export type LoadFunction = (typeof loadFunctions)[number];

export interface LoadOptions {
  /** A login of the app. */
  url: string;
  clients: number;
  /** External ids; each client asks for one after another. */
  users: readonly string[];
  /** Seconds that each session of an avatar asks for, and uses. */
  estimate: number;
  /** Milliseconds between two calls of a client: an app has its own work to do, and leaves the processor to others. */
  pauseMs?: number;
  /** What is going on, asked before each turn of a client; undefined: it is over. */
  phase: () => string | undefined;
  /** Told when every client has had a turn: the first calls of a connection make its plans. */
  onWarm?: () => void;
}

/** Milliseconds of a call, and what of them was spent on what. */
export interface Call {
  ms: number;
  /** Ready to run, without a processor to run on: the session in the server, and this process. */
  queued: number;
  /** On the processor, in the server. What is left are locks, the disk, and the client. */
  worked: number;
}

export type Latencies = Record<LoadFunction, Call[]>;

/** What clients were told, and how long they waited. */
export interface Load {
  /** Each call by phase, in no order. */
  latencies: Map<string, Latencies>;
  /** Seconds of avatar sessions whose end was recorded, by user. */
  avatarSeconds: Map<string, number>;
  /** Messages that were recorded, by user. */
  messages: Map<string, number>;
  sessions: number;
  refused: number;
  /** What an app must never see. */
  errors: string[];
}

/** Clients that check, start, touch, end and record until it is over. */
export async function runClients(options: LoadOptions): Promise<Load> {
  const load: Load = {
    latencies: new Map(),
    avatarSeconds: new Map(),
    messages: new Map(),
    sessions: 0,
    refused: 0,
    errors: [],
  };
  let warm = 0;
  const countWarm = () => {
    warm++;
    if (warm === options.clients) {
      options.onWarm?.();
    }
  };
  const numbers = Array.from({ length: options.clients }, (_, number) => number);
  await Promise.all(numbers.map((number) => runClient(options, load, number, countWarm)));
  return load;
}

async function runClient(
  { url, users, estimate, pauseMs, phase }: LoadOptions,
  load: Load,
  number: number,
  countWarm: () => void,
): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  let turn = 0;
  try {
    for (let now = phase(); now !== undefined; now = phase()) {
      const user = users[(number + turn * 13) % users.length] ?? '';
      await takeTurn(client, load, {
        user,
        key: `load ${number} ${turn}`,
        estimate,
        pauseMs,
        session: rows[0]?.pid ?? 0,
        latencies: latenciesOf(load, now),
      });
      turn++;
      if (turn === 1) {
        countWarm();
      }
    }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    load.errors.push(`${code}: ${message}`);
    if (turn === 0) {
      countWarm();
    }
  } finally {
    await client.end().catch(() => {});
  }
}

function latenciesOf({ latencies }: Load, phase: string): Latencies {
  const known = latencies.get(phase);
  const found = known ?? { check: [], start_session: [], touch_session: [], end_session: [], record: [] };
  latencies.set(phase, found);
  return found;
}

interface Turn {
  user: string;
  key: string;
  estimate: number;
  pauseMs: number | undefined;
  /** The process of the server. */
  session: number;
  latencies: Latencies;
}

/** What one user does: a session of the avatar with a sign of life, and a message, now and then told twice. */
async function takeTurn(
  client: pg.Client,
  load: Load,
  { user, key, estimate, pauseMs, session: pid, latencies }: Turn,
): Promise<void> {
  const call = async (name: LoadFunction, args: string, values: unknown[]) => {
    if (pauseMs !== undefined) {
      await sleep(pauseMs);
    }
    const [server, own] = [schedulingOf(pid), schedulingOf('self')];
    const begin = performance.now();
    const { rows } = await client.query(`select * from quota.${name}(${args})`, values);
    const ms = performance.now() - begin;
    const [serverNow, ownNow] = [schedulingOf(pid), schedulingOf('self')];
    const queued = serverNow.queued - server.queued + ownNow.queued - own.queued;
    latencies[name].push({ ms, queued, worked: serverNow.worked - server.worked });
    return rows[0];
  };
  await call('check', `$1, 'avatar'`, [user]);
  const session = await call('start_session', `$1, 'avatar', $2, p_estimate => $3`, [user, key, estimate]);
  if (session.allowed) {
    load.sessions++;
    await call('touch_session', '$1, $2, 1', [user, key]);
    const end = await call('end_session', '$1, $2, $3', [user, key, session.cap_seconds]);
    add(load.avatarSeconds, user, end.recorded ? Number(session.cap_seconds) : 0);
  } else {
    load.refused++;
  }
  for (let repeat = 0; repeat < 1 + (load.sessions % 3 === 0 ? 1 : 0); repeat++) {
    const message = await call('record', `$1, 'chat', $2, 1, p_model => 'gpt-4o'`, [user, key]);
    add(load.messages, user, message.recorded ? 1 : 0);
  }
}

/** Milliseconds that the main thread of a process was on a processor, and waited for one; zero where the system does not tell. */
function schedulingOf(pid: number | 'self'): { worked: number; queued: number } {
  try {
    const [worked, queued] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
    return { worked: Number(worked) / 1e6, queued: Number(queued) / 1e6 };
  } catch {
    return { worked: 0, queued: 0 };
  }
}

const add = (sums: Map<string, number>, user: string, more: number) =>
  sums.set(user, (sums.get(user) ?? 0) + more);
