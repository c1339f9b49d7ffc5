import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { provider, thousandthsOf } from '../effects.ts';
import type { Ground } from '../ground.ts';
import { type Meter, meterKeys } from '../model.ts';
import { contradiction, keyOf, type Step } from '../step.ts';
import type { GroundKind, StepKind } from '../step-kind.ts';
import { runTool } from '../tool.ts';
import { callOf, drawAgo, settleOneCall, userCount, userName } from './app-steps.ts';

/** Whatever changes something says why, and does not ask. */
export const because = (step: Step) => ['--reason', keyOf(step), '--yes'];

interface EntryRow {
  [column: string]: string | null;
  meter: string;
  quantity: string;
}

/** The entries of a step, by its reason. */
const entriesOf = (ground: Ground, step: Step) =>
  ground.look<EntryRow>(`select meter, quantity::text as quantity from quota.adjustments where reason = $1`, [
    keyOf(step),
  ]);

export const adjust: GroundKind = {
  weight: 3,
  by: 'tool',
  draw: (draw) => ({
    user: draw.below('user', userCount),
    meter: draw.pick('meter', ['voice_seconds', 'messages', 'avatar_seconds'] as const),
    quantity: draw.below('quantity', 80) - 30 || 1,
    noSync: draw.happens('no sync', 0.5),
  }),
  run: (ground, step) =>
    runTool(ground, step, [
      ...['user', 'adjust', userName(step.params), String(step.params.meter), String(step.params.quantity)],
      ...because(step),
      ...(step.params.noSync ? ['--no-sync'] : []),
    ]),
  settle: async (ground, model, step, told) => {
    const found = await entriesOf(ground, step);
    const thousandths = 1000 * Number(step.params.quantity);
    for (const { meter, quantity } of found) {
      model.entries.set(`${keyOf(step)} ${meter}`, {
        user: Number(step.params.user),
        meter: meter as Meter,
        atMs: Date.parse(step.at),
        thousandths: thousandthsOf(quantity),
      });
    }
    const isRight = found.every(
      ({ meter, quantity }) => meter === step.params.meter && thousandthsOf(quantity) === thousandths,
    );
    return [
      ...(isRight && found.length < 2 ? [] : [`step ${step.n}: its entries are ${JSON.stringify(found)}`]),
      ...contradiction(step, told, found.length > 0),
    ];
  },
};

export const reset: GroundKind = {
  weight: 2,
  by: 'tool',
  draw: (draw) => ({ user: draw.below('user', userCount), noSync: draw.happens('no sync', 0.5) }),
  run: (ground, step) =>
    runTool(ground, step, [
      ...['user', 'reset', userName(step.params), ...because(step)],
      ...(step.params.noSync ? ['--no-sync'] : []),
    ]),
  settle: async (ground, model, step, told) => {
    const user = Number(step.params.user);
    const atMs = Date.parse(step.at);
    const due = meterKeys.flatMap((meter) => {
      const used = model.usedAt(user, meter, atMs);
      return used > 0 ? [`${meter} ${-used}`] : [];
    });
    const found = (await entriesOf(ground, step)).map(({ meter, quantity }) => {
      const thousandths = thousandthsOf(quantity);
      model.entries.set(`${keyOf(step)} ${meter}`, { user, meter: meter as Meter, atMs, thousandths });
      return `${meter} ${thousandths}`;
    });
    const isWhole = JSON.stringify(found.toSorted()) === JSON.stringify(due.toSorted());
    return (found.length === 0 && told.result !== 'done') || isWhole
      ? []
      : [`step ${step.n}: it took off ${found}, not ${due}: ${told.words}`];
  },
};

export const grant: GroundKind = {
  weight: 2,
  by: 'tool',
  draw: (draw) => ({
    user: draw.below('user', userCount),
    meter: draw.pick('meter', ['voice_seconds', 'messages', 'avatar_seconds'] as const),
    quantity: 1 + draw.below('quantity', 99),
  }),
  run: (ground, step) =>
    runTool(ground, step, [
      ...['user', 'grant', userName(step.params), String(step.params.meter), String(step.params.quantity)],
      ...because(step),
    ]),
  settle: async (ground, _model, step, told) => {
    const found = await ground.look(`select quantity::text from quota.grants where reason = $1`, [
      keyOf(step),
    ]);
    return [
      ...(found.length < 2 ? [] : [`step ${step.n}: granted ${found.length} times`]),
      ...contradiction(step, told, found.length > 0),
    ];
  },
};

export const setPlan: GroundKind = {
  weight: 2,
  by: 'tool',
  draw: (draw) => ({
    user: draw.below('user', userCount),
    plan: draw.pick('plan', ['voice-free', 'campaign-large', 'campaign-small'] as const),
  }),
  run: (ground, step) =>
    runTool(ground, step, [
      'user',
      'set-plan',
      userName(step.params),
      String(step.params.plan),
      ...because(step),
    ]),
  settle: async (ground, _model, step, told) => {
    const [found] = await ground.look(
      `select s.plan from quota.subscriptions s join quota.users u on u.id = s.user_id
       where u.external_id = $1 and s.service = 'voice'`,
      [userName(step.params)],
    );
    return told.result === 'done' ? contradiction(step, told, found?.plan === step.params.plan) : [];
  },
};

/** The limit of a plan changes, for the running periods of all who have it. */
const applyPlan: StepKind = {
  weight: 1,
  by: 'tool',
  draw: (draw) => ({ limit: 300 + draw.below('limit', 20) * 100, now: draw.happens('now', 0.7) }),
  run: async (ground, step) => {
    const file = join(ground.folder, 'plan.json');
    const limits = {
      voice_seconds: { limit: step.params.limit, reset_every: '1 month', on_exceeded: 'limit_assistants' },
    };
    await writeFile(file, JSON.stringify({ key: 'campaign-large', service: 'voice', limits }));
    return runTool(ground, step, [
      'plan',
      'apply',
      file,
      ...(step.params.now ? ['--now'] : []),
      ...because(step),
    ]);
  },
  settle: async (ground, _model, step, told) => {
    const [found] = await ground.look(
      `select trim_scale(limit_quantity)::text as l from quota.plan_limits where plan = 'campaign-large'`,
    );
    return told.result === 'done' ? contradiction(step, told, found?.l === String(step.params.limit)) : [];
  },
};

export const recordByHand: GroundKind = {
  weight: 2,
  by: 'tool',
  draw: (draw) => ({
    user: draw.below('user', userCount),
    service: 'voice',
    quantity: 1 + draw.below('quantity', 200),
    agoSeconds: drawAgo(draw),
    model: null,
  }),
  run: (ground, step) =>
    runTool(ground, step, [
      ...['usage', 'record', userName(step.params), '--service', 'voice', '--key', keyOf(step)],
      ...['--provider', provider, '--quantity', String(step.params.quantity), ...because(step)],
      ...['--started-at', new Date(callOf(step).startedMs).toISOString()],
    ]),
  settle: settleOneCall,
};

/** The last users alone: files go on naming the others. */
const erase: StepKind = {
  weight: 0.4,
  by: 'tool',
  draw: (draw) => ({ user: userCount - 1 - draw.below('user', 2) }),
  run: (ground, step) => runTool(ground, step, ['user', 'erase', userName(step.params), ...because(step)]),
  settle: async (ground, model, step, told) => {
    const user = model.users[Number(step.params.user)];
    const [named] = await ground.look(
      `select 1 as found from quota.users where external_id = $1 or email like $2`,
      [userName(step.params), `${userName(step.params)}@%`],
    );
    const isErased = named === undefined;
    const problems = user?.isErased === true ? [] : contradiction(step, told, isErased);
    if (user !== undefined) {
      user.isErased = isErased;
    }
    return problems;
  },
};

export const changeSteps = {
  erase,
  adjust,
  reset,
  grant,
  'set-plan': setPlan,
  'apply-plan': applyPlan,
  'record-by-hand': recordByHand,
};
