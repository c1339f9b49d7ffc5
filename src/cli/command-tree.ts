import type { Command } from 'commander';
import type { Command as Definition, Entry, Group, OnShards } from '../declarations/command.ts';
import { addExplanation, declare, givenArguments, letMiss, setParsers } from './declare-command.ts';
import type { GlobalOptions } from './global-options.ts';
import type { WrittenCommands } from './written-commands.ts';

/** Runs a command with what was given on its command line. */
export type Run = (
  definition: Definition,
  given: {
    globals: GlobalOptions;
    values: Readonly<Record<string, unknown>>;
    onShards: OnShards | undefined;
    readsReplica: boolean;
  },
) => Promise<void>;

/**
 * The commands of a program, of which only names and summaries are there at first: a group is loaded when it is named,
 * a command when it runs. `quota --help` loads neither.
 */
export class CommandTree {
  readonly root: Command;
  readonly #run: Run;
  readonly #entries = new Map<Command, Entry>();
  readonly #opened = new Map<Command, Promise<void>>();
  readonly #defaults = new Map<Command, Command>();
  #written: () => Promise<WrittenCommands> = async () => ({});

  constructor(root: Command, entries: Group['commands'], run: Run) {
    this.root = root;
    this.#run = run;
    this.#add(root, entries);
  }

  /** The line of a command in the table of its group; undefined for the program itself. */
  entryOf(command: Command): Entry | undefined {
    return this.#entries.get(command);
  }

  /** The command of a group that runs when none is named. */
  defaultOf(command: Command): Command | undefined {
    return this.#defaults.get(command);
  }

  /** The first example of a command. */
  async exampleOf(command: Command): Promise<string | undefined> {
    const entry = this.#entries.get(command);
    return entry === undefined || 'loadGroup' in entry ? undefined : (await entry.load()).examples[0]?.[0];
  }

  find(command: Command, name: string): Command | undefined {
    return command.commands.find((child) => child.name() === name);
  }

  /**
   * From here on, commands are opened with what the build has written down of them: enough to explain and to complete
   * them, without loading any.
   */
  useWritten(): void {
    let written: Promise<WrittenCommands> | undefined;
    this.#written = () => {
      written ??= import('./written-commands.ts').then(({ readWrittenCommands }) => readWrittenCommands());
      return written;
    };
  }

  /** Declares what is below a name: the commands of a group, or the arguments and options of a command. */
  open(command: Command): Promise<void> {
    const opened = this.#opened.get(command) ?? this.#open(command);
    this.#opened.set(command, opened);
    return opened;
  }

  /** Opens all commands of a group. */
  async openAll(group: Command): Promise<void> {
    await Promise.all(group.commands.map((child) => this.open(child)));
  }

  /** Makes a command ready to run: its handler, and the parsers of its values. */
  async load(command: Command): Promise<void> {
    await this.open(command);
    const entry = this.#entries.get(command);
    if (entry === undefined || 'loadGroup' in entry) {
      return;
    }
    const definition = await entry.load();
    setParsers(command, definition);
    letMiss(command, definition);
    command.action(() =>
      this.#run(definition, {
        globals: command.optsWithGlobals<GlobalOptions>(),
        values: { ...command.opts(), ...givenArguments(command, definition.arguments) },
        onShards: entry.onShards,
        readsReplica: entry.readsReplica === true,
      }),
    );
  }

  /** Finds the summaries that a list of a group's commands wants and that its table does not have. */
  async describe(group: Command): Promise<void> {
    await Promise.all(group.commands.map((child) => this.#describe(child)));
  }

  async #describe(command: Command): Promise<void> {
    const summary = this.#entries.get(command)?.summary;
    if (typeof summary === 'function') {
      command.description((await this.#writtenOf(command))?.summary ?? (await summary()));
    }
  }

  async #open(command: Command): Promise<void> {
    const entry = this.#entries.get(command);
    if (entry === undefined) {
      return;
    }
    if ('loadGroup' in entry) {
      this.#openGroup(command, await entry.loadGroup());
      return;
    }
    await this.#describe(command);
    declare(command, (await this.#writtenOf(command)) ?? (await entry.load()));
  }

  async #writtenOf(command: Command) {
    return (await this.#written())[nameOf(command)];
  }

  #openGroup(command: Command, { commands, defaultCommand, ...explanation }: Group): void {
    this.#add(command, commands);
    addExplanation(command, explanation);
    const byDefault = defaultCommand === undefined ? undefined : this.find(command, defaultCommand);
    if (byDefault !== undefined) {
      this.#defaults.set(command, byDefault);
    }
  }

  #add(parent: Command, entries: Group['commands']): void {
    parent.helpCommand(false); // Read by `readWords`.
    for (const [name, entry] of Object.entries(entries)) {
      const command = parent.command(name, { hidden: 'isHidden' in entry });
      if (typeof entry.summary === 'string') {
        command.description(entry.summary);
      }
      this.#entries.set(command, entry);
    }
  }
}

/** `user show`, without the name of the program. */
export const nameOf = (command: Command): string =>
  command.parent === null ? '' : `${nameOf(command.parent)} ${command.name()}`.trim();
