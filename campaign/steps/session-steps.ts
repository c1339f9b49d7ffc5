import { callAsApp } from '../app.ts';
import { provider, storedCalls, thousandthsOf } from '../effects.ts';
import type { Ground } from '../ground.ts';
import type { Service } from '../model.ts';
import { keyOf, type Step } from '../step.ts';
import type { GroundKind } from '../step-kind.ts';
import { userCount, userName } from './app-steps.ts';

const key = (step: Step) => `step-${step.params.of}`;

/** Whose session it is, of what, as long as its end is not known. */
async function openSession(ground: Ground, step: Step) {
  const [found] = await ground.look(
    `select u.external_id as owner, l.service from quota.call_logs l join quota.users u on u.id = l.user_id
     where l.provider = $1 and l.provider_call_id = $2 and (l.status = 'active' or l.settled_by is not null)`,
    [provider, key(step)],
  );
  return found?.owner == null ? undefined : found;
}

/** What a session holds and has told, in thousandths; undefined: nothing is held for it. */
async function leaseOf(ground: Ground, callKey: string) {
  const [lease] = await ground.look(
    `select c.cap::text as cap, c.reserved::text as reserved, c.progress::text as progress
     from quota.concurrent_processing c join quota.call_logs l on l.id = c.call_log_id
     where l.provider = $1 and l.provider_call_id = $2`,
    [provider, callKey],
  );
  const thousandths = (value: string | null | undefined) => (value == null ? null : thousandthsOf(value));
  return lease === undefined
    ? undefined
    : {
        cap: thousandths(lease.cap),
        reserved: thousandths(lease.reserved) ?? 0,
        progress: thousandths(lease.progress),
      };
}

export const start: GroundKind = {
  weight: 5,
  by: 'app',
  draw: (draw) => ({
    user: draw.below('user', userCount),
    service: draw.pick('service', ['voice', 'avatar'] as const),
  }),
  run: (ground, step) =>
    callAsApp(
      ground,
      step,
      `select *, cap_seconds::text as cap from quota.start_session($1, $2, $3, p_provider => $4)`,
      [userName(step.params), step.params.service, keyOf(step), provider],
    ),
  settle: async (ground, model, step, told) => {
    const stored = (await storedCalls(ground, model, keyOf(step))).get(keyOf(step));
    if (stored !== undefined) {
      const cap = (await leaseOf(ground, keyOf(step)))?.cap ?? null;
      model.calls.set(keyOf(step), {
        user: Number(step.params.user),
        service: step.params.service as Service,
        model: null,
        startedMs: Date.parse(step.at),
        thousandths: null,
      });
      model.sessions.set(keyOf(step), { capThousandths: cap, progressThousandths: null });
    }
    const isAllowed = told.answer?.allowed === true;
    return told.result !== 'unknown' && isAllowed !== (stored !== undefined)
      ? [`step ${step.n}: a start that was ${isAllowed ? '' : 'not '}allowed: ${told.words}`]
      : [];
  },
};

/** What a session has used by now at the most, as the app would tell it. */
const seconds = (step: Step) => Number(step.params.seconds);

const touch: GroundKind = {
  weight: 4,
  by: 'app',
  draw: (draw, n) => ({
    of: Math.max(0, n - 1 - draw.below('of', 12)),
    seconds: 1 + draw.below('seconds', 120),
  }),
  run: async (ground, step) => {
    const found = await openSession(ground, step);
    return found === undefined
      ? { result: 'refused', words: 'there is none' }
      : callAsApp(ground, step, `select * from quota.touch_session($1, $2, $3::numeric, $4)`, [
          found.owner,
          key(step),
          seconds(step),
          provider,
        ]);
  },
  settle: async (ground, model, step, told) => {
    const session = model.sessions.get(key(step));
    if (session === undefined) {
      return [];
    }
    const lease = await leaseOf(ground, key(step));
    const progress = lease?.progress ?? null;
    const before = session.progressThousandths;
    const said = Math.max(before ?? 0, 1000 * seconds(step));
    model.sessions.set(key(step), { ...session, progressThousandths: progress });
    const call = model.calls.get(key(step));
    if (lease !== undefined && call !== undefined) {
      call.thousandths = null; // it runs, or runs again
    }
    const isAsSaid = told.result === 'done' && told.answer?.running === true ? progress === said : true;
    const isKept = progress === null || progress === before || progress === said;
    return isAsSaid && isKept
      ? []
      : [`step ${step.n}: ${key(step)} has ${progress}, was ${before}, told ${said}`];
  },
};

/** A start is told once more: it goes on with what it held, or not at all. Nothing that it holds or was taken to have used is less. */
const startAgain: GroundKind = {
  weight: 2,
  by: 'app',
  draw: touch.draw,
  run: async (ground, step) => {
    const found = await openSession(ground, step);
    return found === undefined
      ? { result: 'refused', words: 'there is none' }
      : callAsApp(ground, step, `select * from quota.start_session($1, $2, $3, p_provider => $4)`, [
          found.owner,
          found.service,
          key(step),
          provider,
        ]);
  },
  settle: async (ground, model, step, told) => {
    const [session, call] = [model.sessions.get(key(step)), model.calls.get(key(step))];
    if (session === undefined || call === undefined) {
      return [];
    }
    const [lease, before] = [await leaseOf(ground, key(step)), call.thousandths];
    const held = before ?? 0;
    if (lease !== undefined) {
      call.thousandths = null; // it runs, or runs again
      model.sessions.set(key(step), {
        ...session,
        capThousandths: lease.cap === null ? null : Math.max(lease.cap, lease.reserved),
      });
    }
    const stored = (await storedCalls(ground, model, key(step))).get(key(step))?.thousandths ?? null;
    const isKept =
      lease === undefined
        ? before === null || stored === before
        : lease.progress === session.progressThousandths && lease.reserved >= held;
    const isAsSaid = told.result !== 'done' || (told.answer?.allowed === true) === (lease !== undefined);
    return isKept && isAsSaid
      ? []
      : [
          `step ${step.n}: ${key(step)} had ${before}, has ${stored}, ${JSON.stringify({ session, lease })}: ${told.words}`,
        ];
  },
};

const end: GroundKind = {
  weight: 5,
  by: 'app',
  draw: touch.draw,
  run: async (ground, step) => {
    const found = await openSession(ground, step);
    return found === undefined
      ? { result: 'refused', words: 'there is none' }
      : callAsApp(
          ground,
          step,
          `select recorded, differs, stored_quantity::text as stored from quota.end_session($1, $2, $3::numeric, p_provider => $4)`,
          [found.owner, key(step), seconds(step), provider],
        );
  },
  settle: async (ground, model, step, told) => {
    const stored = (await storedCalls(ground, model, key(step))).get(key(step));
    const call = model.calls.get(key(step));
    if (stored === undefined || call === undefined || told.result === 'refused') {
      return [];
    }
    const isEnded = stored.status === 'completed' && stored.settledBy === null;
    if (isEnded) {
      call.thousandths = 1000 * seconds(step);
      model.sessions.delete(key(step));
    }
    const isRight = isEnded ? stored.thousandths === call.thousandths : told.result === 'unknown';
    return isRight
      ? []
      : [`step ${step.n}: ${key(step)} ended at ${stored.thousandths} ${stored.status}: ${told.words}`];
  },
};

export const sessionSteps = {
  'start-session': start,
  'touch-session': touch,
  'start-again': startAgain,
  'end-session': end,
};
