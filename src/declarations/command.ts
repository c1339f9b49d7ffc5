import type { Context } from '../context.ts';
import type { ExitCode } from '../errors.ts';
import type { ArgumentDeclarations, Given, OptionDeclarations } from './option.ts';

/** A command line and what it is for. */
export type Example = readonly [commandLine: string, purpose: string];

/** What a command can be given, and how that is explained. Its name and summary stand in the table of its group. */
export interface CommandDeclaration<
  Arguments extends ArgumentDeclarations = ArgumentDeclarations,
  Options extends OptionDeclarations = OptionDeclarations,
> {
  readonly arguments?: Arguments;
  readonly options?: Options;
  /** What the help says below the options, besides the summary. */
  readonly details?: string;
  readonly examples: readonly Example[];
}

/** The values that the handler of a declaration gets: arguments and options under their own names. */
export type OptionsOf<Declaration> =
  Declaration extends CommandDeclaration<infer Arguments, infer Options>
    ? Given<Arguments> & Given<Options>
    : never;

/** A command as the program tree knows it. */
export interface Command extends CommandDeclaration {
  /** A method, so that a handler that wants the values of its own declaration fits. */
  run(context: Context, options: Readonly<Record<string, unknown>>): Promise<ExitCode>;
}

type Nothing = Record<never, never>;

/** A declaration that a file refers to besides the command that is made of it. */
export const declareCommand = <
  Arguments extends ArgumentDeclarations = Nothing,
  Options extends OptionDeclarations = Nothing,
>(
  declaration: CommandDeclaration<Arguments, Options>,
): CommandDeclaration<Arguments, Options> => declaration;

/** A command that other code can call with the values of its declaration, checked. */
export interface DefinedCommand<Arguments extends ArgumentDeclarations, Options extends OptionDeclarations>
  extends CommandDeclaration<Arguments, Options> {
  run(context: Context, options: Given<Arguments> & Given<Options>): Promise<ExitCode>;
}

/** A declaration with its handler: options in, exit code out. */
export const defineCommand = <
  Arguments extends ArgumentDeclarations = Nothing,
  Options extends OptionDeclarations = Nothing,
>(
  declaration: CommandDeclaration<Arguments, Options>,
  run: (context: Context, options: Given<Arguments> & Given<Options>) => Promise<ExitCode>,
): DefinedCommand<Arguments, Options> => ({ ...declaration, run });

/**
 * What a command does where there are shards: `each` runs on all of them at once, `inTurn` one after the other, as whatever
 * speaks to the provider does; `owner` on that of its argument `user`, `newcomer` where such a user is made; `itself` asks
 * those of the settings as it likes, `destination` is on the one of its option `to` and may ask the others, `nowhere` is about no database. Without it a command is of no shard, or of the one that is named.
 */
export type OnShards = 'each' | 'inTurn' | 'owner' | 'newcomer' | 'itself' | 'destination' | 'nowhere';

/** A line in the table of a group. Nothing of the command is loaded before it is named. */
export interface CommandEntry {
  /** One line for lists. */
  readonly summary: string | (() => Promise<string>);
  readonly load: () => Promise<Command>;
  /** What it takes away does not come back: never offered in place of a word that was mistyped. */
  readonly isDestructive?: true;
  /** Left out of lists. */
  readonly isHidden?: true;
  readonly onShards?: OnShards;
  /**
   * It lists or reports, and nothing is decided by it: where there is a replica, that is asked, which cannot be written to and
   * may be a moment behind.
   */
  readonly readsReplica?: true;
}

/** The commands under one name. */
export interface Group {
  readonly commands: Readonly<Record<string, Entry>>;
  /** The command that runs when none is named. */
  readonly defaultCommand?: string;
  readonly details?: string;
  readonly examples: readonly Example[];
}

export interface GroupEntry {
  readonly summary: string;
  readonly loadGroup: () => Promise<Group>;
}

export type Entry = CommandEntry | GroupEntry;
