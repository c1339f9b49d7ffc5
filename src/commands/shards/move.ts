import { requiredReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, flag, requiredValue, value } from '../../declarations/option.ts';
import { type Arrival, clearStrays, finishMove, moveUser } from '../../shards/move/move-user.ts';
import { type MovePlan, planMove } from '../../shards/move/plan-move.ts';
import { requireShards, shardNamed } from '../../shards/shard.ts';
import { counted } from '../../values/counted.ts';
import { parseDurationSeconds, parseName } from '../../values/option-values.ts';

const holdSecondsDefault = 30;

interface MoveResult {
  user: string;
  from: string;
  to: string;
  dryRun: boolean;
  /** False: the user was there. */
  moved: boolean;
  /** Rows by table; those without any are left out. */
  rows: Record<string, number>;
  auditId: string | null;
}

/** `quota shards move USER --to NAME`: `{user, from, to, dryRun, moved, rows: {<table>: number}, auditId}`. */
export const shardsMove = defineCommand(
  {
    arguments: { user: argument('id, external id or email') },
    options: {
      ...changeOptions,
      to: requiredValue('name', 'the shard that is to have the user', parseName),
      hold: value(
        'time',
        `give up where apps would wait longer (default: ${holdSecondsDefault}s)`,
        parseDurationSeconds,
      ),
      withSessions: flag('move running sessions as well: apps end them by key, not by number'),
    },
    details: `Everything of the user goes, with the same ids, and is held against what it was: nothing is counted anew. The history
stays where it was written. What an app writes for the user meanwhile waits; after that the former shard refuses it with QT009. Broken
off anywhere, the same command goes on. A router of apps is made anew afterwards (quota shards router --init). Both logins
are the owners of their schemas and may set session_replication_role.`,
    examples: [
      ['quota shards move user_00042 --to eu-2 --dry-run', 'what would go'],
      ['quota shards move user_00042 --to eu-2 --reason "eu-1 is full" --yes', 'in a script'],
    ],
  },
  (context, options) => {
    const shards = requireShards(context);
    const to = shardNamed(shards, options.to);
    const withSessions = options.withSessions === true;
    const holdMs = (options.hold ?? holdSecondsDefault) * 1000;
    return runChange(context, options, {
      reason: requiredReason('a move', 'eu-1 is full'),
      plan: () => planMove(options.user, { shards, to, withSessions, signal: context.signal }),
      isNothing: (plan) => plan.kind === 'there' && plan.strays.length === 0,
      describe: ({ user, from, kind }) => ({
        action:
          kind === 'there'
            ? `Take away what waits of ${user.externalId} in other shards`
            : `Move ${user.externalId} from ${from.name} to ${to.name}`,
        name: user.externalId,
      }),
      apply: async ({ client }, plan, { reason }): Promise<Partial<Arrival> | null> => {
        if (plan.kind === 'move') {
          return moveUser(context, client, plan, { reason, withSessions, holdMs });
        }
        if (plan.kind === 'finish') {
          return finishMove(client, plan, reason);
        }
        await clearStrays(context, client, plan);
        return {};
      },
      report: ({ plan, applied, dryRun }) => ({
        data: resultOf(plan, applied, dryRun),
        text: ({ user, from, moved, rows }: MoveResult, style) =>
          moved
            ? `${dryRun ? style.yellow('would move') : style.green('moved')} ${user} from ${from} to ${style.bold(to.name)}: ${counted(sum(rows), 'row')}`
            : `${user} is in ${style.bold(to.name)} already`,
      }),
      outdatesCache: false,
    });
  },
);

function resultOf(plan: MovePlan, applied: Partial<Arrival> | undefined, dryRun: boolean): MoveResult {
  const tables = applied?.tables ?? (plan.kind === 'move' ? plan.tables : []);
  return {
    user: plan.user.externalId,
    from: plan.from.name,
    to: plan.to.name,
    dryRun,
    moved: plan.kind !== 'there',
    rows: Object.fromEntries(
      tables.flatMap(({ table, rows }) => (rows === '0' ? [] : [[table, Number(rows)]])),
    ),
    auditId: applied?.auditId ?? null,
  };
}

const sum = (rows: Readonly<Record<string, number>>) =>
  Object.values(rows).reduce((all, one) => all + one, 0);
