import type { Context, Style } from '../../context.ts';
import { type RoleState, selectLostRoles } from '../../db/core/roles-store.ts';
import { refuseWithoutBinaries } from '../../db/embedded/binaries.ts';
import { type EmbeddedStatus, embeddedStatus } from '../../db/embedded/control.ts';
import { type DatabaseMark, selectMark } from '../../db/mark-store.ts';
import { readSchemaStatus, type SchemaStatus, schemaStatus } from '../../db/migration-store.ts';
import { redactUrls } from '../../db/redact-url.ts';
import { selectServerVersion } from '../../db/server-store.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';
import { whenText } from '../../text/time-text.ts';

interface DatabaseStatus {
  database: { kind: 'embedded' | 'url'; url: string; serverVersion: string | null };
  /** What the database says that it is; null: nobody has said. */
  mark: DatabaseMark | null;
  /** Null where DATABASE_URL is used. */
  embedded: EmbeddedStatus | null;
  schema: SchemaStatus;
  /** Roles that are missing, or have not been given their rights here. */
  lostRoles: RoleState[];
}

/**
 * `quota db status`: `{database: {kind, url, serverVersion}, mark, embedded, schema: SchemaStatus, lostRoles: [{role, state}]}`.
 * A stopped embedded server is started for the question; one that does not exist yet is not made.
 */
export const dbStatus = defineCommand(
  {
    examples: [
      ['quota db status', 'at a glance'],
      ['quota db status --json', 'for scripts: .schema.state is missing, older, current, newer or edited'],
    ],
  },
  async (context) => {
    const { databaseUrl, dataDir } = context.settings;
    const embedded = databaseUrl === undefined ? await embeddedStatus(dataDir) : null;
    if (embedded?.state === 'not initialised') {
      refuseWithoutBinaries(); // Else a check of health would be content with a database that can never be.
    }
    const data =
      embedded?.state === 'not initialised' ? statusOfNothing(embedded) : await readStatus(context, embedded);
    const { applied, pending, changed } = data.schema;
    await context.output.write({
      data,
      rows: [
        ...applied.map(({ name, batch, appliedAt }) => ({
          migration: name,
          state: 'applied',
          batch,
          appliedAt,
        })),
        ...pending.map((migration) => ({ migration, state: 'pending' })),
        ...changed.map(({ object, state }) => ({ migration: object, state: `${state} by hand` })),
      ],
      columns: [{ key: 'migration' }, { key: 'state' }, { key: 'batch' }, { key: 'appliedAt' }],
      text: (status, style) => statusText(status, context.now(), style),
    });
    return exitCodes.ok;
  },
);

const statusOfNothing = (embedded: EmbeddedStatus): DatabaseStatus => ({
  database: { kind: 'embedded', url: embedded.url, serverVersion: null },
  mark: null,
  embedded,
  schema: schemaStatus([], null),
  lostRoles: [],
});

const readStatus = (context: Context, embedded: EmbeddedStatus | null): Promise<DatabaseStatus> =>
  context.withDatabase(
    async ({ client, url }) => {
      const serverVersion = await selectServerVersion(client);
      return {
        database: { kind: embedded === null ? 'url' : 'embedded', url: redactUrls(url), serverVersion },
        mark: await selectMark(client),
        embedded,
        schema: await readSchemaStatus(client),
        lostRoles: await selectLostRoles(client),
      };
    },
    { schema: 'any' },
  );

const meanings = {
  missing: 'none yet: quota db migrate',
  older: 'older than this version: quota db migrate',
  current: 'up to date',
  newer: 'newer than this version: update quota',
  edited: 'made by migrations that were edited afterwards',
};

function statusText(
  { database, mark, embedded, schema, lostRoles }: DatabaseStatus,
  now: Date,
  style: Style,
): string {
  const color = schema.state === 'current' ? style.green : style.yellow;
  const version = database.serverVersion === null ? 'not made yet' : `PostgreSQL ${database.serverVersion}`;
  return [
    `database  ${database.url}`,
    `server    ${version}${embedded === null ? '' : embeddedText(embedded)}`,
    `marked    ${markText(mark, now, style)}`,
    `tables    ${color(meanings[schema.state])}`,
    ...schema.applied.map(
      ({ name, appliedAt }) => `  applied ${name} ${style.dim(whenText(appliedAt, now))}`,
    ),
    ...schema.pending.map((name) => `  ${style.yellow('pending')} ${name}`),
    ...schema.unknown.map((name) => `  ${style.red('unknown')} ${name}`),
    ...schema.edited.map((name) => `  ${style.red('edited')}  ${name}`),
    `functions ${coreText(schema, now)}`,
    ...(schema.state === 'missing' ? [] : lostRoles).map(
      ({ role, state }) =>
        `  ${style.red(state === 'missing' ? 'no role' : 'no rights')} ${role}: quota db migrate`,
    ),
    ...schema.changed.map(({ object, state }) => `  ${style.red(`${state} by hand`)} ${object}`),
  ].join('\n');
}

function markText(mark: DatabaseMark | null, now: Date, style: Style): string {
  if (mark === null) {
    return 'not yet: quota db mark production (or test, development)';
  }
  const { environment, markedAt, markedBy } = mark;
  const name = environment === 'production' ? style.red(environment) : environment;
  return `${name}, by ${markedBy} on ${whenText(markedAt, now)}`;
}

/** Hashes in twelve digits, as git abbreviates them. */
function coreText({ core, wantedCore }: SchemaStatus, now: Date): string {
  const wanted = wantedCore.slice(0, 12);
  if (core === null || core.sha256 === null) {
    return `none of this kind yet (this version has ${wanted}): quota db migrate`;
  }
  const installed = `${core.sha256.slice(0, 12)}, installed by quota ${core.version} on ${whenText(core.installedAt, now)}`;
  return core.sha256 === wantedCore
    ? installed
    : `${installed}; this version has ${wanted}: quota db migrate`;
}

function embeddedText({ state, pid, stays }: EmbeddedStatus): string {
  if (state !== 'running') {
    return ', embedded, started on demand';
  }
  return `, embedded, running (pid ${pid}) ${stays ? 'until quota db stop' : 'until the last process leaves'}`;
}
