import type { Settings } from '../context.ts';
import { redactUrls } from '../db/redact-url.ts';

/** Shorter ones are words of a message as often as they are secrets. */
const secretLengthMin = 8;

/** The last line of defence: takes every known secret, and the password of every URL, out of a text. */
export function createRedactor(settings: Settings | undefined): (text: string) => string {
  const secrets = [
    settings?.vapiApiKey,
    settings?.alertSecret,
    settings?.alertUrl,
    ...(settings?.pingUrl?.split('{job}') ?? []),
    ...passwordForms(settings?.databaseUrl),
    ...passwordForms(settings?.redisUrl),
  ].filter((secret) => secret !== undefined && secret.length >= secretLengthMin);
  return (text) =>
    secrets.reduce<string>((redacted, secret) => redacted.replaceAll(secret ?? '', '***'), redactUrls(text));
}

/** As written in the URL, and decoded. The password of user postgres is a word that messages need. */
function passwordForms(url = ''): string[] {
  const [, user, password] = /^[a-z]+:\/\/([^:/@]*):(.*)@/i.exec(url) ?? [];
  if (password === undefined || password === user || 'postgresql'.startsWith(password)) {
    return [];
  }
  try {
    return [password, decodeURIComponent(password)];
  } catch (error) {
    if (error instanceof URIError) {
      return [password];
    }
    throw error;
  }
}
