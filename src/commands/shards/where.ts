import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { findOwner } from '../../shards/find-owner.ts';
import { bucketOf, requireShards, shardOfBucket } from '../../shards/shard.ts';

/** `quota shards where USER`: `{user, shard, number, bucket, isThere}`; `isThere` false: a new user of that external id belongs there. */
export const shardsWhere = defineCommand(
  {
    arguments: { user: argument('id, external id or email; an external id that nobody has yet, too') },
    examples: [
      ['quota shards where user_00042', 'which database an app connects to for this user'],
      ["quota shards where user_00042 --jq '.shard'", 'only the name'],
    ],
  },
  async (context, options) => {
    const shards = requireShards(context);
    const owner = await findOwner(shards, options.user, context.signal);
    const user = owner?.externalId ?? options.user.trim();
    const { name, number } = owner?.shard ?? shardOfBucket(shards, user);
    await context.output.write({
      data: { user, shard: name, number, bucket: bucketOf(user), isThere: owner !== undefined },
      text: ({ isThere, shard, bucket }, style) =>
        isThere
          ? `${user} is in ${style.bold(shard)}`
          : `nobody has ${user}; a new user of that external id belongs to ${style.bold(shard)} (bucket ${bucket})`,
    });
    return exitCodes.ok;
  },
);
