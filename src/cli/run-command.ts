import type { Command } from 'commander';
import type { Handler } from '../context.ts';
import type { ExitCode } from '../errors.ts';
import type { GlobalOptions } from './create-context.ts';
import { checkGlobalOptions } from './global-options.ts';
import type { ProcessLike } from './process-like.ts';

/** Makes the action of a command from a lazy import of its handler. */
export type Run = <Options>(load: () => Promise<Handler<Options>>) => (...args: unknown[]) => Promise<void>;

export interface CommandRunner {
  run: Run;
  /** What the command returned; undefined when none ran (help, version). */
  exitCode(): ExitCode | undefined;
  /** Takes secrets out of a text, as soon as the settings that hold them are read. */
  redact(text: string): string;
}

/** Reads the settings, builds the context, loads the handler, runs it: all only once a command was chosen. */
export function createCommandRunner(process: ProcessLike, signal: AbortSignal): CommandRunner {
  let exitCode: ExitCode | undefined;
  let redact = (text: string) => text;
  return {
    exitCode: () => exitCode,
    redact: (text) => redact(text),
    run:
      (load) =>
      async (...args) => {
        const command = args.at(-1) as Command;
        const globals = checkGlobalOptions(command.optsWithGlobals<GlobalOptions>());
        const [{ prepareCommand }, handler] = await Promise.all([import('./prepare-command.ts'), load()]);
        const prepared = prepareCommand(process, globals, signal);
        redact = prepared.redact;
        exitCode = await handler(prepared.context, namedArguments(command) as Parameters<typeof handler>[1]);
      },
  };
}

/** The options of the command itself, and its arguments under their names. */
function namedArguments(command: Command): Record<string, unknown> {
  const entries = command.registeredArguments.map((argument, index) => [
    argument.name().replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
    command.processedArgs[index],
  ]);
  return { ...command.opts(), ...Object.fromEntries(entries) };
}
