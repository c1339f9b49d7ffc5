import type pg from 'pg';
import { notFoundError, usageError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import type { User } from './user.ts';
import { selectMatchingUsers } from './user-store.ts';

/** Longer than any id, external id or email that is worth a look. */
const referenceLengthMax = 400;

/**
 * The user with this id, external id or email (in any case); an id wins over an external id, that over an email.
 * @throws notFoundError with the nearest names; usageError when several users share the email.
 */
export async function findUser(client: pg.ClientBase, reference: string): Promise<User> {
  const text = reference.trim();
  if (text === '' || text.length > referenceLengthMax || text.includes('\u0000')) {
    throw usageError(`"${text.slice(0, 40)}" is not the name of a user`, {
      suggestion: 'give an id, an external id or an email, like user_00042 or ada@example.com',
    });
  }
  const matches = await selectMatchingUsers(client, text);
  const [first] = matches;
  if (first === undefined) {
    throw await unknownUser(client, text);
  }
  if (first.by === 'email' && matches.length > 1) {
    throw usageError(`several users have the email "${text}"`, {
      detail: matches.map(({ user }) => `${user.externalId} (${user.id})`).join('\n'),
      suggestion: `name one by its external id, like ${first.user.externalId}`,
    });
  }
  return first.user;
}

async function unknownUser(client: pg.ClientBase, reference: string) {
  const { nearestNames } = await import('./nearest-names.ts');
  const names = await nearestNames(client, reference);
  return notFoundError(`no user "${reference}"`, {
    detail: 'looked for an id, an external id and an email',
    suggestion:
      names.length > 0
        ? `did you mean ${names.join(', ')}?`
        : `look with quota user list --search ${shellWord(reference)}`,
  });
}
