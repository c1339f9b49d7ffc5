import type { SettingOrigin, Settings } from '../context.ts';
import { redactUrls } from '../db/redact-url.ts';
import type { GlobalOptions } from './global-options.ts';
import type { ProcessLike } from './process-like.ts';
import { type Setting, type SettingVariable, settingTable } from './setting-table.ts';
import { parseEnvFile } from './settings.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Settings that were read, each with where it came from. Of a secret there is only that it is set. */
export function settingOrigins(
  { env, cwd }: Pick<ProcessLike, 'env' | 'cwd'>,
  { envFile, databaseUrl, color, pager }: GlobalOptions,
  settings: Settings,
): SettingOrigin[] {
  const file = envFile === undefined ? {} : parseEnvFile(envFile, cwd());
  const flags: Variables = {
    DATABASE_URL: databaseUrl === undefined ? undefined : '--database-url',
    QUOTA_PAGER: pager === false ? '--no-pager' : undefined,
    NO_COLOR: color === false ? '--no-color' : undefined,
  };
  return settingTable.map(({ variable, ...setting }: Setting & { variable: SettingVariable }) => {
    const found = sourceIn(env, variable) ?? sourceIn(file, variable);
    const where = sourceIn(env, variable) === undefined && found !== undefined ? ` in ${envFile}` : '';
    const source =
      flags[variable] ?? (found === undefined ? otherSource(variable, settings) : `${found}${where}`);
    const value = shownAs[variable](settings, env);
    return { variable, value, source, isSecret: setting.secret === true };
  });
}

/** The name under which it is set: its own, or that of a file that holds it. An empty variable is not set. */
const sourceIn = (variables: Variables, variable: string): string | undefined =>
  [variable, `${variable}_FILE`].find((name) => variables[name]);

/** What libpq's own variables say of the server, where DATABASE_URL says nothing. */
const otherSource = (variable: SettingVariable, { databaseNamedBy }: Settings): string =>
  (variable === 'DATABASE_URL' ? databaseNamedBy?.text : undefined) ?? 'default';

const hidden = (value: string | undefined) => (value === undefined ? null : '***');

/** A setting without its line here does not compile. */
const shownAs: Record<SettingVariable, (settings: Settings, env: Variables) => string | null> = {
  DATABASE_URL: ({ databaseUrl, dataDir }) =>
    databaseUrl === undefined ? `embedded, in ${dataDir}` : redactUrls(databaseUrl),
  QUOTA_REPLICA_URL: ({ replicaUrl }) => (replicaUrl === undefined ? null : redactUrls(replicaUrl)),
  QUOTA_DATA_DIR: ({ dataDir }) => dataDir,
  QUOTA_SHARDS: ({ shardsFile }) => shardsFile ?? null,
  QUOTA_ENV: ({ environment }) => environment,
  QUOTA_ACTOR: ({ actor }) => actor,
  QUOTA_COMPANY: ({ company }) => company ?? null,
  QUOTA_CURRENCY: ({ currency }) => currency,
  VAPI_API_KEY: ({ vapiApiKey }) => hidden(vapiApiKey),
  VAPI_BASE_URL: ({ vapiBaseUrl }) => redactUrls(vapiBaseUrl),
  QUOTA_LIMITED_STATE: ({ limitedStateFile }) => limitedStateFile ?? null,
  QUOTA_ALERT_URL: ({ alertUrl }) => hidden(alertUrl),
  QUOTA_ALERT_SECRET: ({ alertSecret }) => hidden(alertSecret),
  QUOTA_ALERT_COMMAND: ({ alertCommand }) => hidden(alertCommand),
  QUOTA_SCHEDULES: ({ schedules }) =>
    Object.entries(schedules)
      .map(([job, schedule]) => `${job}=${schedule}`)
      .join(';') || null,
  QUOTA_PING_URL: ({ pingUrl }) => hidden(pingUrl),
  QUOTA_SOURCE_URL: ({ sourceUrls }) =>
    Object.entries(sourceUrls)
      .map(([product, url]) => `${product === '*' ? '' : `${product}=`}${redactUrls(url)}`)
      .join(' ') || null,
  REDIS_URL: ({ redisUrl }) => (redisUrl === undefined ? null : redactUrls(redisUrl)),
  QUOTA_PAGER: (_settings, env) => env.QUOTA_PAGER ?? env.PAGER ?? 'less -FRX',
  NO_COLOR: (_settings, env) => env.NO_COLOR || null,
};
