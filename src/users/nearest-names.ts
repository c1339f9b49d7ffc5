import { distance } from 'fastest-levenshtein';
import type pg from 'pg';
import { selectUsersLike, type UserName } from './user-store.ts';

const namesMax = 5;
/** Of a longer reference only shorter variants are tried: about 2,600 keys at most are looked up. */
const variedLengthMax = 32;
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789-_.@';

/**
 * The external ids or emails nearest to a name that no user has. The database is asked for every name at one
 * edit's distance and for those beside it in the order of the indexes, so the work does not grow with its size.
 */
export async function nearestNames(client: pg.ClientBase, reference: string): Promise<string[]> {
  const candidates = await selectUsersLike(client, {
    reference,
    prefix: reference.slice(0, Math.ceil(reference.length / 2)),
    variants: oneEditAway(reference),
  });
  return rankNames(reference, candidates);
}

/** The best of the candidates, nearest first; those that resemble the reference too little are left out. */
function rankNames(reference: string, candidates: readonly UserName[]): string[] {
  const wanted = reference.toLowerCase();
  const distanceMax = Math.max(1, Math.floor(wanted.length / 3));
  return candidates
    .map((names) => nearerName(wanted, names))
    .filter(({ away }) => away <= distanceMax)
    .sort((a, b) => a.away - b.away || (a.name < b.name ? -1 : 1))
    .slice(0, namesMax)
    .map(({ name }) => name);
}

function nearerName(wanted: string, { externalId, email }: UserName) {
  const byId = { name: externalId, away: distanceFrom(wanted, externalId.toLowerCase()) };
  const byEmail = email === null ? byId : { name: email, away: distanceFrom(wanted, email.toLowerCase()) };
  return byEmail.away < byId.away ? byEmail : byId;
}

/** Nobody types a whole email: what begins with the reference is near, and so is its part before the @. */
function distanceFrom(wanted: string, name: string): number {
  const localPart = name.split('@')[0] ?? name;
  const isBeginning = wanted.length >= 3 && name.startsWith(wanted);
  return Math.min(distance(wanted, name), distance(wanted, localPart), isBeginning ? 1 : Number.MAX_VALUE);
}

/** The text in small and in capital letters, and what one deletion, swap, replacement or insertion makes of it. */
function oneEditAway(text: string): string[] {
  const variants = new Set([text.toLowerCase(), text.toUpperCase()]);
  for (let at = 0; at <= text.length; at += 1) {
    const [before, after] = [text.slice(0, at), text.slice(at)];
    variants.add(before + after.slice(1));
    variants.add(before + after.charAt(1) + after.charAt(0) + after.slice(2));
    if (text.length <= variedLengthMax) {
      for (const character of alphabet) {
        variants.add(before + character + after);
        variants.add(before + character + after.slice(1));
      }
    }
  }
  return [...variants].flatMap((variant) => [variant, variant.toLowerCase()]);
}
