import { afterAll, beforeAll } from 'vitest';
import { bucketOf } from '../../src/shards/shard.ts';
import { createTestDatabase, query, type TestDatabase } from '../database.ts';
import { Commands } from '../desk/commands.ts';
import { Folder } from '../desk/folder.ts';

const ranges = ['0-341', '342-682', '683-1023'];
export const shardNames = ['eu-1', 'eu-2', 'us-1'] as const;

/** Three databases and the file that makes them shards; a command line that knows them. */
export class ThreeShards {
  readonly folder = new Folder();
  readonly databases: TestDatabase[] = [];
  readonly commands: Commands;

  constructor(asOf: string) {
    this.commands = new Commands(() => ({ asOf, env: { QUOTA_SHARDS: this.folder.path('shards.yaml') } }));
  }

  async open(): Promise<void> {
    for (const _ of shardNames) {
      this.databases.push(await createTestDatabase());
    }
    this.write(this.databases.map(({ url }) => url));
  }

  /** Writes the file, with other URLs for instance. */
  write(urls: readonly string[]): void {
    const shards = shardNames.map(
      (name, index) =>
        `  - name: ${name}\n    number: ${index}\n    url: ${JSON.stringify(urls[index])}\n    buckets: ${ranges[index]}`,
    );
    this.folder.write('shards.yaml', ['shards:', ...shards]);
  }

  urlOf(name: (typeof shardNames)[number]): string {
    return this.databases[shardNames.indexOf(name)]?.url ?? '';
  }

  /** What one of them answers. */
  on = <Row extends Record<string, unknown>>(name: (typeof shardNames)[number], sql: string) =>
    query<Row>(this.urlOf(name), sql);

  async close(): Promise<void> {
    this.folder.remove();
    for (const database of this.databases) {
      await database.drop();
    }
  }
}

/** Where a new user of this external id belongs. */
export const placeOf = (externalId: string) =>
  shardNames[Math.min(2, Math.floor(bucketOf(externalId) / 342))];

export function useThreeShards(asOf: string): ThreeShards {
  const shards = new ThreeShards(asOf);
  beforeAll(() => shards.open());
  afterAll(() => shards.close());
  return shards;
}
