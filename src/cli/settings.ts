import { homedir, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { Environment, NamedBy, Settings } from '../context.ts';
import { defaultDataDir } from '../db/embedded/default-data-dir.ts';
import { ConninfoFault } from '../db/target/parse-conninfo.ts';
import { namesServer, namingVariables, resolveDatabase } from '../db/target/resolve.ts';
import { configurationError } from '../errors.ts';
import { readSmallFile } from '../small-file.ts';
import { readSecretFile } from './secret-file.ts';
import { isSecret, type SettingVariable } from './setting-table.ts';
import { currencyDefault } from './style.ts';

const environments: readonly Environment[] = ['development', 'test', 'production'];
const redisUrl = /^(?:rediss?|unix):\/\/\S+$/i;
const httpUrl = /^https?:\/\/[^\s/]\S*$/i;
const vapiBaseUrlDefault = 'https://api.vapi.ai';

export interface SettingSources {
  databaseUrl?: string | undefined;
  envFile?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  cwd: string;
}

/** A value and where it came from, for messages: the flag, the variable, or the variable and its file. */
interface Found {
  value: string;
  source: string;
}

/**
 * Flag > environment > env file > default, parsed and checked. An empty variable counts as not set.
 * @throws configurationError with every problem there is, not only the first. No value of a secret is shown.
 */
export function readSettings(sources: SettingSources): Settings {
  const problems: string[] = [];
  const file = readEnvFile(sources, problems);
  const find = (variable: SettingVariable, flag?: string): Found | undefined => {
    if (flag !== undefined) {
      return { value: flag, source: '--database-url' };
    }
    return findIn(sources.env, variable, '') ?? findIn(file, variable, ` in ${sources.envFile}`);
  };
  const findIn = (
    from: SettingSources['env'],
    variable: SettingVariable,
    where: string,
  ): Found | undefined => {
    const value = from[variable];
    const path = isSecret(variable) ? from[`${variable}_FILE`] : undefined;
    if (value && path) {
      problems.push(`${variable}${where} and ${variable}_FILE${where} are both set: which is it?`);
    }
    if (value) {
      return { value, source: `${variable}${where}` };
    }
    const source = `${variable}_FILE${where}`;
    const kept = path ? readSecretFile(path, source, sources.cwd, problems) : undefined;
    return kept === undefined ? undefined : { value: kept, source };
  };
  const foundAnywhere = (variable: SettingVariable): Found[] =>
    [
      { value: sources.env[variable], source: variable },
      { value: file[variable], source: `${variable} in ${sources.envFile}` },
    ].filter((found): found is Found => Boolean(found.value));
  const url = (found: Found | undefined, pattern: RegExp, example: string) => {
    if (found !== undefined && !pattern.test(found.value)) {
      problems.push(`${found.source} is not a URL like ${example}`);
    }
    return found?.value;
  };
  const database = find('DATABASE_URL', sources.databaseUrl);
  const variables = { ...file, ...sources.env };
  const replica = find('QUOTA_REPLICA_URL');
  if (replica !== undefined && database === undefined && !namesServer(variables)) {
    problems.push(`${replica.source} is set, and DATABASE_URL is not: what is it a replica of?`);
  }
  const dataDir = find('QUOTA_DATA_DIR')?.value;
  const settings: Settings = {
    environment: readEnvironment(foundAnywhere('QUOTA_ENV'), problems),
    databaseUrl: readDatabase(database, variables, problems),
    databaseNamedBy: namedBy(database, variables),
    replicaUrl: readDatabase(replica, {}, problems),
    dataDir: inDirectory(sources.cwd, dataDir) ?? defaultDataDir(sources.env, sources.platform, homedir()),
    shardsFile: inDirectory(sources.cwd, find('QUOTA_SHARDS')?.value),
    sourceUrls: readSources(find('QUOTA_SOURCE_URL'), problems),
    redisUrl: url(find('REDIS_URL'), redisUrl, 'redis://host:6379'),
    vapiApiKey: readApiKey(find('VAPI_API_KEY'), problems),
    vapiBaseUrl: url(find('VAPI_BASE_URL'), httpUrl, vapiBaseUrlDefault) ?? vapiBaseUrlDefault,
    alertUrl: url(find('QUOTA_ALERT_URL'), httpUrl, 'https://example.com/hooks/quota'),
    alertSecret: readApiKey(find('QUOTA_ALERT_SECRET'), problems),
    alertCommand: find('QUOTA_ALERT_COMMAND')?.value,
    schedules: readSchedules(find('QUOTA_SCHEDULES'), problems),
    pingUrl: url(find('QUOTA_PING_URL'), httpUrl, 'https://hc-ping.com/your-ping-key/{job}'),
    limitedStateFile: inDirectory(sources.cwd, find('QUOTA_LIMITED_STATE')?.value),
    actor: readActor(find('QUOTA_ACTOR'), problems),
    company: readCompany(find('QUOTA_COMPANY'), problems),
    currency: readCurrency(find('QUOTA_CURRENCY'), problems),
  };
  if (problems.length > 0) {
    const count = problems.length === 1 ? 'a setting is wrong' : `${problems.length} settings are wrong`;
    throw configurationError(count, {
      detail: problems.join('\n'),
      suggestion: 'correct it in the environment, the env file or the flag; nothing was done',
    });
  }
  return settings;
}

/** DATABASE_URL with what the variables of libpq add to it; they alone, if they name a server. */
function readDatabase(
  found: Found | undefined,
  variables: SettingSources['env'],
  problems: string[],
): string | undefined {
  if (found === undefined && !namesServer(variables)) {
    return undefined;
  }
  try {
    return resolveDatabase(found?.value ?? '', variables);
  } catch (error) {
    if (error instanceof ConninfoFault) {
      problems.push(`${found?.source ?? `what ${namingVariables(variables).text} says`} ${error.message}`);
      return undefined;
    }
    throw error;
  }
}

function namedBy(found: Found | undefined, variables: SettingSources['env']): NamedBy | undefined {
  if (found !== undefined) {
    return { text: found.source, by: found.source.startsWith('--') ? 'flag' : 'url' };
  }
  return namesServer(variables) ? namingVariables(variables) : undefined;
}

const inDirectory = (cwd: string, path: string | undefined) =>
  path === undefined ? undefined : resolve(cwd, path);

/** The variables of an env file. @throws RangeError for one that is too large; what the system says */
export const parseEnvFile = (envFile: string, cwd: string): Record<string, string | undefined> =>
  parseEnv(readSmallFile(resolve(cwd, envFile)));

function readEnvFile(
  { envFile, cwd }: SettingSources,
  problems: string[],
): Record<string, string | undefined> {
  if (envFile === undefined) {
    return {};
  }
  try {
    return parseEnvFile(envFile, cwd);
  } catch (error) {
    problems.push(`--env-file ${envFile} cannot be read: ${(error as Error).message}`);
    return {};
  }
}

/** Production where any of them says so: neither the shell nor the file takes the other's guard away. */
function readEnvironment(said: readonly Found[], problems: string[]): Environment {
  for (const { value, source } of said) {
    if (!environments.some((name) => name === value)) {
      problems.push(`${source} is "${value}", not one of ${environments.join(', ')}`);
    }
  }
  const names = said.flatMap(({ value }) => environments.filter((name) => name === value));
  return names.includes('production') ? 'production' : (names[0] ?? 'development');
}

/** One database of all products that are elsewhere, or `shop=postgres://… chat=postgres://…`; by product, `*` for all. */
function readSources(found: Found | undefined, problems: string[]): Record<string, string> {
  const words = (found?.value ?? '').split(/\s+/).filter((word) => word !== '');
  const named = words.map((word) => /^([a-z0-9][a-z0-9._-]{0,62})=(postgres(?:ql)?:\/\/.*)$/i.exec(word));
  const pairs: [string, string][] = named.every((match) => match !== null)
    ? named.map((match) => [match?.[1] ?? '', match?.[2] ?? ''])
    : [['*', found?.value ?? '']];
  return Object.fromEntries(
    pairs.flatMap(([product, text]) => {
      const url = readDatabase(found && { value: text, source: found.source }, {}, problems);
      return url === undefined ? [] : [[product, url]];
    }),
  );
}

/** `reap-stale=0 * * * *;purge=off`. Which jobs there are, and what a schedule may be, is known to whoever uses it. */
function readSchedules(found: Found | undefined, problems: string[]): Record<string, string> {
  const entries = (found?.value ?? '').split(';').filter((entry) => entry.trim() !== '');
  const pairs = entries.map((entry) => /^\s*([a-z-]+)\s*=\s*(\S.*?)\s*$/.exec(entry));
  if (found !== undefined && pairs.includes(null)) {
    problems.push(`${found.source} is not written as reap-stale=0 * * * *;purge=off`);
  }
  return Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1], pair[2]]])));
}

function readApiKey(found: Found | undefined, problems: string[]): string | undefined {
  if (found !== undefined && !/^[\u0021-\u007e]+$/.test(found.value)) {
    problems.push(`${found.source} holds spaces or characters that no key has`);
  }
  return found?.value;
}

function readActor(found: Found | undefined, problems: string[]): string {
  const actor = (found?.value ?? osUserName()).trim();
  if (!isName(actor)) {
    problems.push(
      `${found?.source ?? 'the name of the OS user'} is not a name of 1 to 200 printable characters`,
    );
  }
  return actor;
}

function readCompany(found: Found | undefined, problems: string[]): string | undefined {
  const company = found?.value.trim();
  if (found !== undefined && !isName(company ?? '')) {
    problems.push(`${found.source} is not a name of 1 to 200 printable characters`);
  }
  return company;
}

function readCurrency(found: Found | undefined, problems: string[]): string {
  const currency = found?.value.trim().toUpperCase() ?? currencyDefault;
  if (!/^[A-Z]{3}$/.test(currency)) {
    problems.push(`${found?.source} is not a currency of three letters, like EUR`);
  }
  return currency;
}

const isName = (text: string) =>
  text !== '' && text.length <= 200 && !/[\u0000-\u001f\u007f-\u009f]/.test(text);

/** Containers run under user ids that have no account. */
function osUserName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
