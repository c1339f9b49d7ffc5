import { type Command, defineCommand } from '../../declarations/command.ts';
import { restArguments } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import type { CommandTree } from '../command-tree.ts';
import { completeWords } from './complete-words.ts';

/** `quota complete -- WORDS`: a candidate a line, its description after a tab, `:files` where they fit. */
export const complete = (tree: CommandTree): Command =>
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
    async ({ output }, { words }) => {
      tree.useWritten();
      const { completions, files } = await completeWords(tree, words);
      const lines = completions.map((candidate) => `${candidate.value}\t${candidate.description}`);
      await output.write({
        data: { completions, files },
        rows: completions.map((candidate) => ({ ...candidate })),
        text: () => [...lines, ...(files ? [':files'] : [])].join('\n'),
      });
      return exitCodes.ok;
    },
  );
