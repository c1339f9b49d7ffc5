import type { Command } from 'commander';
import { type QuotaError, usageError } from '../errors.ts';
import { nearWords } from '../values/near-words.ts';
import type { CommandTree } from './command-tree.ts';
import type { ReadWords } from './read-words.ts';

/** Words that mean the same, the one that quota uses first. */
const synonyms: readonly (readonly string[])[] = [
  ['list', 'ls', 'all', 'index'],
  ['show', 'get', 'view', 'describe', 'inspect', 'info', 'see'],
  ['add', 'create', 'new', 'make', 'register'],
  ['edit', 'update', 'change', 'modify'],
  ['export', 'dump', 'download'],
  ['history', 'runs', 'log', 'past'],
  ['log', 'history', 'trail'],
  ['import', 'load', 'upload'],
  ['migrate', 'upgrade', 'init', 'setup', 'create'],
  ['status', 'state', 'info'],
  ['run', 'start', 'exec'],
  ['user', 'customer', 'account'],
];

/**
 * The error for a word that names no command. What takes something away for ever is never offered in its place, the
 * topics of `quota help` are, where they are given.
 */
export function unknownCommandError(
  tree: CommandTree,
  { word, parent }: NonNullable<ReadWords['unknown']>,
  topics: readonly string[] = [],
): QuotaError {
  const names = parent.commands
    .filter((child) => {
      const entry = tree.entryOf(child);
      return entry !== undefined && !('isHidden' in entry) && !('isDestructive' in entry);
    })
    .map((child) => child.name());
  const similar = similarNames(word.toLowerCase(), [...names, ...topics]);
  const path = pathOf(parent);
  return usageError(`unknown command '${word}'`, {
    suggestion:
      similar.length > 0
        ? `Did you mean ${similar.length > 1 ? 'one of ' : ''}${similar.join(', ')}?`
        : `${path} --help ${parent.commands.length > 0 ? 'lists the commands' : 'explains it: it has no commands'}`,
  });
}

function similarNames(word: string, names: readonly string[]): string[] {
  const meant = synonyms
    .filter((group) => group.includes(word))
    .flatMap((group) => names.filter((name) => group.includes(name)));
  if (meant.length > 0) {
    return [...new Set(meant)];
  }
  return nearWords(word, names);
}

/** `quota user show` */
const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
