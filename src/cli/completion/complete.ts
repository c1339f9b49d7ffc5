import { type Command, defineCommand } from '../../declarations/command.ts';
import { restArguments } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import { printable } from '../../printable.ts';
import type { CommandTree } from '../command-tree.ts';
import type { ProcessLike } from '../process-like.ts';
import { readSettings } from '../settings.ts';
import { type Completion, completeWords, type WantedNames } from './complete-words.ts';

/**
 * `quota complete -- WORDS`: a candidate a line, its description after a tab, `:files` where they fit. Names that the
 * database knows come from the one that the words mean.
 */
export const complete = (tree: CommandTree, process: ProcessLike): Command =>
  defineCommand(
    {
      arguments: {
        words: restArguments('the words after the name of the program, the last of which is being typed'),
      },
      examples: [
        ["quota complete -- user ''", 'the commands of a group'],
        ['quota complete -- jobs run reset-months --', 'options'],
      ],
    },
    async ({ output }, { words: given }) => {
      // PowerShell cannot hand over a word that is empty: it sends a space.
      const words = given.map((word) => (word === ' ' ? '' : word));
      tree.useWritten();
      const { completions: known, files, names } = await completeWords(tree, words);
      const completions = [...known, ...(names === undefined ? [] : await namesFor(process, words, names))];
      const lines = completions.map((candidate) => `${candidate.value}\t${candidate.description}`);
      await output.write({
        data: { completions, files },
        rows: completions.map((candidate) => ({ ...candidate })),
        text: () => [...lines, ...(files ? [':files'] : [])].join('\n'),
      });
      return exitCodes.ok;
    },
  );

async function namesFor(
  { env, platform, cwd }: ProcessLike,
  words: readonly string[],
  { kind, start, before }: WantedNames,
): Promise<Completion[]> {
  const [databaseUrl, envFile] = [flagOf(words, '--database-url'), flagOf(words, '--env-file')];
  try {
    const settings = readSettings({ databaseUrl, envFile, env, platform, cwd: cwd() });
    const { readNames } = await import('./read-names.ts');
    const names = await readNames(settings, kind, start);
    return names
      .filter(({ value }) => value.startsWith(start))
      .map(({ value, description }) => ({ value: `${before}${value}`, description: printable(description) }));
  } catch {
    return []; // Whoever presses a key wants no message.
  }
}

/** The value of a global option, wherever it stands in the words. */
function flagOf(words: readonly string[], flag: string): string | undefined {
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  return words[at] === flag ? words[at + 1] : words[at]?.slice(flag.length + 1);
}
