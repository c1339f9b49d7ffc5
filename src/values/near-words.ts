import { distance } from 'fastest-levenshtein';

/** What is near to a mistyped word: two letters wrong, of a short word one. */
const distanceMax = (word: string) => (word.length > 4 ? 2 : 1);

/** Shorter beginnings fit too much. */
const prefixLengthMin = 3;

/** Those of some names that a mistyped word may mean: what it begins, else the nearest; none where all are far. */
export function nearWords(word: string, names: readonly string[]): string[] {
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
