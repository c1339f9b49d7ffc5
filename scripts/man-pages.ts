import type { Argument, Command, Option } from 'commander';
import { version } from '../package.json';
import type { CommandTree } from '../src/cli/command-tree.ts';
import { exitCodeTable } from '../src/cli/exit-code-table.ts';
import { createProgram } from '../src/cli/program.ts';
import { type Setting, settingTable } from '../src/cli/setting-table.ts';
import type { CommandDeclaration, Example } from '../src/declarations/command.ts';
import { bold, italic, paragraphs, roff, section, subsection, tagged, unhyphenated } from './roff.ts';

export interface ManPage {
  /** Such as `quota-user.1`. */
  file: string;
  text: string;
}

/** What a page tells of a group or of a command. */
type Explained = Pick<CommandDeclaration, 'details'> & { examples: readonly Example[] };

/** The manual: `quota(1)`, and a page for each group and for each command that belongs to none. */
export async function manPages(): Promise<ManPage[]> {
  const tree = createProgram(process, async () => {});
  await openBelow(tree, tree.root);
  const listed = visible(tree, tree.root);
  const pages = await Promise.all(listed.map((command) => pageOf(tree, command)));
  return [overview(tree.root, listed), ...pages];
}

async function openBelow(tree: CommandTree, command: Command): Promise<void> {
  await tree.openAll(command);
  await tree.describe(command);
  await Promise.all(command.commands.map((child) => openBelow(tree, child)));
}

const visible = (tree: CommandTree, parent: Command): Command[] =>
  parent.commands.filter((command) => {
    const entry = tree.entryOf(command);
    return entry !== undefined && !('isHidden' in entry && entry.isHidden);
  });

function overview(program: Command, listed: readonly Command[]): ManPage {
  const seeAlso = listed.map((command) => `${bold(pageName(command))}(1)`).join(',\n');
  return page('quota', program.description(), [
    section('Synopsis', `${bold('quota')} ${italic('COMMAND')} [${italic('OPTIONS')}]`),
    section(
      'Description',
      roff(`${program.description()} On PostgreSQL: that of DATABASE_URL, or an embedded one.`),
    ),
    section('Commands', commandList(listed)),
    section('Options', optionList(program.options)),
    section('Environment', (settingTable as readonly Setting[]).map(settingText).join('\n')),
    section(
      'Exit status',
      exitCodeTable.map(({ codes, meaning }) => tagged(bold(codes.join(', ')), roff(meaning))).join('\n'),
    ),
    section('See also', seeAlso),
  ]);
}

const settingText = ({ variable, flag, defaultText, description }: Setting) =>
  tagged(
    bold(roff(variable)) + (flag === undefined ? '' : `, ${bold(roff(flag))}`),
    roff(`${description}. Default: ${defaultText}.`.replaceAll('`', '')),
  );

/** A page of a group has its commands one after the other; that of a command has only that. */
async function pageOf(tree: CommandTree, command: Command): Promise<ManPage> {
  const commands = visible(tree, command);
  const isGroup = commands.length > 0;
  const own = await explanationOf(tree, command);
  const synopses = isGroup ? commands.map(synopsis) : [synopsis(command)];
  const bodies = isGroup
    ? [
        ...groupDescription(tree, command, own),
        section(
          'Commands',
          (await Promise.all(commands.map((child) => commandText(tree, child)))).join('\n'),
        ),
        section('Examples', examplesText(own.examples)),
      ]
    : commandSections(command, own);
  return page(pageName(command), command.description(), [
    section('Synopsis', synopses.join('\n.br\n')),
    ...bodies,
    section(
      'See also',
      roff('quota(1): the options that every command has, the environment, the exit status.'),
    ),
  ]);
}

function groupDescription(tree: CommandTree, group: Command, { details }: Explained): string[] {
  const byDefault = tree.defaultOf(group);
  const said = [
    ...(details === undefined ? [] : [paragraphs(details)]),
    ...(byDefault === undefined ? [] : [`Without a command: ${bold(roff(path(byDefault)))}.`]),
  ];
  return said.length === 0 ? [] : [section('Description', said.join('\n.PP\n'))];
}

const pageName = (command: Command) => `quota-${command.name()}`;

const path = (command: Command): string =>
  command.parent === null ? command.name() : `${path(command.parent)} ${command.name()}`;

const synopsis = (command: Command) =>
  [
    bold(roff(path(command))),
    ...command.registeredArguments.map(argumentText),
    ...(command.options.length > 0 ? [`[${italic('OPTIONS')}]`] : []),
  ].join(' ');

function argumentText(argument: Argument): string {
  const name = italic(roff(argument.name())) + (argument.variadic ? '...' : '');
  return argument.required ? name : `[${name}]`;
}

async function explanationOf(tree: CommandTree, command: Command): Promise<Explained> {
  const entry = tree.entryOf(command);
  if (entry === undefined) {
    return { examples: [] };
  }
  return 'loadGroup' in entry ? entry.loadGroup() : entry.load();
}

function commandSections(command: Command, { details, examples }: Explained): string[] {
  const words = command.registeredArguments;
  return [
    ...(details === undefined ? [] : [section('Description', paragraphs(details))]),
    ...(words.length === 0 ? [] : [section('Arguments', argumentList(words))]),
    ...(command.options.length === 0 ? [] : [section('Options', optionList(command.options))]),
    section('Examples', examplesText(examples)),
  ];
}

async function commandText(tree: CommandTree, command: Command): Promise<string> {
  const { details, examples } = await explanationOf(tree, command);
  return [
    subsection(synopsis(command)),
    roff(command.description()),
    ...(details === undefined ? [] : ['.PP', paragraphs(details)]),
    argumentList(command.registeredArguments),
    optionList(command.options),
    commandList(visible(tree, command)), // a group within the group
    ...(examples.length === 0 ? [] : ['.PP', examplesText(examples)]),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

const commandList = (commands: readonly Command[]) =>
  commands.map((command) => tagged(bold(roff(path(command))), roff(command.description()))).join('\n');

const argumentList = (words: readonly Argument[]) =>
  words.map((word) => tagged(italic(roff(word.name())), roff(word.description))).join('\n');

const optionList = (options: readonly Option[]) =>
  options.map(({ flags, description }) => tagged(bold(roff(flags)), roff(description))).join('\n');

const examplesText = (examples: readonly Example[]) =>
  examples.map(([line, purpose]) => tagged(bold(roff(`$ ${line}`)), roff(purpose))).join('\n');

function page(name: string, summary: string, sections: readonly string[]): ManPage {
  const title = `.TH "${roff(name.toUpperCase())}" "1" "" "quota ${version}" "quota"`;
  const head = section('Name', `${roff(name)} \\- ${roff(summary)}`);
  return { file: `${name}.1`, text: `${[title, unhyphenated, head, ...sections].join('\n')}\n` };
}
