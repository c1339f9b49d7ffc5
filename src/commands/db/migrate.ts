import { renewProducts } from '../../adopt/renew.ts';
import type { Context, Style } from '../../context.ts';
import { createRolesSql, type RoleState, selectLostRoles } from '../../db/core/roles-store.ts';
import { readSchemaStatus } from '../../db/migration-store.ts';
import { migrate } from '../../db/migrations.ts';
import { refuseForeignSchema } from '../../db/schema-state.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';
import type { Login } from '../../logins/login.ts';
import { selectLogins } from '../../logins/login-store.ts';
import { numberIds } from '../../shards/numbering-store.ts';

interface MigrationReport {
  dryRun: boolean;
  applied: string[];
  pending: string[];
  core: {
    /** `pending` on a dry run only. */
    state: 'current' | 'installed' | 'pending';
    sha256: string;
    /** As in `function quota.now()`: what was made anew, and what is gone. */
    installed: string[];
    dropped: string[];
  };
  /** Roles that were given their rights, and those that are missing. */
  roles: { granted: string[]; missing: string[] };
  /** Products that were attached by another version, and whose triggers are this one's now. */
  renewed?: string[];
  /** Of a shard: the columns whose ids are from now on those of this shard alone. */
  numbered?: string[];
}

/** `quota db migrate`: a `MigrationReport`; on a dry run nothing is applied. */
export const dbMigrate = defineCommand(
  {
    options: {
      dryRun: flag('list what would be applied, change nothing', { short: 'n' }),
      reinstall: flag('also make anew what somebody changed by hand, and give the rights anew'),
    },
    examples: [
      ['quota db migrate', 'apply what is pending'],
      ['quota db migrate --dry-run', 'list what is pending'],
      ['quota db migrate --reinstall', 'undo what quota doctor finds changed by hand'],
      ['DATABASE_URL=postgres://quota@db/app quota db migrate', 'on your own server'],
    ],
  },
  async (context, options) => {
    const data = await context.withDatabase(
      async ({ client, url }): Promise<MigrationReport> => {
        const status = await readSchemaStatus(client);
        const core = status.core?.sha256 ?? null;
        refuseForeignSchema({ migrations: status.applied, core });
        const sha256 = status.wantedCore;
        const nothing = { sha256, installed: [], dropped: [] };
        if (options.dryRun === true) {
          const isWanted = core === sha256 && options.reinstall !== true;
          return {
            dryRun: true,
            applied: [],
            pending: status.pending,
            core: { state: isWanted ? 'current' : 'pending', ...nothing },
            roles: { granted: [], missing: missingOf(await selectLostRoles(client)) },
          };
        }
        const { talk, signal } = context;
        const result = await migrate(url, { talk, signal, reinstall: options.reinstall === true });
        if (result.applied.some((name) => name.endsWith('_logins'))) {
          warnOfLogins(context, await selectLogins(client));
        }
        warnOfRoles(context, result.roles.missing);
        const { shard } = context.settings;
        const numbered = shard === undefined ? {} : { numbered: await numberIds(client, shard.number) };
        const renewed = await renewProducts(client, (product, error) =>
          talk.warn(
            `what is installed for ${product} is still that of another version: ${(error as Error).message}; ` +
              `quota adopt backfill ${product} tries it again`,
          ),
        );
        return {
          dryRun: false,
          applied: result.applied,
          pending: [],
          roles: result.roles,
          core: { state: result.core === null ? 'current' : 'installed', ...nothing, ...result.core },
          ...(renewed.length > 0 && { renewed }),
          ...numbered,
        };
      },
      { schema: 'any', onAbort: 'finish' },
    );
    await context.output.write({
      data,
      rows: [
        ...data.applied.map(row('applied')),
        ...data.pending.map(row('pending')),
        ...(data.core.state === 'current' ? [] : [row(data.core.state)('core')]),
      ],
      columns: [{ key: 'migration' }, { key: 'state' }],
      text: migrationText,
    });
    return exitCodes.ok;
  },
);

const missingOf = (roles: readonly RoleState[]) =>
  roles.filter(({ state }) => state === 'missing').map(({ role }) => role);

function warnOfRoles({ talk }: Context, missing: readonly string[]): void {
  if (missing.length > 0) {
    talk.warn(
      `roles are missing, and nobody but the owner has rights until they are there: ${missing.join(', ')}; ` +
        `let whoever may make roles run: ${createRolesSql(missing)} - then run quota db migrate again`,
    );
  }
}

/** From that version on only logins that are registered get answers: an upgrade does not lock anybody out silently. */
function warnOfLogins({ talk }: Context, logins: readonly Login[]): void {
  const named = (state: Login['state']) =>
    logins.filter((login) => login.state === state).map(({ role }) => role);
  const [carried, refused] = [named('carried'), named('refused')];
  if (carried.length > 0) {
    talk.warn(
      `logins of apps are registered from now on; carried over as what they were, to be looked at with quota login list: ${carried.join(', ')}`,
    );
  }
  if (refused.length > 0) {
    talk.warn(
      `members of quota_app that are not registered are refused: ${refused.join(', ')}; see quota login allow, quota login bind`,
    );
  }
}

const row = (state: string) => (migration: string) => ({ migration, state });

function migrationText(
  { applied, pending, core, roles, renewed = [], numbered = [] }: MigrationReport,
  style: Style,
): string {
  const lines = [
    ...applied.map((name) => `${style.green('applied')} ${name}`),
    ...pending.map((name) => `${style.yellow('pending')} ${name}`),
  ];
  const { length: installed } = core.installed;
  const { length: dropped } = core.dropped;
  if (core.state === 'installed') {
    const gone = dropped > 0 ? `, ${dropped} that this version does not have dropped` : '';
    lines.push(
      `${style.green('installed')} functions, triggers, views and policies: ${installed} anew${gone}; rights`,
    );
  } else if (core.state === 'pending') {
    lines.push(`${style.yellow('pending')} functions, triggers, views, policies and rights of this version`);
  }
  if (roles.granted.length > 0 && core.state === 'current') {
    lines.push(`${style.green('granted')} rights to ${roles.granted.join(', ')}`);
  }
  if (renewed.length > 0) {
    lines.push(`${style.green('renewed')} triggers of ${renewed.join(', ')}`);
  }
  if (numbered.length > 0) {
    lines.push(`${style.green('numbered')} ids of ${numbered.length} tables are those of this shard`);
  }
  return lines.length === 0 ? 'The tables and functions are up to date.' : lines.join('\n');
}
