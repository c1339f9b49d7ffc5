import { version as toolVersion } from '../../../package.json';
import type { Context, Style } from '../../context.ts';
import { embeddedStatus } from '../../db/embedded/control.ts';
import { readSchemaStatus, type SchemaStatus, schemaStatus } from '../../db/migration-store.ts';
import { selectServerVersion } from '../../db/server-store.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes, QuotaError } from '../../errors.ts';

interface VersionReport {
  tool: string;
  node: string;
  /** What this version of the tool makes of a database. */
  schema: { core: string; lastMigration: string | null };
  /** Null where none can be reached. */
  database: {
    server: string;
    state: SchemaStatus['state'];
    core: string | null;
    lastMigration: string | null;
  } | null;
  /** Why the database is not told of. */
  problem: string | null;
}

/** `quota version`: a `VersionReport`; a database that is away is no failure. */
export const version = defineCommand(
  {
    details: 'quota --version prints the version of the tool alone, and asks no database.',
    examples: [
      ['quota version', 'the tool, the tables that it wants, the server, the tables that it has'],
      ['quota version --json database', 'for a bug report, or a check after an update'],
    ],
  },
  async (context) => {
    const wanted = schemaStatus([], null);
    const data: VersionReport = {
      tool: toolVersion,
      node: process.versions.node,
      schema: { core: wanted.wantedCore, lastMigration: wanted.pending.at(-1) ?? null },
      ...(await readDatabase(context)),
    };
    await context.output.write({ data, text: versionText });
    return exitCodes.ok;
  },
);

async function readDatabase(context: Context): Promise<Pick<VersionReport, 'database' | 'problem'>> {
  const { databaseUrl, dataDir } = context.settings;
  if (databaseUrl === undefined && (await embeddedStatus(dataDir)).state === 'not initialised') {
    return { database: null, problem: 'the embedded database is not made yet: quota db migrate' };
  }
  try {
    return await context.withDatabase(
      async ({ client }) => {
        const { state, core, applied } = await readSchemaStatus(client);
        const server = await selectServerVersion(client);
        const lastMigration = applied.at(-1)?.name ?? null;
        return { database: { server, state, core: core?.sha256 ?? null, lastMigration }, problem: null };
      },
      { schema: 'any' },
    );
  } catch (error) {
    if (error instanceof QuotaError) {
      return { database: null, problem: error.message };
    }
    throw error;
  }
}

function versionText({ tool, node, schema, database, problem }: VersionReport, style: Style): string {
  return [
    `quota     ${tool} ${style.dim(`on Node ${node}`)}`,
    `wants     tables ${schema.lastMigration}, functions ${shortHash(schema.core)}`,
    ...(database === null
      ? [`database  ${style.yellow(problem ?? '')}`]
      : [
          `server    PostgreSQL ${database.server}`,
          `has       tables ${database.lastMigration ?? 'none'}, functions ${shortHash(database.core)}: ${stateText(database.state, style)}`,
        ]),
  ].join('\n');
}

/** Twelve digits, as git abbreviates them. */
const shortHash = (hash: string | null) => hash?.slice(0, 12) ?? 'none';

const stateText = (state: SchemaStatus['state'], style: Style) =>
  state === 'current' ? style.green('up to date') : style.yellow(`${state}: quota db status`);
