import type { Command } from 'commander';
import type { Choice, Search } from '../context.ts';
import { shellLine } from '../shell-word.ts';
import { type CommandTree, nameOf } from './command-tree.ts';
import type { Prompt } from './prompt.ts';

/** What people come for, in their words; everything else is found by typing. */
const usual: readonly (readonly [line: string, purpose: string])[] = [
  ['user show', 'look a user up: what is left, until when, why blocked'],
  ['user list --sort percent', 'who is nearest to the limit'],
  ['user explain', 'what brought a user to where the user stands'],
  ['user grant', 'give a user more'],
  ['user reset', 'set back what a user has used'],
  ['user set-plan', 'put a user on another plan'],
  ['limits status', 'which assistants are limited'],
  ['jobs list', 'are the cron jobs in time'],
  ['reconcile list', 'which months were held against their bills'],
  ['reconcile resolve', 'decide what differs in a month'],
  ['doctor', 'is everything as it should be'],
  ['demo', 'the whole story in a minute, on made-up data'],
  ['help', 'all commands'],
];

/**
 * Offers what can be done, and asks for what the chosen command needs besides.
 * @returns its words
 */
export async function offerCommands(tree: CommandTree, prompt: Prompt): Promise<string[]> {
  const chosen = await prompt.search('What is to be done?', searchOf(tree));
  const words = chosen.split(' ');
  if (words[0] === 'help') {
    return words;
  }
  const command = await commandOf(tree, words);
  return [...words, ...(await askForArguments(prompt, command)), ...(await askForOptions(prompt, command))];
}

/** The line that was put together, so that it need not be found again. */
export const chosenLine = (words: readonly string[]): string => `$ ${shellLine(['quota', ...words])}\n`;

/** Nothing typed: what people come for. Then every command whose words or summary have all that is typed. */
function searchOf(tree: CommandTree): Search {
  let all: Promise<Choice[]> | undefined;
  return {
    async find(typed) {
      const parts = typed
        .toLowerCase()
        .split(/\s+/)
        .filter((part) => part !== '');
      if (parts.length === 0) {
        return usual.map(choiceOf);
      }
      all ??= allCommands(tree);
      const fits = ({ name }: Choice) => parts.every((part) => name.toLowerCase().includes(part));
      return [...usual.map(choiceOf), ...(await all)].filter(fits);
    },
  };
}

const nameWidth = Math.max(...usual.map(([line]) => line.length));

const choiceOf = ([line, purpose]: readonly [string, string]): Choice => ({
  name: `${line.padEnd(nameWidth)}  ${purpose}`,
  value: line,
});

/** Those that are listed, apart from what is offered first. */
async function allCommands(tree: CommandTree): Promise<Choice[]> {
  const choices: Choice[] = [];
  const offered = new Set(usual.map(([line]) => line));
  const walk = async (parent: Command): Promise<void> => {
    for (const command of parent.commands) {
      await tree.open(command);
      await tree.describe(parent);
      const entry = tree.entryOf(command);
      const name = nameOf(command);
      if (entry === undefined || 'isHidden' in entry || offered.has(name)) {
        continue;
      }
      if (command.commands.length === 0 || tree.defaultOf(command) !== undefined) {
        choices.push(choiceOf([name, command.description()]));
      }
      await walk(command);
    }
  };
  await walk(tree.root);
  return choices;
}

async function commandOf(tree: CommandTree, words: readonly string[]): Promise<Command> {
  let command = tree.root;
  for (const word of words.filter((one) => !one.startsWith('-'))) {
    command = tree.find(command, word) ?? command;
    await tree.open(command);
  }
  const target = tree.defaultOf(command) ?? command;
  await tree.load(target); // What the command asks for by itself is not required any more.
  return target;
}

async function askForArguments(prompt: Prompt, command: Command): Promise<string[]> {
  const words: string[] = [];
  for (const argument of command.registeredArguments.filter(({ required }) => required)) {
    words.push(await answerTo(prompt, argument.name(), argument.description));
  }
  return words;
}

async function askForOptions(prompt: Prompt, command: Command): Promise<string[]> {
  const words: string[] = [];
  for (const option of command.options.filter(({ mandatory }) => mandatory)) {
    words.push(option.long ?? '', await answerTo(prompt, option.name(), option.description));
  }
  return words;
}

const answerTo = async (prompt: Prompt, name: string, description: string): Promise<string> =>
  (
    await prompt.text(`${name} (${description})?`, (text) =>
      text.trim() === '' ? 'something is needed' : undefined,
    )
  ).trim();
