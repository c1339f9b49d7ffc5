import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';
import { compareShards } from '../../shards/compare-shards.ts';
import { requireShards } from '../../shards/shard.ts';

/** `quota shards list`: `ShardState`s in the order of the file; 3 where shards differ, 75 where one is away. */
export const shardsList = defineCommand(
  {
    details:
      'Compared with the first that answers: plans, meters, tables and functions. Exit code 3 where they differ, 75 where a shard is away.',
    examples: [
      ['quota shards list', 'do all answer, with the same plans?'],
      ['quota shards list --json', 'for scripts: [].state is ok, differs or away'],
    ],
  },
  async (context) => {
    const states = await compareShards(requireShards(context), context.signal);
    const rows = states.map(({ detail, ...state }) => ({ ...state, detail: detail.join(', ') }));
    await context.output.write({
      data: states,
      rows,
      columns: [
        { key: 'name', isKept: true },
        { key: 'number', align: 'right' },
        { key: 'buckets' },
        { key: 'users', align: 'right' },
        { key: 'state', isKept: true },
        { key: 'detail', title: 'differs, or why it is away' },
      ],
    });
    if (states.some(({ state }) => state === 'away')) {
      return exitCodes.tryAgain;
    }
    return states.some(({ state }) => state === 'differs') ? exitCodes.differences : exitCodes.ok;
  },
);
