import { type Command, CommanderError } from 'commander';
import { type ExitCode, exitCodes, usageError } from '../errors.ts';
import type { CommandTree } from './command-tree.ts';
import { wantsJsonErrors, wantsJsonLog } from './global-options.ts';
import { canGuide, isOpenStart } from './guided.ts';
import type { ProcessLike, ResultStream } from './process-like.ts';
import { createProgram } from './program.ts';
import { readWords } from './read-words.ts';
import { createCommandRunner } from './run-command.ts';
import { listenForSignals } from './signals.ts';
import { wrappedFor } from './wrap-text.ts';

/**
 * Runs one command line to its end and returns its exit code. Never ends the process itself.
 * @param stdout where results go, if not to the stream of the process
 */
export async function main(given: ProcessLike, stdout?: ResultStream): Promise<ExitCode> {
  const process = withPatientStreams(given, stdout);
  const interruption = listenForSignals(process);
  const runner = createCommandRunner(process, interruption);
  try {
    await runCommandLine(createProgram(process, runner.run), process, interruption.signal);
    return interruption.exitCode() ?? runner.exitCode() ?? exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError && isAnswer(error)) {
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    }
    const { reportError } = await import('./report-error.ts');
    return reportError(error instanceof CommanderError ? asUsageError(error) : error, {
      stderr: process.stderr,
      json: wantsJsonErrors(process.argv),
      isLog: wantsJsonLog(process.argv),
      redact: runner.redact,
      interrupted: interruption.exitCode(),
    });
  } finally {
    interruption.dispose();
  }
}

/**
 * Node opens a standard stream when it is first asked for, which takes a start some milliseconds: here that is when it is
 * used. That nobody reads the talk is no reason to fail; of the result whoever writes it is told.
 */
function withPatientStreams(process: ProcessLike, stdout?: ResultStream): ProcessLike {
  const opened = new Set<ResultStream>();
  const patient = <S extends ResultStream>(stream: S): S => {
    if (!opened.has(stream)) {
      stream.on('error', () => {});
      opened.add(stream);
    }
    return stream;
  };
  const { argv, env, platform, pid } = process;
  return {
    ...{ argv, env, platform, pid },
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return patient(stdout ?? process.stdout);
    },
    get stderr() {
      return patient(process.stderr);
    },
    cwd: () => process.cwd(),
    kill: (...args) => process.kill(...args),
    on: (...args) => process.on(...args),
    off: (...args) => process.off(...args),
  };
}

/** Loads what the words name, and runs it, or explains it where they ask for help. @throws usageError */
async function runCommandLine(tree: CommandTree, process: ProcessLike, signal: AbortSignal): Promise<void> {
  const { stdout } = process;
  const words = await wantedWords(tree, process, signal);
  if (words.some((word) => helpWords.includes(word))) {
    tree.useWritten();
  }
  const read = await readWords(tree, words);
  const { command, target, isExplained, unknown, ordered } = read;
  if (unknown !== undefined) {
    const { isTopic, topicNames, topicText } = await import('./topics/topics.ts');
    const isAlone = read.isHelp && unknown.parent === tree.root && read.argumentCount === 1;
    if (isAlone && isTopic(unknown.word)) {
      stdout.write(wrappedFor(stdout, await topicText(unknown.word)));
      return;
    }
    const { unknownCommandError } = await import('./hints.ts');
    throw unknownCommandError(tree, unknown, isAlone ? topicNames : []);
  }
  await tree.describe(command);
  const usage = usageOf(target);
  if (!isExplained) {
    await tree.load(target);
  }
  try {
    await tree.root.parseAsync(ordered, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && !isAnswer(error)) {
      throw asUsageError(error, { usage, example: await tree.exampleOf(target) });
    }
    throw error;
  }
}

/** `quota usage check [options] --service <service> [user]`: with the options that have to be there. */
function usageOf(command: Command): string {
  const required = command.options.filter(({ mandatory }) => mandatory).map(({ flags }) => flags);
  return command
    .createHelp()
    .commandUsage(command)
    .replace('[options]', ['[options]', ...required].join(' '));
}

/** The words that were typed; none at all, and somebody is there: those of what is chosen. */
async function wantedWords(
  tree: CommandTree,
  process: ProcessLike,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const words = process.argv.slice(2);
  if (!(isOpenStart(process, words) && canGuide(process, {}))) {
    return words;
  }
  const [{ chosenLine, offerCommands }, { createPrompt }] = await Promise.all([
    import('./offer.ts'),
    import('./prompt.ts'),
  ]);
  tree.useWritten();
  const chosen = await offerCommands(tree, createPrompt(process, signal));
  process.stderr.write(chosenLine(chosen));
  return chosen[0] === 'help' ? ['--help'] : chosen;
}

/** Any of them may stand for something else: that is known once the words are read. */
const helpWords = ['help', '--help', '-h'];

/** Help and version have been printed; `commander.help` is the help of a group called without a command. */
const isAnswer = ({ code }: CommanderError) =>
  code === 'commander.helpDisplayed' || code === 'commander.help' || code === 'commander.version';

/** With how the command is called, and a line that can be changed and run, where one is known. */
function asUsageError(error: CommanderError, of?: { usage: string; example: string | undefined }) {
  const [message = '', similar] = error.message.replace(/^error: /, '').split('\n');
  const path = /^quota(?: [a-z-]+)*/.exec(of?.usage ?? 'quota')?.[0];
  return usageError(message, {
    detail:
      of === undefined || similar !== undefined // What was meant is answer enough.
        ? undefined
        : [`usage: ${of.usage}`, ...(of.example === undefined ? [] : [`example: ${of.example}`])].join('\n'),
    suggestion: similar?.replace(/[()]/g, '') ?? `${path} --help`,
  });
}
