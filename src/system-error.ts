import { type ExitCode, exitCodes, QuotaError } from './errors.ts';

interface SystemFault {
  exitCode: ExitCode;
  code: string;
  /** What is the matter, to stand behind the name of the file or connection. */
  words: string;
  suggestion: string;
}

const place = (words: string): SystemFault => ({
  exitCode: exitCodes.usage,
  code: 'usage',
  words,
  suggestion: 'name a file in a folder that exists and that you may use',
});
const room = (words: string, suggestion: string): SystemFault => ({
  exitCode: exitCodes.tryAgain,
  code: 'try_again',
  words,
  suggestion,
});
const connection = (words: string): SystemFault => ({
  exitCode: exitCodes.unavailable,
  code: 'unavailable',
  words,
  suggestion: 'run the command again: what was not finished was not kept',
});

/**
 * What the operating system refuses, by its error code, in words and with an exit code: the one table of them.
 * https://nodejs.org/api/errors.html#common-system-errors and errno(3)
 */
const systemFaults: Readonly<Record<string, SystemFault>> = {
  ENOENT: place('there is no such file or folder'),
  ENOTDIR: place('a part of the path is a file, not a folder'),
  EISDIR: place('it is a folder'),
  EACCES: place('you may not use it'),
  EPERM: place('you may not use it'),
  EROFS: place('the disk is read-only'),
  ENAMETOOLONG: place('the name is too long'),
  ELOOP: place('it is a symbolic link, and none is followed here'),
  EEXIST: { ...place('it exists already'), suggestion: 'move it away, or name another file' },
  ETXTBSY: place('it is a program that is running'),
  ENOSPC: room('the disk is full', 'make room on the disk, then run the command again'),
  EDQUOT: room('your share of the disk is full', 'make room on the disk, then run the command again'),
  EFBIG: room('the file would be larger than allowed', 'raise the limit of the file size (ulimit -f)'),
  EIO: room('the disk failed', 'look at the disk, then run the command again'),
  EMFILE: room('too many files are open', 'raise the limit of open files (ulimit -n)'),
  ENFILE: room('too many files are open on this machine', 'end other programs, then run the command again'),
  ENOMEM: room('the machine has no memory left', 'end other programs, then run the command again'),
  EAGAIN: room('the machine is at its limits', 'run the command again later'),
  EBUSY: room('it is in use', 'run the command again later'),
  ECONNRESET: connection('the connection was broken'),
  EPIPE: connection('the connection was broken'),
  ECONNABORTED: connection('the connection was broken'),
  ECONNREFUSED: connection('nobody listens there'),
  ETIMEDOUT: connection('there was no answer'),
  EHOSTUNREACH: connection('the host cannot be reached'),
  EHOSTDOWN: connection('the host cannot be reached'),
  ENETUNREACH: connection('the network cannot be reached'),
  ENETDOWN: connection('the network cannot be reached'),
  ENOTFOUND: connection('the host name is not known'),
  EAI_AGAIN: connection('the name of the host cannot be looked up now'),
};

/**
 * An error of the operating system as an expected one; undefined for anything else.
 * @param subject what could not be done, as the beginning of a sentence: `rejects.csv cannot be written`. Default: the
 * path or the address that the error names.
 */
export function systemError(error: unknown, subject?: string): QuotaError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const fault =
    typeof code === 'string' && Object.hasOwn(systemFaults, code) ? systemFaults[code] : undefined;
  if (fault === undefined) {
    return undefined;
  }
  const subjectText = subject ?? namedBy(error as NodeJS.ErrnoException);
  return new QuotaError(fault.code, fault.exitCode, [subjectText, fault.words].filter(Boolean).join(': '), {
    detail: (error as Error).message,
    suggestion: fault.suggestion,
    cause: error,
  });
}

function namedBy(error: NodeJS.ErrnoException & { address?: string; port?: number }): string | undefined {
  return error.path ?? (error.address && [error.address, error.port].filter(Boolean).join(':'));
}
