import type pg from 'pg';
import { usageError } from '../../errors.ts';
import { isDiscrepancy, type Kind, kinds } from '../../reconcile/match/kinds.ts';
import { findUser } from '../../users/find-user.ts';

/** @throws usageError for a word that is no kind */
export function parseKinds(words: readonly string[] | undefined): Kind[] | undefined {
  return words?.map((word) => {
    const kind = kinds.find((candidate) => candidate === word.trim().toLowerCase().replaceAll('-', '_'));
    if (kind === undefined) {
      throw usageError(`there is no kind "${word}"`, { suggestion: `one of ${kinds.join(', ')}` });
    }
    return kind;
  });
}

/** @throws usageError for kinds in which nothing differs: there is nothing to resolve */
export function requireDiscrepancyKinds(some: readonly Kind[]): readonly Kind[] {
  const explained = some.filter((kind) => !isDiscrepancy(kind));
  if (explained.length > 0) {
    throw usageError(`nothing differs in ${explained.join(', ')}: there is nothing to resolve`, {
      suggestion: `one of ${kinds.filter(isDiscrepancy).join(', ')}`,
    });
  }
  return some;
}

/** The id of a user by id, external id or email. */
export async function userIdOf(client: pg.ClientBase, user: string | undefined): Promise<string | undefined> {
  return user === undefined ? undefined : (await findUser(client, user)).id;
}

/** @throws usageError without a reason */
export function requireReason(reason: string | undefined, example: string): string {
  const text = reason?.trim() ?? '';
  if (text === '') {
    throw usageError('this needs a reason, for the audit log', { suggestion: `--reason "${example}"` });
  }
  return text;
}
