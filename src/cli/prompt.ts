import type { Choice, Search } from '../context.ts';
import { printable } from '../printable.ts';
import { fitLine } from './fit-line.ts';
import type { ProcessLike } from './process-like.ts';

/** Asks a person at a terminal. */
export interface Prompt {
  /** False without a terminal on stdin and stderr, and with `--no-input`: nobody is there to ask. */
  readonly interactive: boolean;
  confirm(message: string): Promise<boolean>;
  /** @param problemOf why a text will not do: then it is asked for again */
  text(message: string, problemOf?: (text: string) => string | undefined): Promise<string>;
  /** One of several, the first shown being `initial`. */
  choose<T extends string>(message: string, choices: readonly Choice<T>[], initial: T): Promise<T>;
  /** One of many, narrowed by what is typed. */
  search(message: string, search: Search): Promise<string>;
}

/** So many choices are shown at a time. */
const pageSize = 12;

interface ShownChoice extends Choice {
  /** What stands behind the question once it is chosen: its first part. */
  short: string;
}

interface Question {
  type: 'confirm' | 'input' | 'select' | 'search';
  message: string;
  default?: boolean | string;
  choices?: readonly ShownChoice[];
  loop?: boolean;
  pageSize?: number;
  validate?: (text: string) => true | string;
  source?: (typed: string | undefined, options: { signal: AbortSignal }) => Promise<readonly ShownChoice[]>;
  initialValue?: string;
}

/**
 * Prompts on stderr; inquirer is loaded by the first question. Not even stdin is touched before: opening it takes 5 ms.
 * @param mayAsk false with `--no-input`
 */
export function createPrompt(process: ProcessLike, signal: AbortSignal, mayAsk = true): Prompt {
  const ask = async <T>(question: Question): Promise<T> => {
    const { createPromptModule } = await import('./inquirer.ts');
    const prompt = createPromptModule({ input: process.stdin, output: process.stderr, signal });
    const answers = await prompt([{ ...question, message: printable(question.message), name: 'answer' }]);
    return answers.answer as T;
  };
  /** A choice takes a line: what does not fit is cut, beside the pointer in front of it. */
  const shown = <T extends string>({ name, value }: Choice<T>): ShownChoice => ({
    name: fitLine(printable(name), (process.stderr.columns || 80) - 2),
    short: printable(name).split(/ · |: | {2}/)[0] ?? '',
    value,
  });
  return {
    get interactive() {
      return mayAsk && process.stdin.isTTY === true && process.stderr.isTTY === true;
    },
    confirm: (message) => ask({ type: 'confirm', message, default: false }),
    text: (message, problemOf = () => undefined) =>
      ask({ type: 'input', message, validate: (text) => problemOf(text) ?? true }),
    choose: (message, choices, initial) =>
      ask({
        ...{ type: 'select', message, default: initial, loop: false, pageSize },
        choices: choices.map(shown),
      }),
    search: (message, { find, typed = '' }) =>
      ask({
        ...{ type: 'search', message, pageSize, initialValue: typed },
        source: oneByOne(async (text) => (await find(text)).map(shown)),
      }),
  };
}

/** One search after the other, as a connection wants it; what was typed over meanwhile is not looked for. */
function oneByOne(find: (typed: string) => Promise<readonly ShownChoice[]>): NonNullable<Question['source']> {
  let last: Promise<unknown> = Promise.resolve();
  return (typed = '', { signal }) => {
    const found = last.then(() => (signal.aborted ? [] : find(typed)));
    last = found.catch(() => undefined);
    return found;
  };
}
