import { CommanderError } from 'commander';
import type { Command } from '../declarations/command.ts';
import { longFlag } from './declare-command.ts';
import type { GlobalOptions } from './global-options.ts';
import type { ProcessLike } from './process-like.ts';

/**
 * Whether what a command line lacks is asked for: of a person who sits at a terminal and reads tables. Whoever wants
 * JSON or quiet has written a line for a program, and gets the error instead.
 */
export const canGuide = (
  { stdin, stderr, env }: ProcessLike,
  { input, quiet, output = 'table' }: GlobalOptions,
): boolean =>
  input !== false &&
  quiet !== true &&
  output === 'table' &&
  stdin.isTTY === true &&
  stderr.isTTY === true &&
  env.TERM !== 'dumb';

/** A start of the program with nothing to do, by somebody who sits there and can say what. */
export const isOpenStart = ({ stdout }: ProcessLike, words: readonly string[]): boolean =>
  words.length === 0 && stdout.isTTY === true;

/** The error for what a person would be asked for, where nobody is. */
export function whatIsMissing(
  { arguments: declared = {}, options = {} }: Command,
  values: Readonly<Record<string, unknown>>,
): CommanderError | undefined {
  const isMissing = ([name, { isAsked }]: [string, { isAsked?: true }]) =>
    isAsked === true && values[name] === undefined;
  const [argument] = Object.entries(declared).find(isMissing) ?? [];
  if (argument !== undefined) {
    return missing(`missing required argument '${argument}'`);
  }
  const [name, option] = Object.entries(options).find(isMissing) ?? [];
  return name === undefined || option === undefined
    ? undefined
    : missing(`required option '${longFlag(name, option)} <${option.placeholder}>' not specified`);
}

/** As commander says it, so that the same is told with it. */
const missing = (message: string) => new CommanderError(2, 'commander.missing', `error: ${message}`);
