import type { Ground } from '../ground.ts';
import type { Step, Told } from '../step.ts';
import type { StepKind } from '../step-kind.ts';
import { runTool } from '../tool.ts';
import { waiting } from './adopt-steps.ts';
import { userCount, userName } from './app-steps.ts';
import { because } from './change-steps.ts';

const paced = ['--rate', '500', '--attempts', '2'];

const job = (name: string, weight: number, words: readonly string[] = []): StepKind => ({
  weight,
  by: 'tool',
  draw: () => ({}),
  run: (place, step) => runTool(place, step, ['jobs', name, ...words]),
  settle: async (place, _model, step, told) => (told.result === 'done' ? overdue(place, step, name) : []),
});

/** What a run of a reset job that went through has left for the next. */
async function overdue(ground: Ground, step: Step, name: string): Promise<string[]> {
  const left = await openStill(ground, step, name);
  return left.length === 0
    ? []
    : [`step ${step.n}: after ${name} these are open still: ${JSON.stringify(left)}`];
}

/** Periods that are over and not closed, of those that a reset job is for. */
export async function openStill(ground: Ground, { at }: Step, name: string) {
  if (name !== 'reset-anniversaries' && name !== 'reset-months') {
    return [];
  }
  return ground.look(
    `select q.user_id::text, q.meter, q.period_end::text from quota.usage_quotas q
     join quota.meters m on m.key = q.meter
     join quota.subscriptions s on s.user_id = q.user_id and s.service = m.service
     join quota.plan_limits l on l.plan = s.plan and l.meter = q.meter
     where q.closed_at is null and not q.superseded and q.period_end <= $1 and l.reset_anchor = $2`,
    [at, name === 'reset-anniversaries' ? 'signup' : 'calendar'],
  );
}

const sync: StepKind = {
  weight: 3,
  by: 'tool',
  draw: () => ({}),
  run: (place, step) => runTool(place, step, ['limits', 'sync', ...paced]),
  settle: async () => [],
};

const byHand = (verb: 'apply' | 'restore'): StepKind => ({
  weight: 1,
  by: 'tool',
  draw: (draw) => ({ user: draw.below('user', userCount), noSync: draw.happens('no sync', 0.5) }),
  run: (place, step) =>
    runTool(place, step, [
      ...['limits', verb, userName(step.params), ...paced, ...because(step)],
      ...(step.params.noSync ? ['--no-sync'] : []),
    ]),
  settle: async (_place, model, step) => {
    model.byHand.add(Number(step.params.user));
    return [];
  },
});

/** A job whose figures have no room on the disk has done its work all the same. */
const jobWithoutRoom: StepKind = {
  weight: 1,
  by: 'tool',
  draw: (draw) => ({ job: draw.pick('job', ['reset-anniversaries', 'reset-months', 'reap-stale'] as const) }),
  run: (place, step) => {
    const file = place.fullDisk === undefined ? [] : ['--metrics-file', `${place.fullDisk}/metrics.prom`];
    const words = step.params.job === 'reap-stale' ? file : [...file, '--no-sync'];
    return runTool(place, { ...step, isShaken: true }, ['jobs', String(step.params.job), ...words]);
  },
  settle: async (place, _model, step, told) =>
    told.result === 'done' ? overdue(place, step, String(step.params.job)) : [],
};

/** What quota says of itself: it may find no difference that is not found here. */
const doctor: StepKind = {
  weight: 1,
  by: 'tool',
  draw: () => ({}),
  run: (place, step) => runTool(place, step, ['doctor']),
  settle: async (place, _model, step, told) => {
    const checks = (told.answer?.checks ?? []) as readonly { check: string; level: string; count: number }[];
    const isWaiting = (await place.look(waiting)).length > 0;
    const found = checks.filter(
      ({ check, level, count }) =>
        level === 'difference' && count > 0 && !(check === 'adopted rows' && isWaiting),
    );
    return found.length > 0
      ? [`step ${step.n}: doctor finds what is not found here: ${JSON.stringify(found)}`]
      : [];
  },
};

/** What the simulated VAPI does to requests from now on. */
const badDay: StepKind = {
  weight: 2,
  by: 'us',
  draw: (draw) => ({ rate: draw.pick('rate', [0, 0, 0.1, 0.3, 0.6] as const) }),
  run: async (place, step) => {
    await place.vapi('PUT', 'faults', { rate: step.params.rate, slowMs: 300 });
    return { result: 'done', words: '' };
  },
  settle: async () => [],
};

/** Somebody else changes an assistant at VAPI: a field that no limit touches. */
const editAssistant: StepKind = {
  weight: 1,
  by: 'us',
  draw: (draw) => ({ which: draw.below('which', 12) }),
  run: async (place, step) => {
    const all = await place.vapi<{ id: string }[]>('GET', 'assistants');
    const id = all.map((assistant) => assistant.id).toSorted()[Number(step.params.which)];
    await place.vapi('PATCH', `assistants/${id}`, { name: `renamed ${step.n}` });
    return { result: 'done', words: String(id) };
  },
  settle: async () => [],
};

interface Talk {
  maxDurationSeconds?: unknown;
  firstMessage?: unknown;
}

const claimsEnd = `update quota.assistant_limits set claimed_until = clock_timestamp() where claimed_until is not null`;
const runsMax = 15;

/** VAPI is well again, and the queue is drained: then every assistant there is as is said here. */
const drain: StepKind = {
  weight: 1,
  by: 'us',
  draw: () => ({}),
  run: async (place, step): Promise<Told> => {
    await place.vapi('PUT', 'faults', { rate: 0 });
    // The claims of killed runs end by themselves in fifteen seconds; nobody waits for that here.
    await place.look(claimsEnd);
    for (let runs = 0; runs < runsMax; runs += 1) {
      const told = await runTool(place, step, ['limits', 'sync', ...paced]);
      if (told.result === 'done') {
        return told;
      }
      await place.look(claimsEnd);
    }
    throw new Error(`after ${runsMax} runs without a fault something is queued still`);
  },
  settle: async (place, _model, step) => {
    const said = await place.look(
      `select a.provider_assistant_id as id, coalesce(l.desired, 'original') as desired, l.status, u.external_id
       from quota.assistants a join quota.users u on u.id = a.user_id
       left join quota.assistant_limits l on l.assistant_id = a.id`,
    );
    const problems: string[] = [];
    for (const { id, desired, status, external_id } of said) {
      const found = await place.vapi<Talk>('GET', `assistants/${id}`);
      const before = place.originals.get(String(id));
      // What was not set comes back as VAPI's default.
      const lengths = [before?.maxDurationSeconds, before?.maxDurationSeconds ?? 600];
      const isOriginal =
        found.firstMessage === before?.firstMessage && lengths.includes(found.maxDurationSeconds);
      if (desired === 'limited' ? found.maxDurationSeconds !== 10 : !isOriginal) {
        const has = JSON.stringify({ length: found.maxDurationSeconds, says: found.firstMessage });
        problems.push(
          `step ${step.n}: ${id} of ${external_id} is to be ${desired} (${status}), VAPI has ${has}`,
        );
      }
    }
    return problems;
  },
};

export const limitSteps = {
  'reset-anniversaries': job('reset-anniversaries', 4, paced),
  'reset-months': job('reset-months', 3, paced),
  'enforce-limits': job('enforce-limits', 1, paced),
  'raise-alerts': job('raise-alerts', 1),
  'reap-stale': job('reap-stale', 3),
  'roll-up-analytics': job('roll-up-analytics', 1),
  sync,
  'limits-apply': byHand('apply'),
  'limits-restore': byHand('restore'),
  'job-without-room': jobWithoutRoom,
  doctor,
  'bad-day': badDay,
  'edit-assistant': editAssistant,
  drain,
};
