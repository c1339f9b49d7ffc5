import { storedCalls, thousandthsOf } from '../effects.ts';
import { postToApp } from '../endpoint.ts';
import type { Model } from '../model.ts';
import type { Message, PhoneCall } from '../phone.ts';
import type { Place } from '../place.ts';
import { keyOf, type Step, type Told } from '../step.ts';
import type { StepKind } from '../step-kind.ts';
import { userCount } from './app-steps.ts';

/** VAPI takes no shorter call, and no longer one. */
const callMs = { min: 10_000, max: 43_200_000 };
const keyOfCall = (step: Step) => keyOf(step).replace('step', 'call');
const iso = (ms: number) => new Date(ms).toISOString();

/** What VAPI tells of a call that wants to begin: nobody has said yet which assistant takes it. */
function requestOf(place: Place, step: Step): Message {
  const [key, user] = [keyOfCall(step), Number(step.params.user)];
  const call = { key, user, assistant: place.phone.assistants[user] ?? '', startedMs: Date.parse(step.at) };
  const phoneNumber = { id: `number-${user}`, provider: 'vapi' };
  const body = { type: 'assistant-request', call: { id: key, status: 'ringing' }, phoneNumber };
  return { type: 'assistant-request', call, lengthMs: null, body };
}

/** The report of a call. Not each has its length in seconds, and some have their instants in the call alone. */
function reportOf(call: Message['call'], lengthMs: number, shape: number): Message {
  const times = { startedAt: iso(call.startedMs), endedAt: iso(call.startedMs + lengthMs) };
  const told = { id: call.key, assistantId: call.assistant };
  const body = {
    type: 'end-of-call-report',
    endedReason: lengthMs === 0 ? 'customer-did-not-answer' : 'customer-ended-call',
    ...(shape === 0 ? { ...times, durationSeconds: lengthMs / 1000, cost: 0.25 } : {}),
    ...(shape === 1 ? { ...times, durationMs: lengthMs } : {}),
    call: shape === 2 ? { ...told, ...times } : told,
  };
  return { type: 'end-of-call-report', call, lengthMs, body };
}

const statusOf = (call: Message['call'], status: string): Message => ({
  ...{ type: 'status-update', call, lengthMs: null },
  body: { type: 'status-update', status, call: { id: call.key, assistantId: call.assistant, status } },
});

const postMessage = async (place: Place, step: Step, message: Message): Promise<Told> => {
  const { told } = await postToApp(place, step, { key: message.call.key, body: message.body });
  return { ...told, answer: { ...(told.answer?.answer ?? {}), message } };
};

/** What was posted, kept with the answer. */
const messageOf = ({ answer = {} }: Told) => answer.message as Message;

/** Which of two answers says more: one that lets a call in says how long it may last. */
const better = (one: Told, other: Told) =>
  [
    ...[one, other].filter((told) => lengthSaid(told) !== undefined),
    ...['done', 'unknown', 'refused'].flatMap((result) =>
      [one, other].filter((told) => told.result === result),
    ),
  ][0] ?? one;

const lengthSaid = ({ answer }: Told): number | undefined =>
  answer?.assistantId === undefined
    ? undefined
    : 1000 *
      Number(
        (answer.assistantOverrides as { maxDurationSeconds?: number } | undefined)?.maxDurationSeconds ??
          43_200,
      );

/** Somebody dials: VAPI asks once, or twice at once. Whoever hears no answer is not put through. */
const comes: StepKind = {
  weight: 7,
  by: 'app',
  draw: (draw) => ({ user: draw.below('user', userCount), isTwice: draw.happens('twice', 0.2) }),
  run: async (place, step) => {
    const request = requestOf(place, step);
    place.phone.messages.push(request);
    const ask = () => postMessage(place, step, request);
    const [one, other] = await Promise.all([ask(), step.params.isTwice ? ask() : undefined]);
    const told = other === undefined ? one : better(one, other);
    const said = [one, ...(other === undefined ? [] : [other])]
      .filter(({ result }) => result === 'done')
      .map(lengthSaid);
    // Beside other steps one may be turned away for what ends, or is used, before the other: let in, both hear the same.
    const comparable = Number.isInteger(step.n) ? said : said.filter((ms) => ms !== undefined);
    const differs = new Set(comparable).size > 1;
    const capMs = lengthSaid(told);
    if (capMs !== undefined) {
      place.phone.going.push({ ...request.call, capMs });
      place.phone.messages.push(statusOf(request.call, 'in-progress'));
    } else {
      place.phone.messages.push(reportOf(request.call, 0, 0));
    }
    return { ...told, answer: { ...told.answer, message: request, differs } };
  },
  settle: async (place, model, step, told) => [
    ...(told.answer?.differs === true ? [`step ${step.n}: two answers to one call: ${told.words}`] : []),
    ...(await settleRequest(place, model, step, told)),
  ],
};

interface StandingRow {
  [column: string]: string | null;
  is_limited: string;
  unused: string | null;
  reserved: string;
  cap: string | null;
  progress: string | null;
}

/** How a user stands on voice: limited until the reset, what there is in the running period, what other calls have reserved of it. */
const standing = `
  select (s.limit_enforced_at is not null and coalesce(s.next_reset_at > $3, true))::text as is_limited, (q.limit_quantity + q.granted - q.used)::text as unused,
    (select coalesce(sum(o.reserved), 0)::text from quota.concurrent_processing o
      join quota.call_logs l on l.id = o.call_log_id and l.provider_call_id <> $2
      where o.user_id = u.id and o.service = 'voice' and o.started_at >= q.period_start) as reserved,
    c.cap::text as cap, c.progress::text as progress
  from quota.users u
  join quota.subscriptions s on s.user_id = u.id and s.service = 'voice'
  left join quota.usage_quotas q on q.user_id = u.id and q.meter = 'voice_seconds' and not q.superseded
    and q.period_start <= $3 and $3 < q.period_end
  left join (quota.concurrent_processing c join quota.call_logs k on k.id = c.call_log_id and k.provider = 'vapi'
    and k.provider_call_id = $2) on c.user_id = u.id
  where u.external_id = $1`;

/**
 * A call that was let in is there as one that runs, with what it may take; one that was not has left nothing. Nobody is let in
 * beyond the allowance less what is used and what others have reserved, and nobody is turned away who has enough.
 */
async function settleRequest(place: Place, model: Model, step: Step, told: Told): Promise<string[]> {
  const { call } = messageOf(told);
  const problems: string[] = [];
  const complain = (words: string, row?: object) =>
    problems.push(`step ${step.n}: ${call.key} ${words}: ${JSON.stringify(row ?? null)} ${told.words}`);
  const stored = (await storedCalls(place, model, call.key)).get(call.key);
  const [row] = await place.look<StandingRow>(standing, [`user-${call.user}`, call.key, step.at]);
  const saidMs = lengthSaid(told);
  const atMs = Date.parse(step.at);
  const isNew = !model.calls.has(call.key);
  if (stored === undefined) {
    if (saidMs !== undefined) {
      complain('was let in and is not there', row);
    }
    if (!isNew) {
      complain('is lost', row);
    }
  } else if (row?.cap !== null && row?.cap !== undefined) {
    // It runs, or runs again: whatever it was estimated at is open.
    const startedMs = model.calls.get(call.key)?.startedMs ?? atMs;
    model.calls.set(call.key, {
      user: call.user,
      service: 'voice',
      model: null,
      startedMs,
      thousandths: null,
    });
    model.sessions.set(call.key, {
      capThousandths: thousandthsOf(row.cap),
      progressThousandths: row.progress === null ? null : thousandthsOf(row.progress),
    });
  }
  if (saidMs !== undefined && (saidMs < callMs.min || saidMs > callMs.max)) {
    complain('is let in for a length that VAPI does not take', row);
  }
  // Beside others the order is not known.
  const isAlone = Number.isInteger(step.n);
  if (isAlone && saidMs !== undefined && row?.is_limited === 'true') {
    complain('is let in though its user is limited', row);
  }
  if (isAlone && isNew && row?.unused != null && told.result === 'done') {
    const room = thousandthsOf(row.unused) - thousandthsOf(row.reserved);
    if (saidMs !== undefined && saidMs > room) {
      complain(`is let in for ${saidMs} of ${room}`, row);
    }
    if (saidMs === undefined && room >= callMs.min && row.is_limited !== 'true') {
      complain(`is turned away with ${room} left`, row);
    }
  }
  return problems;
}

/** One of the calls that go on is over. Its report comes at once, once or twice, after another message, later or never. */
const ends: StepKind = {
  weight: 4,
  by: 'app',
  draw: (draw) => ({
    nth: draw.below('nth', 100),
    seconds: 1 + draw.below('seconds', 700),
    shape: draw.below('shape', 3),
    fate: draw.weighed('fate', fates).fate,
  }),
  run: async (place, step) => {
    const { going, messages } = place.phone;
    const [call] = going.splice(Number(step.params.nth) % Math.max(1, going.length), 1);
    if (call === undefined) {
      return { result: 'done', words: 'no call goes on' };
    }
    const report = reportOf(call, lengthOf(call, step), Number(step.params.shape));
    const status = statusOf(call, 'ended');
    const post = (message: Message) => postMessage(place, step, message);
    if (step.params.fate === 'lost') {
      return { result: 'done', words: `the report of ${call.key} is lost` };
    }
    messages.push(status, report);
    if (step.params.fate === 'late') {
      return { result: 'done', words: `the report of ${call.key} comes later` };
    }
    if (step.params.fate === 'twice') {
      const [one, other] = await Promise.all([post(report), post(report)]);
      return better(one, other);
    }
    if (step.params.fate === 'after status') {
      await post(status);
    }
    return post(report);
  },
  settle: (place, model, step, told) =>
    told.answer?.message === undefined ? Promise.resolve([]) : settleReport(place, model, step, told),
};
const fates = [
  { fate: 'at once', weight: 5 },
  { fate: 'twice', weight: 2 },
  { fate: 'after status', weight: 1 },
  { fate: 'late', weight: 3 },
  { fate: 'lost', weight: 1 },
] as const;

/** It is cut at what the gate has said, and is over by now. */
const lengthOf = ({ startedMs, capMs }: PhoneCall, { at, params }: Step) =>
  Math.max(0, Math.min(1000 * Number(params.seconds), capMs, Date.parse(at) - startedMs));

/** Told of its end, a call is there as told, whatever was told before and however often; and stays so. */
async function settleReport(place: Place, model: Model, step: Step, told: Told): Promise<string[]> {
  const { call, lengthMs } = messageOf(told);
  if (model.users[call.user]?.isErased === true) {
    return [];
  }
  const stored = (await storedCalls(place, model, call.key)).get(call.key);
  const expected = {
    user: call.user,
    service: 'voice',
    model: null,
    startedMs: call.startedMs,
    thousandths: lengthMs,
  };
  const isEnded = stored !== undefined && stored.status !== 'active' && stored.settledBy === null;
  if (isEnded) {
    model.calls.set(call.key, { ...expected, service: 'voice' });
    model.sessions.delete(call.key);
  }
  return told.result === 'unknown' || (told.result === 'done' && isEnded)
    ? []
    : [
        `step ${step.n}: the report of ${call.key} was told, and it is ${JSON.stringify(stored)}: ${told.words}`,
      ];
}

/** Something is told once more, or at last: in whichever order. */
const again: StepKind = {
  weight: 4,
  by: 'app',
  draw: (draw) => ({ back: draw.below('back', 12) }),
  run: async (place, step) => {
    const message = place.phone.messages.at(-1 - Number(step.params.back));
    return message === undefined
      ? { result: 'done', words: 'nothing was told yet' }
      : postMessage(place, step, message);
  },
  settle: async (place, model, step, told) => {
    const message = told.answer?.message as Message | undefined;
    if (message?.type === 'end-of-call-report') {
      return settleReport(place, model, step, told);
    }
    return message?.type === 'assistant-request' ? settleRequest(place, model, step, told) : [];
  },
};

/** A report that VAPI has not signed is turned away at the door of the app. */
const forged: StepKind = {
  weight: 0.5,
  by: 'us',
  draw: (draw) => ({ user: draw.below('user', userCount) }),
  run: async (place, step) => {
    const call = requestOf(place, step).call;
    const { delivery } = await postToApp(
      place,
      step,
      { key: call.key, body: reportOf(call, 99_000, 0).body },
      true,
    );
    return { result: delivery.status === 401 ? 'refused' : 'done', words: String(delivery.status) };
  },
  settle: async (place, model, step, told) =>
    told.result === 'refused' && !(await storedCalls(place, model)).has(keyOfCall(step))
      ? []
      : [`step ${step.n}: a forged report was taken: ${told.words}`],
};

export const gateSteps = { 'call-comes': comes, 'call-ends': ends, 'told-again': again, forged };
