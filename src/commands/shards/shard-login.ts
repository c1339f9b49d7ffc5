import { value } from '../../declarations/option.ts';
import { QuotaError, usageError } from '../../errors.ts';
import { readSmallFile } from '../../small-file.ts';
import { parseName } from '../../values/option-values.ts';

/** How one database logs in to the shards. */
export const shardLoginOptions = {
  login: value('role', 'how it logs in to each shard', parseName),
  passwordFile: value('file', 'holds the password of that role, in one line'),
};

const bytesMax = 4096;

/**
 * The login of the options, with its password.
 * @param memberOf the role of quota that it should have there
 * @throws usageError where no login is named, or its file holds no line
 */
export function readShardLogin(
  { login, passwordFile }: { login?: string; passwordFile?: string },
  memberOf: string,
): { user: string; password: string | undefined } {
  if (login === undefined) {
    throw usageError('how does it log in to the shards?', {
      suggestion: `name a login that every shard has and that is a member of ${memberOf}: --login ROLE --password-file FILE`,
    });
  }
  if (passwordFile === undefined) {
    return { user: login, password: undefined };
  }
  try {
    const password = readSmallFile(passwordFile, bytesMax).replace(/\r?\n$/, '');
    if (password === '' || password.includes('\n')) {
      throw usageError('the password file does not hold one line');
    }
    return { user: login, password };
  } catch (error) {
    throw error instanceof QuotaError
      ? error
      : usageError(
          `the password file cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'too large'}`,
        );
  }
}
