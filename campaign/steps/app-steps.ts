import { callAsApp } from '../app.ts';
import type { Draw } from '../draw.ts';
import { provider, settleCall, storedCalls } from '../effects.ts';
import type { Ground } from '../ground.ts';
import type { Model, ModelCall, Service } from '../model.ts';
import { contradiction, keyOf, type Params, type Step, type Told } from '../step.ts';
import type { GroundKind, StepKind } from '../step-kind.ts';

export const userCount = 6;
const services = ['voice', 'voice', 'chat', 'avatar'] as const;
const models = [null, 'gpt-4o', 'claude-3-opus'] as const;

export const userName = (params: Params) => `user-${params.user}`;

/** How long ago something began: mostly just now, at times in a period that is over. */
export function drawAgo(draw: Draw): number {
  return draw.happens('is late', 0.15) ? draw.below('late hours', 24 * 45) * 3600 : draw.below('ago', 7200);
}

function drawCall(draw: Draw): Params {
  const service = draw.pick('service', services);
  return {
    user: draw.below('user', userCount),
    service,
    quantity:
      service === 'chat' ? 1 + draw.below('messages', 9) : (1 + draw.below('milliseconds', 180_000)) / 1000,
    agoSeconds: drawAgo(draw),
    model: service === 'chat' ? draw.pick('model', models) : null,
  };
}

export function callOf(step: Step): ModelCall {
  const { user, service, quantity, agoSeconds, model } = step.params;
  return {
    user: Number(user),
    service: service as Service,
    model: (model ?? null) as string | null,
    startedMs: Date.parse(step.at) - Number(agoSeconds) * 1000,
    thousandths: Math.round(Number(quantity) * 1000),
  };
}

export async function settleOneCall(ground: Ground, model: Model, step: Step, told: Told): Promise<string[]> {
  const { isThere, problems } = settleCall(
    await storedCalls(ground, model, keyOf(step)),
    model,
    keyOf(step),
    callOf(step),
  );
  return [...problems, ...contradiction(step, told, isThere)];
}

export const record: GroundKind = {
  weight: 14,
  by: 'app',
  draw: drawCall,
  run: (ground, step) =>
    callAsApp(
      ground,
      step,
      `select * from quota.record($1, $2, $3, $4::numeric, p_provider => $5, p_started_at => $6, p_model => $7)`,
      [
        userName(step.params),
        step.params.service,
        keyOf(step),
        step.params.quantity,
        provider,
        new Date(callOf(step).startedMs),
        step.params.model,
      ],
    ),
  settle: settleOneCall,
};

export const insertRow: GroundKind = {
  weight: 6,
  by: 'app',
  draw: drawCall,
  run: (ground, step) =>
    callAsApp(
      ground,
      step,
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, model, started_at, duration_seconds, messages)
       select id, $2, $3, $4, $5, $6, case when $2 <> 'chat' then $7::numeric end, case when $2 = 'chat' then $7::integer end
       from quota.users where external_id = $1 returning id`,
      [
        userName(step.params),
        step.params.service,
        provider,
        keyOf(step),
        step.params.model,
        new Date(callOf(step).startedMs),
        step.params.quantity,
      ],
    ),
  settle: async (ground, model, step, told) =>
    told.result === 'done' && told.answer?.id === undefined ? [] : settleOneCall(ground, model, step, told),
};

/** A key that is there is told once more, with other figures: what is stored stays. */
const recordAgain: StepKind = {
  weight: 3,
  by: 'app',
  draw: (draw, n) => ({ of: draw.below('of', Math.max(1, n)), quantity: 1 + draw.below('quantity', 50) }),
  run: async (ground, step) => {
    const [known] = await ground.look(
      `select u.external_id, l.service from quota.call_logs l join quota.users u on u.id = l.user_id
       where l.provider = $1 and l.provider_call_id = $2 and l.status = 'completed' and l.settled_by is null`,
      [provider, `step-${step.params.of}`],
    );
    return known === undefined
      ? { result: 'done', words: 'there is none' }
      : callAsApp(ground, step, `select * from quota.record($1, $2, $3, $4::numeric, p_provider => $5)`, [
          known.external_id,
          known.service,
          `step-${step.params.of}`,
          step.params.quantity,
          provider,
        ]);
  },
  settle: async (_place, _model, step, told) =>
    told.answer?.recorded === true ? [`step ${step.n}: a key that is there was recorded again`] : [],
};

/** One key, told twice at the same time: it counts once, and one of the two is told so. */
export const recordTwice: GroundKind = {
  weight: 2,
  by: 'app',
  draw: drawCall,
  run: async (ground, step) => {
    const [one, other] = await Promise.all([record.run(ground, step), record.run(ground, step)]);
    const both = [one, other].filter(({ answer }) => answer?.recorded === true).length;
    const known =
      ['done', 'unknown'].flatMap((result) => [one, other].filter((told) => told.result === result))[0] ??
      one;
    return { ...known, words: `${one.words} and ${other.words}`, answer: { ...known.answer, both } };
  },
  settle: async (ground, model, step, told) => [
    ...(Number(told.answer?.both ?? 0) > 1 ? [`step ${step.n}: both were told to have recorded it`] : []),
    ...(await settleOneCall(ground, model, step, told)),
  ],
};

const check: StepKind = {
  weight: 3,
  by: 'app',
  draw: (draw) => ({ user: draw.below('user', userCount), service: draw.pick('service', services) }),
  run: (ground, step) =>
    callAsApp(ground, step, `select * from quota.check($1, $2)`, [
      userName(step.params),
      step.params.service,
    ]),
  settle: async () => [],
};

/** The price of a key is asked for by whoever looks at a row that changed: none may be there twice. */
const removeRow: StepKind = {
  weight: 1,
  by: 'app',
  draw: (draw, n) => ({ of: draw.below('of', Math.max(1, n)) }),
  run: (ground, step) =>
    callAsApp(
      ground,
      step,
      `delete from quota.call_logs where provider = $1 and provider_call_id = $2 returning id`,
      [provider, `step-${step.params.of}`],
    ),
  settle: async (ground, model, step, told) => {
    const key = `step-${step.params.of}`;
    const isThere = (await storedCalls(ground, model, key)).has(key);
    if (!isThere && told.result !== 'refused') {
      model.calls.delete(key);
      model.sessions.delete(key);
    }
    return isThere && told.result === 'done' ? [`step ${step.n}: ${key} was deleted and is there`] : [];
  },
};

export const appSteps = {
  record,
  'insert-row': insertRow,
  'record-twice': recordTwice,
  'record-again': recordAgain,
  check,
  'remove-row': removeRow,
};
