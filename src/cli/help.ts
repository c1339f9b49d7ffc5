import { defineCommand } from '../declarations/command.ts';
import { restArguments } from '../declarations/option.ts';
import { exitCodes } from '../errors.ts';
import { topicList } from './topics/topics.ts';

/** `quota help WORDS`, as it stands in lists. The word is read wherever it stands, before any command runs. */
export const help = defineCommand(
  {
    arguments: { words: restArguments('a group, a group and its command, or a topic') },
    examples: [
      ['quota help user', 'the commands of a group'],
      ['quota help user show', 'one of them, as quota user show --help'],
      ['quota help exit-codes', `a topic: ${topicList}`],
    ],
  },
  async () => exitCodes.ok,
);
