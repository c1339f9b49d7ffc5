import type { Command } from 'commander';
import { distance } from 'fastest-levenshtein';
import { type QuotaError, usageError } from '../errors.ts';
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

/** What is near to a mistyped word: two letters wrong, of a short word one. */
const distanceMax = (word: string) => (word.length > 4 ? 2 : 1);

/** Shorter beginnings fit too much. */
const prefixLengthMin = 3;

/** The error for a word that names no command. What takes something away for ever is never offered in its place. */
export function unknownCommandError(
  tree: CommandTree,
  { word, parent }: NonNullable<ReadWords['unknown']>,
): QuotaError {
  const names = parent.commands
    .filter((child) => {
      const entry = tree.entryOf(child);
      return entry !== undefined && !('isHidden' in entry) && !('isDestructive' in entry);
    })
    .map((child) => child.name());
  const similar = similarNames(word.toLowerCase(), names);
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
  const begun = names.filter((name) => word.length >= prefixLengthMin && name.startsWith(word));
  if (begun.length > 0) {
    return begun;
  }
  const nearest = Math.min(...names.map((name) => slips(word, name)));
  return nearest > distanceMax(word) ? [] : names.filter((name) => slips(word, name) === nearest);
}

/** Letters that are wrong, missing or too many; two that changed places are one slip. */
function slips(word: string, name: string): number {
  const at = [...word].findIndex((letter, index) => letter !== name[index]);
  const swapped = `${word.slice(0, at)}${word[at + 1]}${word[at]}${word.slice(at + 2)}`;
  return swapped === name ? 1 : distance(word, name);
}

/** `quota user show` */
const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
