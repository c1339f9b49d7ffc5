import pg from 'pg';
import { afterAll, beforeAll, vi } from 'vitest';
import type { Json } from '../../desk/commands.ts';
import type { Desk } from '../../desk/desk.ts';
import { Logins, type RoleName } from '../../trust/logins.ts';

/** Who asks an endpoint, and with what. */
export interface Asked {
  /** Who is signed in; empty: nobody, at an endpoint that is open. */
  user: string;
  body: Json;
}

export interface Answer {
  status: number;
  body: Json;
}

export type Endpoints = Record<string, (asked: Asked) => Promise<Answer>>;

export interface BackEndOptions {
  role?: RoleName;
  /** Endpoints that answer without a token. */
  open?: readonly string[];
}

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const refuse = (status: number, body: unknown): Answer => ({ status, body });

/** What the SQLSTATEs of docs/apps.md are over HTTP; whatever else the database says is nobody's business. */
const statuses: Record<string, number> = { QT001: 404, QT002: 400, QT003: 422, QT004: 422, QT006: 403 };

/** The back end of a product: its endpoints, and connections of one login to the database. */
export class BackEnd {
  readonly #url: string;
  readonly #endpoints: Endpoints;
  readonly #open: readonly string[];
  #pool: pg.Pool;

  constructor(url: string, endpoints: (back: BackEnd) => Endpoints, open: readonly string[] = []) {
    this.#url = url;
    this.#open = open;
    this.#pool = this.#connect();
    this.#endpoints = endpoints(this);
  }

  #connect(): pg.Pool {
    const pool = new pg.Pool({ connectionString: this.#url, max: 12 });
    pool.on('error', () => {});
    return pool;
  }

  async rows(sql: string, values: readonly unknown[] = []): Promise<Json[]> {
    return (await this.#pool.query(sql, [...values])).rows;
  }

  async row(sql: string, values: readonly unknown[] = []): Promise<Json> {
    return (await this.rows(sql, values))[0];
  }

  /** Asks an endpoint as a user (null: without a token), as its HTTP frame does. */
  async ask(endpoint: string, user: string | null, body: Json = {}): Promise<Answer> {
    const answer = this.#endpoints[endpoint];
    if (answer === undefined) {
      return refuse(404, { error: 'no such endpoint' });
    }
    if (user === null && !this.#open.includes(endpoint)) {
      return refuse(401, { error: 'sign in' });
    }
    try {
      return await answer({ user: user ?? '', body });
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string };
      const status = statuses[code];
      return status === undefined
        ? refuse(500, { error: 'internal error', code })
        : refuse(status, { error: message, code });
    }
  }

  /**
   * The process dies in the middle of a statement's transaction, before it is committed, and another one is started:
   * nothing that it held is released by itself but by the end of its connection.
   */
  async crashAfter(sql: string, values: readonly unknown[]): Promise<void> {
    const client = await this.#pool.connect();
    const { rows } = await client.query('select pg_backend_pid() as pid');
    await client.query('begin');
    await client.query(sql, [...values]);
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    client.release(true);
    await this.restart();
    // The server sees the end of a connection when it next reads from it.
    const isOver = 'select count(*) = 0 as over from pg_stat_activity where pid = $1';
    await vi.waitUntil(async () => (await this.row(isOver, [rows[0].pid])).over, {
      timeout: 60_000,
      interval: 5,
    });
  }

  async restart(): Promise<void> {
    const former = this.#pool;
    this.#pool = this.#connect();
    await former.end();
  }

  /** The endpoints that want a token. */
  closed(): readonly string[] {
    return Object.keys(this.#endpoints).filter((endpoint) => !this.#open.includes(endpoint));
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

/** A back end for the tests of a file, with a login of one role that may do nothing else. */
export function useBackEnd(
  desk: Desk,
  endpoints: (back: BackEnd) => Endpoints,
  { role = 'app', open = [] }: BackEndOptions = {},
): { readonly its: BackEnd } {
  const logins = new Logins(desk);
  const held: { its: BackEnd } = { its: undefined as never };
  beforeAll(async () => {
    const login = await logins.add(`back_end_${role}`, role);
    held.its = new BackEnd(logins.url(login), endpoints, open);
  });
  afterAll(() => held.its.end());
  return held;
}
