import { readFileSync } from 'node:fs';
import pg from 'pg';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { voiceMapping } from './voice-mapping.ts';

/** The product of fixtures/adopt/voice-app.sql in a database of its own, which a login may only read. */
export class SourceDatabase {
  readonly #database: TestDatabase;
  readonly #reader = `reader_${Math.random().toString(36).slice(2)}`;

  private constructor(database: TestDatabase) {
    this.#database = database;
  }

  static async create(): Promise<SourceDatabase> {
    const source = new SourceDatabase(await createTestDatabase('empty'));
    await source.query(readFileSync('fixtures/adopt/voice-app.sql', 'utf8'));
    const reader = source.#reader;
    await source.query(`
      alter table shop.phone_calls add updated_at timestamp not null default (now() at time zone 'Europe/Berlin');
      create index on shop.phone_calls (updated_at);
      create function shop.touch() returns trigger language plpgsql as
        $$ begin new.updated_at := now() at time zone 'Europe/Berlin'; return new; end $$;
      create trigger touch before update on shop.phone_calls for each row execute function shop.touch();
      create role ${reader} login password 'Wv9-of-the-reader';
      alter role ${reader} set datestyle = 'German'; alter role ${reader} set timezone = 'Asia/Tokyo';
      grant usage on schema shop to ${reader}; grant select on all tables in schema shop to ${reader}`);
    return source;
  }

  /** As the login that may only read. */
  get url(): string {
    return this.#database.url.replace(/\/\/[^/]*@/, `//${this.#reader}:Wv9-of-the-reader@`);
  }

  query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return query<Row>(this.#database.url, sql, values);
  }

  /** Another client of the app, in a transaction. */
  async session<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client(this.#database.url);
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  async drop(): Promise<void> {
    await this.query(`drop owned by ${this.#reader}; drop role ${this.#reader}`);
    await this.#database.drop();
  }
}

/** The mapping of the same product in another database. */
export const remoteMapping = voiceMapping.replace('  key: id\n', '  key: id\n  follow: updated_at\n');
