import type { Draw } from '../draw.ts';
import { thousandthsOf } from '../effects.ts';
import { personOf } from '../model.ts';
import { keyOfShard, shardNames } from '../shards.ts';
import { contradiction, mayBreak, type Params, type Step, type Told } from '../step.ts';
import type { GroundKind, StepKind } from '../step-kind.ts';
import { runTool } from '../tool.ts';
import { insertRow, record, recordTwice, userCount, userName } from './app-steps.ts';
import { adjust, because, grant, recordByHand, reset, setPlan } from './change-steps.ts';
import { openStill } from './limit-steps.ts';
import { start } from './session-steps.ts';

/** One of the shards is away for the commands of a step. */
const drawAway = (draw: Draw): Params => ({
  away: draw.happens('is away', 0.25) ? draw.below('away', shardNames.length) : null,
});

/** What is done in the main database, done where the user is. */
const atShard = (kind: GroundKind, weight: number): StepKind => ({
  weight,
  by: kind.by,
  isInShards: true,
  draw: (draw, n) => ({ ...kind.draw(draw, n), ...(kind.by === 'tool' ? drawAway(draw) : {}) }),
  run: ({ shards }, step) => kind.run(shards, step),
  settle: async ({ shards }, model, step, told) => {
    const home = shards.homeOf(userName(step.params));
    return [...(await kind.settle(shards, model, step, told)), ...stopped(step, told, home)];
  },
});

/** A shard that is away stops its users, and no others: those are done, or refused by their own shard, where they are known. */
function stopped(step: Step, told: Told, home: string): string[] {
  const away = shardNames[Number(step.params.away ?? -1)];
  const isAlone = Number.isInteger(step.n) && !mayBreak(step);
  const isThere = step.params.user !== userCount - 1; // the last is made on the way, and is nowhere until then
  return away !== undefined &&
    isAlone &&
    isThere &&
    (home === away
      ? told.result === 'done'
      : told.result === 'unknown' || (told.result === 'refused' && /no user/.test(told.words)))
    ? [`step ${step.n}: ${away} is away, ${userName(step.params)} is in ${home}: ${told.words}`]
    : [];
}

/** Somebody is made, where nobody is of that name yet; who is there already stays where he is. */
const add: StepKind = {
  weight: 1,
  by: 'tool',
  isInShards: true,
  draw: (draw) => ({
    user: draw.happens('the last', 0.6) ? userCount - 1 : draw.below('user', userCount),
    ...drawAway(draw),
  }),
  run: ({ shards }, step) => {
    const { name, signup, zone } = personOf(Number(step.params.user));
    return runTool(shards, step, [
      'user',
      'add',
      name,
      '--signup',
      signup,
      '--timezone',
      zone,
      ...because(step),
    ]);
  },
  settle: async ({ shards }, _model, step, told) => {
    const found = await shards.look(`select 1 from quota.users where external_id = $1`, [
      userName(step.params),
    ]);
    return told.result === 'refused' && found.length > 0 ? [] : contradiction(step, told, found.length > 0);
  },
};

const jobs = [
  'reset-anniversaries',
  'reset-months',
  'reap-stale',
  'raise-alerts',
  'roll-up-analytics',
] as const;

interface Outcome {
  shard: string;
  exitCode: number;
}

/** A job for all of them: what one cannot do, the others do all the same, and each says how it ended. */
const job: StepKind = {
  weight: 4,
  by: 'tool',
  isInShards: true,
  draw: (draw) => ({ job: draw.pick('job', jobs), ...drawAway(draw) }),
  run: ({ shards }, step) => {
    const isShaken = step.isShaken === true || step.params.away !== null;
    return runTool(shards, { ...step, isShaken }, ['jobs', String(step.params.job), '--all-shards']);
  },
  settle: async ({ shards }, _model, step, told) => {
    if (mayBreak(step)) {
      return [];
    }
    const away = Number(step.params.away ?? -1);
    const outcomes = (told.answer ?? []) as unknown as readonly Outcome[];
    const expected = shardNames.map((_, index) => (index === away ? 69 : 0));
    const codes = outcomes.map(({ exitCode }) => exitCode);
    const problems =
      JSON.stringify(codes) === JSON.stringify(expected)
        ? []
        : [`step ${step.n}: the shards ended with ${JSON.stringify(codes)}: ${told.words}`];
    const left = await openStill(shards, step, String(step.params.job));
    const open = left.filter(({ shard }) => shard !== shardNames[away]);
    return open.length === 0
      ? problems
      : [...problems, `step ${step.n}: open still: ${JSON.stringify(open)}`];
  },
};

interface Shown {
  subscriptions: readonly { quotas: readonly { meter: string; used: string }[] }[];
}

/** What is told of a user is what there is, wherever that is. */
const show: StepKind = {
  weight: 2,
  by: 'tool',
  isInShards: true,
  draw: (draw) => ({ user: draw.below('user', userCount), ...drawAway(draw) }),
  run: ({ shards }, step) => runTool(shards, step, ['user', 'show', userName(step.params)]),
  settle: async ({ shards }, model, step, told) => {
    const shown = (told.answer as Shown | undefined)?.subscriptions.flatMap(({ quotas }) => quotas) ?? [];
    const wrong = shown.flatMap(({ meter, used }) => {
      const expected =
        meter === 'voice_seconds' || meter === 'messages'
          ? model.usedAt(Number(step.params.user), meter, Date.parse(step.at))
          : undefined;
      return expected === undefined || thousandthsOf(used) === expected
        ? []
        : [`${meter} ${used}, not ${expected}`];
    });
    return [
      ...(wrong.length === 0 ? [] : [`step ${step.n}: ${userName(step.params)} is shown with ${wrong}`]),
      ...stopped(step, told, shards.homeOf(userName(step.params))),
    ];
  },
};

const wordsOfMove = ({ params }: Step) => [
  ...['shards', 'move', userName(params), '--to', keyOfShard(shardNames[Number(params.to)] ?? '')],
  ...(params.withSessions ? ['--with-sessions'] : []),
];

/** Somebody goes to another shard with all that is known. Broken off, the same command goes on. */
const move: StepKind = {
  weight: 3,
  by: 'tool',
  isInShards: true,
  draw: (draw) => ({
    user: draw.below('user', userCount),
    to: draw.below('to', shardNames.length),
    withSessions: draw.happens('with sessions', 0.6),
    ...drawAway(draw),
  }),
  run: ({ shards }, step) => {
    const isShaken = step.isShaken === true || step.params.away !== null;
    return runTool(shards, { ...step, isShaken }, [...wordsOfMove(step), ...because(step)]);
  },
  settle: async ({ shards }, _model, step, told) => {
    const { fault: _, ...unstruck } = step;
    const calm = { ...unstruck, params: { ...step.params, away: null } };
    const end =
      told.result === 'unknown'
        ? await runTool(shards, calm, [...wordsOfMove(step), ...because(step)])
        : told;
    const user = userName(step.params);
    const found = await shards.look(`select 1 from quota.users where external_id = $1`, [user]);
    const before = shards.homeOf(user);
    const at = found.map(({ shard }) => String(shard));
    if (at.length === 1 && at[0] !== undefined) {
      shards.moved(user, at[0]);
    }
    const isNobody = at.length === 0 && end.result === 'refused';
    const isRight =
      isNobody ||
      (at.length === 1 && at[0] === (end.result === 'done' ? shardNames[Number(step.params.to)] : before));
    return isRight
      ? []
      : [`step ${step.n}: ${user} was in ${before}, is in ${at}: ${told.words}, then ${end.words}`];
  },
};

const doctor: StepKind = {
  weight: 0.5,
  by: 'tool',
  isInShards: true,
  draw: () => ({}),
  run: ({ shards }, step) => runTool(shards, step, ['doctor', '--all-shards']),
  settle: async (_place, _model, step, told) =>
    /→ 3:/.test(told.words) ? [`step ${step.n}: doctor finds what is not found here: ${told.words}`] : [],
};

export const shardSteps = {
  'shard-add': add,
  'shard-record': atShard(record, 4),
  'shard-insert-row': atShard(insertRow, 1),
  'shard-record-twice': atShard(recordTwice, 1),
  'shard-start-session': atShard(start, 1),
  'shard-record-by-hand': atShard(recordByHand, 1),
  'shard-adjust': atShard(adjust, 1),
  'shard-reset': atShard(reset, 1),
  'shard-grant': atShard(grant, 1),
  'shard-set-plan': atShard(setPlan, 1),
  'shard-job': job,
  'shard-show': show,
  'shard-move': move,
  'shard-doctor': doctor,
};
