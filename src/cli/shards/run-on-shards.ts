import PQueue from 'p-queue';
import type { Context, Settings, Shard, Talk } from '../../context.ts';
import { expectedError } from '../../db/expected-error.ts';
import type { Command, OnShards } from '../../declarations/command.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';
import { findOwner, type Owner, requireOwner } from '../../shards/find-owner.ts';
import { namedByShard, noShardsError, shardNamed, shardOfBucket } from '../../shards/shard.ts';
import { readShardFile } from '../../shards/shard-file.ts';
import { shellWord } from '../../shell-word.ts';
import type { TerminalStream } from '../process-like.ts';
import { createRedactor } from '../redactor.ts';
import { reportError } from '../report-error.ts';
import { ShardOutput } from './shard-output.ts';

/** Shards that are worked on at a time, where it does not matter which is first. */
const parallelMax = 4;

export interface ShardRequest {
  definition: Command;
  values: Readonly<Record<string, unknown>>;
  onShards: OnShards | undefined;
  shard: string | undefined;
  allShards: boolean;
  /** `--database-url` was given: that database is meant, whatever shards there are. */
  isNamed: boolean;
  variables: Readonly<Record<string, string | undefined>>;
  stderr: Pick<TerminalStream, 'write'>;
  isLog: boolean;
}

/**
 * Runs a command where it belongs: on the shard that is named, on that of the user it is about, on all of them with one report
 * and the worst exit code, or, of what is of no shard, on the database of DATABASE_URL.
 * @throws configurationError, usageError; what `findOwner` throws
 */
export async function runOnShards(context: Context, request: ShardRequest): Promise<ExitCode> {
  const { definition, values, onShards, shard: name, allShards, isNamed, variables } = request;
  const file = context.settings.shardsFile;
  if (file === undefined) {
    throw noShardsError();
  }
  const shards = await readShardFile(file, variables);
  /** The database of the settings, which is none of them, and may ask them. */
  const besides = withSettings(context, { ...context.settings, shards }, context.talk);
  if (onShards === 'itself') {
    return definition.run(besides, values);
  }
  if (onShards === 'destination') {
    return definition.run(contextOf(besides, shardNamed(shards, String(values.to)), context.talk), values);
  }
  if (name !== undefined) {
    return definition.run(contextOf(besides, shardNamed(shards, name), context.talk), values);
  }
  if (allShards) {
    return runOnAll(context, shards, request);
  }
  if (isNamed) {
    return definition.run(besides, values);
  }
  const users = usersOf(values);
  if (onShards === 'newcomer' || onShards === 'owner' || (onShards !== undefined && users.length > 0)) {
    const shard = await (onShards === 'newcomer'
      ? shardOfNewcomer(context, shards, users)
      : shardOfUsers(context, shards, users));
    context.talk.verbose(`shard ${shard.name}`);
    return definition.run(contextOf(besides, shard, context.talk), values);
  }
  if (onShards === undefined && context.settings.databaseUrl !== undefined) {
    return definition.run(besides, values);
  }
  throw usageError('which shard is meant?', {
    detail: `there are ${shards.map((shard) => shard.name).join(', ')}`,
    suggestion: `${onShards === undefined ? '' : '--all-shards for all of them, '}--shard NAME for one, --database-url for a database that is none`,
  });
}

/** Who a command line is about: its argument or option `user`, or its `users`. */
function usersOf({ user, users }: Readonly<Record<string, unknown>>): string[] {
  const all: unknown[] = Array.isArray(users) ? users : [user];
  return all.filter((one): one is string => typeof one === 'string');
}

async function shardOfUsers(
  context: Context,
  shards: readonly Shard[],
  users: readonly string[],
): Promise<Shard> {
  const owners: Owner[] = [];
  for (const user of users) {
    owners.push(await requireOwner(shards, user, context.signal));
  }
  const [first] = owners;
  if (first === undefined) {
    throw usageError('who is meant?', { suggestion: 'name the user, or the shard with --shard' });
  }
  if (owners.some(({ shard }) => shard !== first.shard)) {
    throw usageError('these users are in several shards', {
      detail: owners.map(({ shard, externalId }) => `${externalId}: ${shard.name}`).join('\n'),
      suggestion: 'name those of one shard at a time',
    });
  }
  return first.shard;
}

/** Where somebody of this external id is already, else where a new one belongs. */
async function shardOfNewcomer(
  context: Context,
  shards: readonly Shard[],
  [user = '']: readonly string[],
): Promise<Shard> {
  const owner = await findOwner(shards, user, context.signal);
  return owner?.externalId === user ? owner.shard : shardOfBucket(shards, user);
}

interface Outcome {
  shard: string;
  exitCode: ExitCode;
  error?: { code: string; message: string };
}

/** All shards, each as if it were alone; what one cannot do, the others do all the same. */
async function runOnAll(
  context: Context,
  shards: readonly Shard[],
  { definition, values, onShards, stderr, isLog }: ShardRequest,
): Promise<ExitCode> {
  if (onShards !== 'each' && onShards !== 'inTurn') {
    throw usageError('this is not done for all shards at once', { suggestion: 'name one with --shard' });
  }
  const output = new ShardOutput(
    context.output,
    shards.map(({ name }) => name),
  );
  // Somebody who is asked is asked of one shard at a time; a provider's rate is that of all of them together.
  const concurrency = onShards === 'inTurn' || context.canAsk ? 1 : parallelMax;
  const queue = new PQueue({ concurrency });
  const outcomes = await queue.addAll(
    shards.map((shard) => async (): Promise<Outcome> => {
      const talk = talkOf(context.talk, shard.name);
      const own = contextOf(context, shard, talk);
      Object.defineProperty(own, 'output', { value: output.of(shard.name) });
      try {
        context.signal.throwIfAborted();
        return { shard: shard.name, exitCode: await definition.run(own, values) };
      } catch (error) {
        const exitCode = reportError(error, {
          stderr: { write: (text: string) => stderr.write(isLog ? text : `${shard.name}: ${text}`) },
          json: false,
          isLog,
          redact: own.redact,
          interrupted: undefined,
        });
        const { code, message } = expectedError(error) ?? { code: 'bug', message: String(error) };
        return { shard: shard.name, exitCode, error: { code, message: own.redact(message) } };
      } finally {
        output.end(shard.name);
      }
    }),
  );
  const next = await output.finish(outcomes);
  if (next !== null) {
    context.talk.info(`There are more: --after ${shellWord(next)}`);
  }
  return worst(outcomes.map(({ exitCode }) => exitCode));
}

/** A bug is worse than what a shard cannot do now, that than what was found. */
function worst(codes: readonly ExitCode[]): ExitCode {
  return codes.includes(exitCodes.bug) ? exitCodes.bug : (codes.toSorted((a, b) => b - a)[0] ?? exitCodes.ok);
}

function contextOf(context: Context, shard: Shard, talk: Talk): Context {
  const { name, number, url } = shard;
  const settings = {
    ...context.settings,
    databaseUrl: url,
    databaseNamedBy: namedByShard(shard),
    shard: { name, number },
  };
  return withSettings(context, settings, talk);
}

/** The context of a command with other settings: all else is as it was, and is asked for only when it is used. */
function withSettings(context: Context, settings: Settings, talk: Talk): Context {
  const redactOwn = createRedactor(settings);
  const redact = (text: string) => redactOwn(context.redact(text));
  const withDatabase: Context['withDatabase'] = async (use, options) => {
    const { withDatabase: open } = await import('../../db/connection.ts');
    return open({ settings, asOf: context.asOf, signal: context.signal, warn: talk.warn, ...options }, use);
  };
  const overriding = Object.entries({ settings, talk, redact, withDatabase });
  return Object.create(
    context,
    Object.fromEntries(overriding.map(([name, value]) => [name, { value, configurable: true }])),
  );
}

/** Every line says of which shard it is. */
function talkOf(talk: Talk, shard: string): Talk {
  return {
    isQuiet: talk.isQuiet,
    info: (message) => talk.info(`${shard}: ${message}`),
    warn: (message) => talk.warn(`${shard}: ${message}`),
    verbose: (message) => talk.verbose(`${shard}: ${message}`),
    withProgress: (label, total, use) => talk.withProgress(`${shard}: ${label}`, total, use),
  };
}
