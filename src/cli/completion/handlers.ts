import type { Command } from 'commander';
import type { Handler } from '../../context.ts';
import { exitCodes } from '../../errors.ts';
import { completeWords } from './complete-words.ts';
import { completionScript, type Shell } from './shell-scripts.ts';

/** `quota completion SHELL`: the script; as JSON `{shell, script}`. */
export const printScript: Handler<{ shell: Shell }> = async ({ output }, { shell }) => {
  const script = completionScript(shell);
  await output.write({ data: { shell, script }, text: () => script });
  return exitCodes.ok;
};

/** `quota complete -- WORDS`: a candidate a line, its description after a tab, `:files` where they fit. */
export const printCompletions =
  (program: Command): Handler<{ words: string[] }> =>
  async ({ output }, { words }) => {
    const { completions, files } = completeWords(program, words);
    const lines = completions.map(({ value, description }) => `${value}\t${description}`);
    await output.write({
      data: { completions, files },
      rows: completions.map((completion) => ({ ...completion })),
      text: () => [...lines, ...(files ? [':files'] : [])].join('\n'),
    });
    return exitCodes.ok;
  };
