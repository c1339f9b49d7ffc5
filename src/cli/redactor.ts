import type { Settings } from '../context.ts';
import { redactUrls } from '../db/redact-url.ts';
import type { SecretVariable } from './setting-table.ts';

/** Shorter ones are words of a message as often as they are secrets. */
const secretLengthMin = 8;
/** Of the path of a URL: shorter parts are words, as `services` and `hooks` are. */
const pathSecretLengthMin = 16;

/** What each secret setting has that must not be seen: a setting without its line here does not compile. */
const secretsOf: Record<SecretVariable, (settings: Settings) => string[]> = {
  DATABASE_URL: ({ databaseUrl }) => passwordForms(databaseUrl),
  QUOTA_REPLICA_URL: ({ replicaUrl }) => passwordForms(replicaUrl),
  QUOTA_SOURCE_URL: ({ sourceUrls }) => Object.values(sourceUrls).flatMap(passwordForms),
  REDIS_URL: ({ redisUrl }) => passwordForms(redisUrl),
  VAPI_API_KEY: ({ vapiApiKey }) => wordForms(vapiApiKey),
  QUOTA_ALERT_SECRET: ({ alertSecret }) => wordForms(alertSecret),
  QUOTA_ALERT_URL: ({ alertUrl }) => webhookForms(alertUrl),
  QUOTA_PING_URL: ({ pingUrl = '' }) => [...pingUrl.split('{job}'), ...webhookForms(pingUrl)],
  QUOTA_ALERT_COMMAND: ({ alertCommand }) => commandForms(alertCommand),
};

/**
 * The one function that takes every known secret, and the password of every URL, out of a text: on its way to the
 * terminal, to a log, and to what the database keeps of an error.
 */
export function createRedactor(settings: Settings | undefined): (text: string) => string {
  const forms =
    settings === undefined ? [] : Object.values(secretsOf).flatMap((secretForms) => secretForms(settings));
  const secrets = [...new Set(forms)]
    .filter((secret) => secret.length >= secretLengthMin)
    .sort((a, b) => b.length - a.length);
  return (text) =>
    redactUrls(secrets.reduce<string>((redacted, secret) => redacted.replaceAll(secret, '***'), text));
}

/** As written in the URL, decoded, and as an HTTP header has it. The password of user postgres is a word that messages need. */
function passwordForms(url = ''): string[] {
  const [, user = '', password] = /^[a-z]+:\/\/([^:/@]*):(.*)@/i.exec(url) ?? [];
  const asked = [...url.matchAll(/[?&](?:password|sslpassword)=([^&#]+)/gi)].flatMap(([, value = '']) => [
    value,
    ...decoded(value),
  ]);
  if (password === undefined || password === user || 'postgresql'.startsWith(password)) {
    return asked;
  }
  const names = [user, ...decoded(user)];
  const words = [password, ...decoded(password)];
  return [
    ...words,
    ...asked,
    ...names.flatMap((name) => words.map((word) => Buffer.from(`${name}:${word}`).toString('base64'))),
  ];
}

const wordForms = (word = ''): string[] => [
  word,
  encodeURIComponent(word),
  JSON.stringify(word).slice(1, -1),
];

/** Whoever knows the address of a webhook may speak through it: its path and its query are keys, its host is not. */
function webhookForms(url = ''): string[] {
  if (!URL.canParse(url)) {
    return [url];
  }
  const { pathname, search, searchParams } = new URL(url);
  const parts = pathname.split('/').filter((part) => part.length >= pathSecretLengthMin);
  return [
    url,
    `${pathname}${search}`,
    ...passwordForms(url),
    ...[...parts, ...searchParams.values()].flatMap((part) => [
      part,
      ...decoded(part),
      encodeURIComponent(part),
    ]),
  ];
}

/** The command itself, and those of its words that look like keys: long, with a digit, and no path. */
function commandForms(command = ''): string[] {
  const words = command.split(/[\s'"=:,;|&<>()]+/);
  return [
    command,
    ...words.filter((word) => word.length >= pathSecretLengthMin && /\d/.test(word) && !word.includes('/')),
  ];
}

function decoded(text: string): string[] {
  try {
    return [decodeURIComponent(text)];
  } catch (error) {
    if (error instanceof URIError) {
      return [];
    }
    throw error;
  }
}
