import { isDeepStrictEqual } from 'node:util';

interface Members {
  readonly [name: string]: unknown;
}

/**
 * Whether what was found may be what a provider makes of what was sent: the same in other clothes. Texts are held
 * against each other without regard to white space, case, quotes and the forms of Unicode; a number or a truth value may
 * come back as text; what is empty may come back as nothing; objects may have gained members, as APIs add defaults;
 * lists may be in another order or without repetitions.
 */
export function resembles(found: unknown, sent: unknown): boolean {
  if (isDeepStrictEqual(found ?? null, sent ?? null)) {
    return true;
  }
  if (isEmpty(sent) || isEmpty(found)) {
    return isEmpty(sent) && isEmpty(found);
  }
  if (isScalar(sent) || isScalar(found)) {
    return isScalar(sent) && isScalar(found) && plain(found) === plain(sent);
  }
  if (Array.isArray(sent) || Array.isArray(found)) {
    return Array.isArray(sent) && Array.isArray(found) && resembleEachOther(found, sent);
  }
  const members = found as Members;
  return Object.entries(sent as Members).every(([name, member]) => resembles(members[name], member));
}

function resembleEachOther(found: readonly unknown[], sent: readonly unknown[]): boolean {
  return (
    sent.every((wanted) => found.some((item) => resembles(item, wanted))) &&
    found.every((item) => sent.some((wanted) => resembles(item, wanted)))
  );
}

type Scalar = string | number | boolean | bigint;

const isScalar = (value: unknown): value is Scalar =>
  ['string', 'number', 'boolean', 'bigint'].includes(typeof value);

function isEmpty(value: unknown): boolean {
  if (typeof value === 'string') {
    return plain(value) === '';
  }
  return (
    value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)
  );
}

/** A value as text, reduced to what it says. */
function plain(value: Scalar): string {
  const text = String(value)
    .normalize('NFKC')
    .replace(/[\u200b-\u200d\u2060\ufeff]/g, '')
    .replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ')
    .replace(/[\u2018\u2019\u201a\u201b]/g, "'")
    .replace(/[\u201c-\u201f\u00ab\u00bb]/g, '"')
    .trim()
    .toLowerCase();
  // As a number says it: 10.0 and 1e1 are 10.
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(text) ? String(Number(text)) : text;
}
