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
const asUsage = { exitCode: exitCodes.usage, code: 'usage' };
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
  ELOOP: place('a symbolic link leads round in a circle, or is none that is followed here'),
  ENXIO: place('nobody is at its other end'),
  ENODEV: place('there is no such device'),
  EINVAL: place('the system takes no such name or use of it'),
  EXDEV: place('it is on another disk'),
  ENOTEMPTY: { ...place('the folder is not empty'), suggestion: 'empty it, or name another one' },
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
  EINTR: room('the system broke it off', 'run the command again'),
  ESTALE: room('the disk behind the network has changed', 'mount it anew, then run the command again'),
  EREMOTEIO: room('the disk behind the network failed', 'look at the disk, then run the command again'),
  ENOLCK: room('the machine has no locks left', 'run the command again later'),
  EADDRINUSE: { ...room('another program listens there', 'name another port'), ...asUsage },
  EADDRNOTAVAIL: connection('this machine has no such address, or none left'),
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
  EAI_FAIL: connection('the name of the host cannot be looked up'),
  ENETRESET: connection('the connection was broken'),
  ENOTCONN: connection('the connection was broken'),
  ESHUTDOWN: connection('the connection was closed'),
  EPROTO: connection('the other side does not speak TLS as we do'),
  ERR_STREAM_PREMATURE_CLOSE: connection('the connection was closed in the middle'),
  ERR_STREAM_DESTROYED: connection('the connection was closed in the middle'),
  ERR_SOCKET_CLOSED: connection('the connection was closed in the middle'),
};

/** Codes of TLS: the certificate, or how it is spoken. https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const ofTls = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA)/;
const tls: SystemFault = {
  ...connection('no encrypted connection comes about'),
  suggestion: 'look at the certificate, its name and who signed it, and at the clock of this machine',
};

/** What the table does not know: whatever the system refuses is no bug of quota. */
const unnamed: SystemFault = {
  ...connection('the system refused it'),
  suggestion: 'look up what the system says, then run the command again',
};

/**
 * An error of the operating system as an expected one; undefined for anything else.
 * @param subject what could not be done, as the beginning of a sentence: `rejects.csv cannot be written`. Default: the
 * path or the address that the error names.
 */
export function systemError(error: unknown, subject?: string): QuotaError | undefined {
  const fault = faultOf(error);
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

function faultOf(error: unknown): SystemFault | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') {
    return undefined;
  }
  if (Object.hasOwn(systemFaults, code)) {
    return systemFaults[code];
  }
  return ofTls.test(code) ? tls : isOfSystem(error) ? unnamed : undefined;
}

/** What only a program does wrong. */
const ofBugs = ['EBADF', 'EFAULT', 'ENOTSOCK', 'EDESTADDRREQ', 'EISCONN', 'EALREADY'];

/** An error number and the call that failed: of the system, not of Node. */
const isOfSystem = (error: unknown) =>
  !ofBugs.includes((error as NodeJS.ErrnoException).code ?? '') &&
  typeof (error as NodeJS.ErrnoException).errno === 'number' &&
  typeof (error as NodeJS.ErrnoException).syscall === 'string';

function namedBy(error: NodeJS.ErrnoException & { address?: string; port?: number }): string | undefined {
  return error.path ?? (error.address && [error.address, error.port].filter(Boolean).join(':'));
}
