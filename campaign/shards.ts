import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import type { Ground } from './ground.ts';
import type { Step } from './step.ts';

export const shardNames = ['shard_a', 'shard_b', 'shard_c'] as const;
const lastBuckets = [341, 682, 1023] as const;
/** As the file calls it. */
export const keyOfShard = (name: string) => name.replace('_', '-');
const urlVariable = (index: number) => `SHARD_${index}_URL`;
/** Nobody listens there. */
const awayUrl = 'postgresql://quota@127.0.0.1:1/away?sslmode=disable';

/** The shard whose buckets have an external id, reckoned as any app may. */
function shardOf(user: string): string {
  const bucket = createHash('sha256').update(user).digest().readUInt16BE(0) % 1024;
  return shardNames[lastBuckets.findIndex((last) => bucket <= last)] ?? shardNames[0];
}

/** What the databases share. */
interface Surroundings extends Pick<Ground, 'folder' | 'fullDisk' | 'line' | 'crash'> {
  lookIn<Row extends pg.QueryResultRow>(database: string, sql: string, values: unknown[]): Promise<Row[]>;
  connectTo(database: string, name: string): Promise<pg.Client>;
  urlOf(step: Step, database: string): string;
  baseEnvironment(): NodeJS.ProcessEnv;
}

/** Three databases beside the main one, each with some of the users. */
export class Shards implements Ground {
  readonly #place: Surroundings;
  /** Users who are elsewhere than in the shard of their bucket. */
  readonly #elsewhere = new Map<string, string>();

  constructor(place: Surroundings) {
    this.#place = place;
  }

  get folder() {
    return this.#place.folder;
  }

  get fullDisk() {
    return this.#place.fullDisk;
  }

  get line() {
    return this.#place.line;
  }

  /** Where a user is, or is to be made. */
  homeOf(user: string): string {
    return this.#elsewhere.get(user) ?? shardOf(user);
  }

  /** On the first day one of them is elsewhere. */
  begin(): void {
    this.#elsewhere.clear();
    this.moved('user-4', shardNames[0]);
  }

  /** Somebody is there from now on. */
  moved(user: string, shard: string): void {
    this.#elsewhere.set(user, shard);
  }

  /** Writes the file of the shards, and makes each of their databases one of them. */
  async open(quota: (words: readonly string[], env: NodeJS.ProcessEnv) => Promise<string>): Promise<void> {
    const entries = shardNames.map((name, index) => {
      const from = index === 0 ? 0 : (lastBuckets[index - 1] ?? 0) + 1;
      return `  - { name: ${keyOfShard(name)}, number: ${index}, url_variable: ${urlVariable(index)}, buckets: ${from}-${lastBuckets[index]} }\n`;
    });
    writeFileSync(this.#file, `shards:\n${entries.join('')}`);
    const env = this.environment({ n: -1, at: '', kind: 'arrange', params: {} });
    await quota(['db', 'migrate', '--all-shards'], env);
    // Users of a campaign have the signup that its model knows: nobody is made in passing.
    await this.look(`update quota.settings set value = 'off' where name = 'auto_create_users'`);
  }

  async look<Row extends pg.QueryResultRow = Record<string, string | null>>(
    sql: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    const all = await Promise.all(
      shardNames.map(async (shard) =>
        (await this.#place.lookIn<Row>(shard, sql, values)).map((row) => ({ ...row, shard })),
      ),
    );
    return all.flat();
  }

  connect(name: string, { params }: Step): Promise<pg.Client> {
    return this.#place.connectTo(this.homeOf(`user-${params.user}`), name);
  }

  /** One of them may be away: then its URL leads nowhere. */
  environment(step: Step): NodeJS.ProcessEnv {
    const urls = shardNames.map((shard, index) => [
      urlVariable(index),
      step.params.away === index ? awayUrl : this.#place.urlOf(step, shard),
    ]);
    return { ...this.#place.baseEnvironment(), QUOTA_SHARDS: this.#file, ...Object.fromEntries(urls) };
  }

  /** A user is in one shard, where an app looks for him; an id is that of one row of one shard. */
  async differences(): Promise<string[]> {
    const users = await this.look(`select external_id from quota.users order by external_id`);
    const strays = users.filter(({ external_id, shard }) => this.homeOf(external_id ?? '') !== shard);
    const ids = await this.look(
      `select 'call' as what, id::text, id % 64 as maker from quota.call_logs
       union all select 'correction', id::text, id % 64 from quota.adjustments
       union all select 'grant', id::text, id % 64 from quota.grants`,
    );
    const seen = new Set<string>();
    const wrong = ids.filter(({ what, id, maker }) => {
      const isKnown = seen.has(`${what} ${id}`);
      seen.add(`${what} ${id}`);
      return isKnown || Number(maker) < 1 || Number(maker) > shardNames.length;
    });
    return [
      ...strays.map((row) => `somebody is where nobody looks for him: ${JSON.stringify(row)}`),
      ...wrong
        .slice(0, 3)
        .map((row) => `an id that two shards have, or none can make: ${JSON.stringify(row)}`),
    ];
  }

  crash(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void> {
    return this.#place.crash(signal);
  }

  get #file() {
    return join(this.folder, 'shards.yaml');
  }
}
