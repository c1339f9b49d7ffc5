import type { NamedBy } from '../../context.ts';
import { type ErrorAdvice, exitCodes, QuotaError } from '../../errors.ts';
import { isLoopback } from '../../values/transport.ts';
import { errorCode } from '../error-code.ts';
import { redactUrls } from '../redact-url.ts';
import { describeTarget, type Target, type TargetHost } from './target.ts';

/** Why a server could not be used. */
export interface Refusal {
  host: TargetHost;
  error: unknown;
}

interface Words {
  /** What is the matter, behind the name of the server. */
  says: (target: Target) => string;
  suggestion: (target: Target, named: NamedBy) => string;
}

/** One thing of a server: variables say each by itself. */
const of = ({ text, by }: NamedBy, variable: string): string => (by === 'variables' ? variable : text);
const others = 'the password file or PGPASSWORD';

/** What a server answers to whoever wants in. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const answers: readonly {
  fits: (code: string | undefined, message: string, target: Target) => boolean;
  words: Words;
}[] = [
  {
    fits: (_, message) => message === noPassword,
    words: {
      says: ({ user }) => `asks for the password of ${user}, and none is given`,
      // What stands in a command line is seen by whoever lists processes.
      suggestion: (_, { text, by }) =>
        by === 'flag' || by === 'variables' ? `give it: ${others}` : `give it: ${text}, ${others}`,
    },
  },
  {
    fits: (code, message) =>
      code === '28P01' || /SASL authentication failed|password authentication failed/i.test(message),
    words: {
      says: ({ user }) => `refuses the password of ${user}`,
      suggestion: (_, named) => `correct the user or the password in ${of(named, 'PGUSER')}, ${others}`,
    },
  },
  {
    fits: (_, message, { sslMode }) =>
      sslMode === 'disable' && /no pg_hba\.conf entry.*no encryption/.test(message),
    words: {
      says: ({ user }) => `lets ${user} in only with TLS`,
      suggestion: (_, { text, by }) =>
        by === 'variables'
          ? 'set PGSSLMODE to verify-full (or require)'
          : `add sslmode=verify-full (or require) to ${text}`,
    },
  },
  {
    fits: (code, message) => code === '28000' || /tenant or user not found/i.test(message),
    words: {
      says: ({ user }) => `does not let ${user} in`,
      suggestion: (_, named) =>
        `correct the user in ${of(named, 'PGUSER')}, or let it in: create role … login, pg_hba.conf`,
    },
  },
  {
    fits: (code, message) => code === '3D000' || /^no such database/i.test(message),
    words: {
      says: ({ database }) => `has no database ${database}`,
      suggestion: ({ database }, named) =>
        `correct its name in ${of(named, 'PGDATABASE')}, or make it: createdb ${database}`,
    },
  },
  {
    fits: (code, message) =>
      code === '53300' ||
      /no more connections allowed|max clients reached|too many (?:clients|connections)/i.test(message),
    words: {
      says: () => 'has no connection left',
      suggestion: () =>
        'run it again later; else close idle connections, raise max_connections, or go through a pooler: docs/hosts.md',
    },
  },
  {
    fits: (code) => code === '57P03',
    words: {
      says: () => 'is starting up or shutting down',
      suggestion: () => 'run the same command again in a moment',
    },
  },
  {
    fits: (_, message) => /server does not support SSL/.test(message),
    words: {
      says: () => 'speaks no TLS',
      suggestion: ({ sslMode }) =>
        `switch it on there (ssl = on); or, where the network may be trusted, sslmode=disable in place of ${sslMode}`,
    },
  },
  {
    fits: (code) => code === 'ERR_TLS_CERT_ALTNAME_INVALID',
    words: {
      says: () => 'shows a certificate for another name',
      suggestion: () =>
        'connect by the name that the certificate is for, or check only who signed it: sslmode=verify-ca',
    },
  },
  {
    fits: (code = '') => /^CERT_|CERT|_ISSUER_|LEAF_SIGNATURE/.test(code),
    words: {
      says: () => 'shows a certificate that is not trusted',
      suggestion: (_, { text, by }) =>
        `name the certificate of its authority: ${by === 'variables' ? 'PGSSLROOTCERT' : `sslrootcert=FILE in ${text}`}: docs/hosts.md`,
    },
  },
  {
    fits: (code = '', message) =>
      /^ERR_SSL|^EPROTO/.test(code) || /establishing an SSL connection/.test(message),
    words: {
      says: () => 'and quota do not agree on TLS',
      suggestion: () => 'look at ssl settings and the certificate of the server, sslcert and sslkey',
    },
  },
];

/** Thrown in place of an empty password, which servers answer with less helpful words. */
export const noPassword = 'no password supplied';

function start({ hosts }: Target, { text, by }: NamedBy): string {
  if (!hosts.every(({ name }) => isLoopback(name))) {
    return `look whether it runs and may be reached from here, or correct ${text}`;
  }
  const hasDefault = by === 'url' || by === 'variables';
  return `start it, or correct ${text}${hasDefault ? `; without ${text} an embedded server is used (quota db start)` : ''}`;
}

/** What to do depends on what has named the server, which is known to whoever has asked for it. */
class UnreachableError extends QuotaError {
  readonly #suggestion: (named: NamedBy) => string;
  readonly #named: NamedBy | undefined;

  constructor(
    message: string,
    { detail, cause }: Pick<ErrorAdvice, 'detail' | 'cause'>,
    suggestion: (named: NamedBy) => string,
    named?: NamedBy | undefined,
  ) {
    super('unavailable', exitCodes.unavailable, message, {
      detail,
      cause,
      suggestion: suggestion(named ?? { text: 'DATABASE_URL', by: 'url' }),
    });
    this.#suggestion = suggestion;
    this.#named = named;
  }

  of(named: NamedBy | undefined): UnreachableError {
    return new UnreachableError(this.message, this, this.#suggestion, this.#named ?? named);
  }
}

/** An error of a server that cannot be reached, with advice about what has named it; any other as it is. */
export const adviseOn = (error: unknown, named: NamedBy | undefined): unknown =>
  error instanceof UnreachableError ? error.of(named) : error;

/** No server of a target could be used: 69, saying where, why and what to do, never with which password. */
export function unreachableError(target: Target, refusals: readonly Refusal[]): QuotaError {
  const told = refusals.flatMap((refusal) => {
    const words = wordsOf(refusal.error, target);
    return words === undefined ? [] : [{ refusal, words }];
  })[0];
  const reasons = refusals.map(({ host, error }) => {
    const reason = redactUrls(reasonOf(error, target));
    return refusals.length > 1 ? `${host.name}:${host.port}: ${reason}` : reason;
  });
  const subject =
    told === undefined
      ? `PostgreSQL cannot be reached at ${describeTarget(target)}`
      : `PostgreSQL at ${describeTarget({ ...target, hosts: [told.refusal.host] })} ${told.words.says(target)}`;
  return new UnreachableError(
    subject,
    { detail: [...new Set(reasons)].join('; '), cause: refusals.at(-1)?.error },
    (named) => (told?.words.suggestion ?? start)(target, named),
  );
}

function wordsOf(error: unknown, target: Target): Words | undefined {
  const message = error instanceof Error ? error.message : '';
  return answers.find(({ fits }) => fits(errorCode(error), message, target))?.words;
}

/** Node reports several addresses that failed as one error without a message. */
function reasonOf(error: unknown, target: Target): string {
  if (error instanceof AggregateError) {
    return [...new Set(error.errors.map((each) => reasonOf(each, target)))].join(', ');
  }
  const message = error instanceof Error ? error.message : String(error);
  return /^timeout expired/.test(message)
    ? `no answer within ${target.connectTimeoutMs / 1000} seconds`
    : message;
}
