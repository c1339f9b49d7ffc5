import { afterAll } from 'vitest';
import type { Desk } from '../desk/desk.ts';

export type RoleName = 'app' | 'operator' | 'finance' | 'readonly';

/** Logins of a database of its own. Roles belong to the whole server: each database has others, and drops them. */
export class Logins {
  readonly #desk: Desk;
  readonly #made: string[] = [];

  constructor(desk: Desk) {
    this.#desk = desk;
    afterAll(async () => {
      for (const name of this.#made) {
        await desk.query(`drop owned by ${name}; drop role ${name}`);
      }
    });
  }

  /** Makes a login that is a member of roles, one of apps also registered as that of a whole app; its name. */
  async add(name: string, ...roles: readonly RoleName[]): Promise<string> {
    const login = `${this.#desk.name}_${name}`.slice(0, 60);
    const membership = roles.length === 0 ? '' : `in role ${roles.map((role) => `quota_${role}`).join(', ')}`;
    await this.#desk.query(`create role ${login} login ${membership}`);
    this.#made.push(login);
    if (roles.includes('app')) {
      await this.#desk.json('login', 'allow', login, '--reason', 'test', '--yes');
    }
    return login;
  }

  /** The database of the desk, for a login. */
  url(login: string): string {
    return this.#desk.url.replace(/\/\/(?:[^/@]*@)?/, `//${login}@`);
  }

  /** Runs statements one after the other in a session of a login; the rows of the last. */
  as(login: string, ...statements: readonly string[]): Promise<Record<string, unknown>[]> {
    return this.#desk.session(async (client) => {
      await client.query(`set session authorization ${login}`);
      let rows: Record<string, unknown>[] = [];
      for (const statement of statements) {
        rows = (await client.query(statement)).rows;
      }
      return rows;
    });
  }
}
