import type { Shard } from '../context.ts';
import { QuotaError } from '../errors.ts';
import { askShard } from './ask-shard.ts';
import { type Definitions, selectDefinitions } from './definitions-store.ts';

/** A shard as it answers now. */
export interface ShardState {
  name: string;
  number: number;
  buckets: string;
  state: 'ok' | 'differs' | 'away';
  /** Null where it is away. */
  users: number | null;
  /** What another shard has otherwise: `plan voice-free`, `meter messages`; or why it is away. */
  detail: string[];
}

/**
 * What each shard has, and where its plans, meters, tables or functions are not those of the first that answers: a user
 * must have the same wherever he is.
 */
export async function compareShards(shards: readonly Shard[], signal?: AbortSignal): Promise<ShardState[]> {
  const answers = await Promise.all(shards.map((shard) => askShard(shard, selectDefinitions, signal)));
  const model = answers.find((answer): answer is Definitions => !(answer instanceof QuotaError));
  return shards.map(({ name, number, buckets: { from, to } }, index): ShardState => {
    const shard = { name, number, buckets: `${from}-${to}` };
    const answer = answers[index];
    if (answer === undefined || answer instanceof QuotaError) {
      return { ...shard, state: 'away', users: null, detail: [answer?.message ?? 'it does not answer'] };
    }
    const detail = model === undefined ? [] : differences(answer.parts, model.parts);
    return { ...shard, state: detail.length === 0 ? 'ok' : 'differs', users: answer.users, detail };
  });
}

const differences = (own: Readonly<Record<string, string>>, others: Readonly<Record<string, string>>) =>
  [...new Set([...Object.keys(own), ...Object.keys(others)])]
    .filter((key) => own[key] !== others[key])
    .sort();
