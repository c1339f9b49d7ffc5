import type pg from 'pg';
import type { WrittenBill } from '../../fixtures/bills/write-bill.ts';
import { type Census, censusOf, wellKnown } from '../../fixtures/seed/census.ts';
import { checksumOfSeed } from '../../fixtures/seed/checksum-store.ts';
import { inspectGround } from '../../fixtures/seed/ground.ts';
import { loadSeed } from '../../fixtures/seed/load.ts';
import { planSeed, type SeedPlan } from '../../fixtures/seed/seed-plan.ts';
import type { ChangeOptions, Context, Style } from '../context.ts';
import { withAdvisoryLock } from '../db/advisory-lock.ts';
import { withTransaction } from '../db/transaction.ts';
import { type ExitCode, exitCodes, refusedError } from '../errors.ts';
import { billLines, type FixturesExportOptions, planBills, writeBills } from './fixtures-export.ts';

export interface FixturesSeedOptions extends ChangeOptions, FixturesExportOptions {
  seed?: number;
  users?: number;
  calls?: number;
  force?: boolean;
}

/** Always the same instant, so that the data is, too. */
const asOfDefault = '2026-11-15T12:00:00.000Z';
const seedDefault = 1;
const usersDefault = 200;

interface SeedReport {
  dryRun: boolean;
  seed: number;
  asOf: string;
  users: number;
  calls: number;
  /** Rows that were made now; all 0 on a dry run and when the seed was there already. */
  created: { users: number; subscriptions: number; assistants: number; calls: number };
  /** SHA-256 of everything that the seed filled; null on a dry run. */
  checksum: string | null;
  /** Of a seed that was there already: whether it is still as it was made. Else null. */
  unchanged: boolean | null;
  states: Census[];
  wellKnown: { externalId: string; about: string }[];
  /** Billing exports that were written; none on a dry run. */
  exports: WrittenBill[];
}

/**
 * `quota fixtures seed`: `{dryRun, seed, asOf, users, calls, created: {users, subscriptions, assistants, calls},
 * checksum, unchanged, states: [{plan, state, subscriptions}], wellKnown: [{externalId, about}],
 * exports: [{format, provider, month, file, lines, differences}]}`.
 */
export async function fixturesSeed(context: Context, options: FixturesSeedOptions): Promise<ExitCode> {
  if (context.settings.environment === 'production') {
    throw refusedError('made-up data is never loaded in production', {
      detail: 'QUOTA_ENV is production, and no flag overrides that',
      suggestion: 'use a database for development, with QUOTA_ENV=development',
    });
  }
  const { seed = seedDefault, users = usersDefault, calls } = options;
  const plan = planSeed({ seed, users, calls, asOf: context.asOf ?? asOfDefault });
  const bills = await planBills(options, plan);
  const { exports, ...outcome } = await context.withDatabase(({ client }) =>
    withAdvisoryLock(
      client,
      'fixtures seed',
      async () => ({
        ...(await seedDatabase(context, client, plan, options)),
        exports: bills === null || options.dryRun ? [] : await writeBills(context, client, bills),
      }),
      { mode: 'wait' },
    ),
  );
  const data: SeedReport = {
    dryRun: options.dryRun === true,
    seed: plan.seed,
    asOf: plan.asOf,
    users: plan.users,
    calls: plan.calls,
    ...outcome,
    states: censusOf(plan.users),
    wellKnown: wellKnown(plan.seed, plan.users),
    exports,
  };
  await context.output.write({ data, rows: data.states.map((state) => ({ ...state })), text: reportText });
  return exitCodes.ok;
}

type Outcome = Pick<SeedReport, 'created' | 'checksum' | 'unchanged'>;

const nothing = { users: 0, subscriptions: 0, assistants: 0, calls: 0 };

async function seedDatabase(
  context: Context,
  client: pg.Client,
  plan: SeedPlan,
  options: FixturesSeedOptions,
): Promise<Outcome> {
  const ground = await inspectGround(client, plan, options.force === true);
  if (ground.kind === 'seeded') {
    const checksum = await withTransaction(client, () => checksumOfSeed(client));
    return { created: nothing, checksum, unchanged: checksum === ground.checksum };
  }
  if (options.dryRun) {
    return { created: nothing, checksum: null, unchanged: null };
  }
  if (ground.otherUsers > 0) {
    const name = client.database ?? '';
    const action = `Load ${plan.users} made-up users beside those of ${name}`;
    await context.confirm({ action, name, typed: true }, options);
  }
  const { checksum, ...rows } = await context.talk.withProgress('users', plan.users, (progress) =>
    loadSeed(client, plan, {
      reason: options.reason ?? 'made-up data for development',
      signal: context.signal,
      progress,
    }),
  );
  return { created: { users: plan.users, ...rows }, checksum, unchanged: null };
}

function reportText(report: SeedReport, style: Style): string {
  const { dryRun, created, unchanged, checksum, asOf, users, calls } = report;
  const size = `${users} users with ${calls} call logs, as of ${asOf}`;
  const look = `Look at them with --as-of ${asOf}, for example: quota user show ${report.wellKnown[0]?.externalId} --as-of ${asOf}`;
  if (dryRun && unchanged === null) {
    return [
      `${style.yellow('would make')} ${size}`,
      '',
      ...stateLines(report),
      '',
      ...nameLines(report),
    ].join('\n');
  }
  if (unchanged !== null) {
    const since = unchanged ? 'unchanged since' : style.yellow('changed since by other commands');
    return [
      `This seed is there already, ${since}: 0 new users.`,
      `checksum ${checksum}`,
      ...billLines(report.exports),
      '',
      look,
    ].join('\n');
  }
  const { subscriptions, assistants } = created;
  return [
    `${style.green('made')} ${size}, ${subscriptions} subscriptions and ${assistants} assistants`,
    `checksum ${checksum}`,
    '',
    ...nameLines(report),
    '',
    ...billLines(report.exports),
    look,
  ].join('\n');
}

/** One line per plan: how many of its subscriptions are in which state. */
function stateLines({ states }: SeedReport): string[] {
  const plans = [...new Set(states.map(({ plan }) => plan))];
  const width = Math.max(...plans.map((plan) => plan.length));
  return plans.map((plan) => {
    const counts = states.filter((one) => one.plan === plan);
    return `${plan.padEnd(width)}  ${counts.map(({ state, subscriptions }) => `${state} ${subscriptions}`).join(', ')}`;
  });
}

function nameLines({ wellKnown: named }: SeedReport): string[] {
  const width = Math.max(...named.map(({ externalId }) => externalId.length));
  return named.map(({ externalId, about }) => `${externalId.padEnd(width)}  ${about}`);
}
