import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import pg from 'pg';
import type { Desk } from '../desk/desk.ts';

export const supabaseRoles = ['anon', 'authenticated', 'service_role', 'back_office'] as const;
export type SupabaseRole = (typeof supabaseRoles)[number];

interface Reply {
  status: number;
  body: unknown;
}

const secret = 'a secret that only the servers of a project know';
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const signed = (text: string) => createHmac('sha256', secret).update(text).digest('base64url');

/** A token as the sign-in of a project gives it; the keys `anon` and `service_role` are such tokens, too. */
export function tokenOf(claims: { role: SupabaseRole; sub?: string; exp?: number }): string {
  const text = `${base64({ alg: 'HS256', typ: 'JWT' })}.${base64(claims)}`;
  return `${text}.${signed(text)}`;
}

/** The claims of a token; undefined: it is none of this project's, or over. */
function claimsOf(token: string): { role: SupabaseRole } | undefined {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const wanted = Buffer.from(signed(`${header}.${payload}`));
  const given = Buffer.from(signature);
  if (wanted.length !== given.length || !timingSafeEqual(wanted, given)) {
    return undefined;
  }
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return claims.exp !== undefined && claims.exp * 1000 < Date.now() ? undefined : claims;
}

/**
 * The part of PostgREST that serves functions: `POST /rest/v1/rpc/NAME` with named arguments, as the role and with the
 * claims of the token, in a transaction of its own (https://docs.postgrest.org/en/v13/references/api/functions.html).
 */
export class PostgrestServer {
  readonly #desk: Desk;
  readonly #pool: pg.Pool;
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then(({ status, body }) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(body === undefined ? '' : JSON.stringify(body)),
    );
  });

  private constructor(desk: Desk, login: string) {
    this.#desk = desk;
    const url = desk.url.replace(/\/\/(?:[^/@]*@)?/, `//${login}@`);
    this.#pool = new pg.Pool({ connectionString: url, max: 8 });
  }

  /** Makes the roles of a project, as docs/supabase.md says, and serves its functions. */
  static async start(desk: Desk): Promise<PostgrestServer> {
    const login = named(desk, 'authenticator');
    await desk.query(`create role ${login} login noinherit`);
    for (const role of supabaseRoles) {
      await desk.query(`create role ${named(desk, role)} nologin`);
      const group = role === 'back_office' ? 'quota_operator' : 'quota_app';
      await desk.query(`grant ${group} to ${named(desk, role)}`);
      await desk.query(`grant ${named(desk, role)} to ${login}`);
    }
    const bind = (...words: string[]) => desk.json('login', ...words, '--reason', 'Supabase', '--yes');
    await bind('bind', named(desk, 'authenticated'), '--claim', 'sub');
    await bind('bind', named(desk, 'anon'), '--claim', 'sub');
    await bind('allow', named(desk, 'service_role'));
    await bind('allow', named(desk, 'back_office'));
    const started = new PostgrestServer(desk, login);
    started.#server.listen(0, '127.0.0.1');
    await once(started.#server, 'listening');
    return started;
  }

  /** What a client is made with. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#pool.end();
    for (const role of ['authenticator', ...supabaseRoles]) {
      await this.#desk.query(
        `drop owned by ${named(this.#desk, role)}; drop role ${named(this.#desk, role)}`,
      );
    }
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const [, name] = /^\/rest\/v1\/rpc\/([a-z_]+)$/.exec(request.url ?? '') ?? [];
    const claims = claimsOf((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    if (claims === undefined) {
      return {
        status: 401,
        body: { code: 'PGRST301', message: 'JWT is not valid', details: null, hint: null },
      };
    }
    if (name === undefined || request.headers['content-profile'] !== 'quota') {
      return { status: 404, body: { code: 'PGRST125', message: 'Invalid path', details: null, hint: null } };
    }
    return await this.#call(name, claims, (await json(request)) as Record<string, unknown>);
  }

  async #call(name: string, claims: { role: SupabaseRole }, given: Record<string, unknown>): Promise<Reply> {
    const client = await this.#pool.connect();
    try {
      await client.query('begin');
      await client.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
        named(this.#desk, claims.role),
        JSON.stringify(claims),
      ]);
      const found = await client.query<FoundFunction>(findFunction, [name, Object.keys(given)]);
      const [called] = found.rows;
      if (called === undefined || found.rows.length > 1) {
        const code = called === undefined ? 'PGRST202' : 'PGRST203';
        return {
          status: called === undefined ? 404 : 300,
          body: { code, message: `quota.${name}`, details: null, hint: null },
        };
      }
      const { rows } = await client.query<{ answer: unknown }>(called.sql, [JSON.stringify(given)]);
      await client.query('commit');
      const answers = rows.map(({ answer }) => answer);
      return { status: 200, body: called.returns_set ? answers : answers[0] };
    } catch (error) {
      const { code, message, detail = null, hint = null } = error as pg.DatabaseError;
      const status = code === '42501' ? (claims.role === 'anon' ? 401 : 403) : 400;
      return { status, body: { code, message, details: detail, hint } };
    } finally {
      await client.query('rollback');
      client.release();
    }
  }
}

/** Roles belong to the whole server: each database has its own. */
const named = (desk: Desk, role: string) => `${desk.name}_sb_${role}`.slice(0, 60);

interface FoundFunction {
  sql: string;
  returns_set: boolean;
}

/** The functions that take just these names, and their call: each argument as the type that the function declares. */
const findFunction = `
  select p.proretset as returns_set,
    format('select to_json(f) as answer from json_to_record($1::json) a(%s), quota.%I(%s) f',
      coalesce(string_agg(format('%I %s', a.name, format_type(a.type, null)), ', ' order by a.n)
        filter (where a.name is not null), '"_" text'),
      p.proname, string_agg(format('%1$I => a.%1$I', a.name), ', ' order by a.n)
        filter (where a.name is not null)) as sql
  from pg_proc p
  left join lateral unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) with ordinality a(name, type, n)
    on a.name = any ($2)
  where p.pronamespace = 'quota'::regnamespace and p.proname = $1 and $2::text[] <@ coalesce(p.proargnames[1:p.pronargs], '{}')
    and coalesce(p.proargnames[1:p.pronargs - p.pronargdefaults], '{}') <@ $2::text[]
  group by p.oid`;
