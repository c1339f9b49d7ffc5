import type { Choice } from '../context.ts';
import { printable } from '../printable.ts';
import type { ProcessLike } from './process-like.ts';

/** Asks a person at a terminal. */
export interface Prompt {
  /** False without a terminal on stdin and stderr, and with `--no-input`: nobody is there to ask. */
  readonly interactive: boolean;
  confirm(message: string): Promise<boolean>;
  text(message: string): Promise<string>;
  /** One of several, the first shown being `initial`. */
  choose<T extends string>(message: string, choices: readonly Choice<T>[], initial: T): Promise<T>;
}

/** So many choices are shown at a time. */
const pageSize = 12;

interface Question {
  type: 'confirm' | 'input' | 'select';
  message: string;
  default?: boolean | string;
  choices?: readonly Choice[];
  loop?: boolean;
  pageSize?: number;
}

/**
 * Prompts on stderr; inquirer is loaded by the first question. Not even stdin is touched before: opening it takes 5 ms.
 * @param mayAsk false with `--no-input`
 */
export function createPrompt(process: ProcessLike, signal: AbortSignal, mayAsk = true): Prompt {
  const ask = async <T>(question: Question): Promise<T> => {
    const { default: inquirer } = await import('inquirer');
    const prompt = inquirer.createPromptModule({ input: process.stdin, output: process.stderr, signal });
    const answers = await prompt([{ ...question, message: printable(question.message), name: 'answer' }]);
    return answers.answer as T;
  };
  return {
    get interactive() {
      return mayAsk && process.stdin.isTTY === true && process.stderr.isTTY === true;
    },
    confirm: (message) => ask({ type: 'confirm', message, default: false }),
    text: (message) => ask({ type: 'input', message }),
    choose: (message, choices, initial) =>
      ask({
        ...{ type: 'select', message, default: initial, loop: false, pageSize },
        choices: choices.map(({ name, value }) => ({ name: printable(name), value })),
      }),
  };
}
