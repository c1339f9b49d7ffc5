import { value } from '../../declarations/option.ts';
import { usageError } from '../../errors.ts';
import { readSecretLine } from '../../secret-line.ts';
import { parseName } from '../../values/option-values.ts';

/** How one database logs in to the shards. */
export const shardLoginOptions = {
  login: value('role', 'how it logs in to each shard', parseName),
  passwordFile: value('file', 'holds the password of that role, in one line'),
};

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
  const read = readSecretLine(passwordFile);
  if ('fault' in read) {
    throw usageError(`the password file ${read.fault}`);
  }
  return { user: login, password: read.line };
}
