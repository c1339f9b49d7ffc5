import { distance } from 'fastest-levenshtein';

/** Names in one spelling: `Started At`, `started_at` and `startedAt` are the same. */
export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** The name that was probably meant: a third of its letters may be wrong, two at the least. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  return names
    .map((name) => ({ name, far: distance(normaliseName(name), normaliseName(wanted)) }))
    .filter(({ name, far }) => far <= Math.max(2, Math.floor(name.length / 3)))
    .sort((a, b) => a.far - b.far)[0]?.name;
}

/** What to do about a column of a file that is not one of ours. */
export function unknownColumnAdvice(theirs: string, ours: readonly string[]): string {
  const nearest = nearestName(theirs, ours);
  const meant = nearest === undefined ? '' : `did you mean --map "${theirs}=${nearest}"? `;
  return `${meant}--map "${theirs}=" leaves it out, --map "*=" all that are not known`;
}
