import type { Context, Database, Style } from '../context.ts';
import { readSchemaStatus, type SchemaStatus } from '../db/migration-store.ts';
import { redactUrls } from '../db/redact-url.ts';
import { type ExitCode, exitCodes } from '../errors.ts';

interface DatabaseStatus {
  database: { kind: 'embedded' | 'url'; url: string; serverVersion: string };
  schema: SchemaStatus;
}

/** `quota db status`: `{database: {kind, url, serverVersion}, schema: {state, applied, pending, unknown}}`. */
export async function dbStatus(context: Context): Promise<ExitCode> {
  const kind = context.settings.databaseUrl === undefined ? 'embedded' : 'url';
  const data = await context.withDatabase((database) => readStatus(database, kind), { schema: 'any' });
  await context.output.write({
    data,
    rows: [
      ...data.schema.applied.map(({ name, batch, appliedAt }) => ({
        migration: name,
        state: 'applied',
        batch,
        appliedAt,
      })),
      ...data.schema.pending.map((migration) => ({ migration, state: 'pending' })),
    ],
    columns: [{ key: 'migration' }, { key: 'state' }, { key: 'batch' }, { key: 'appliedAt' }],
    text: statusText,
  });
  return exitCodes.ok;
}

async function readStatus({ client, url }: Database, kind: 'embedded' | 'url'): Promise<DatabaseStatus> {
  const { rows } = await client.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  );
  return {
    database: { kind, url: redactUrls(url), serverVersion: rows[0]?.version ?? '' },
    schema: await readSchemaStatus(client),
  };
}

const meanings = {
  missing: 'no tables yet: quota db migrate',
  older: 'older than this version: quota db migrate',
  current: 'up to date',
  newer: 'newer than this version: update quota',
};

function statusText({ database, schema }: DatabaseStatus, style: Style): string {
  const color = schema.state === 'current' ? style.green : style.yellow;
  return [
    `database  ${database.url} (${database.kind === 'embedded' ? 'embedded' : 'DATABASE_URL'})`,
    `server    PostgreSQL ${database.serverVersion}`,
    `tables    ${color(meanings[schema.state])}`,
    ...schema.applied.map(({ name, appliedAt }) => `  applied ${name} ${style.dim(appliedAt)}`),
    ...schema.pending.map((name) => `  ${style.yellow('pending')} ${name}`),
    ...schema.unknown.map((name) => `  ${style.red('unknown')} ${name}`),
  ].join('\n');
}
