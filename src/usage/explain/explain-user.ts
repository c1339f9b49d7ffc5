import type pg from 'pg';
import { notFoundError, usageError } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import type { User } from '../../users/user.ts';
import { selectAllowance } from '../record-store.ts';
import type { Explanation, QuotaStory } from './explain.ts';
import {
  type ExplainedService,
  type StoryPeriod,
  selectEvents,
  selectPeriodsAt,
  selectRunningPeriods,
  selectServices,
} from './explain-store.ts';

/** More are told by day. */
const callsMax = 12;

export interface ExplainRequest {
  /** Default: what is blocked, else what was used last. */
  service: string | undefined;
  /** `current`, `previous`, or an instant within the period, ISO 8601 UTC. */
  period: string;
}

/** @throws notFoundError when the user has no such service, or there is no such period */
export async function explainUser(
  client: pg.ClientBase,
  user: User,
  request: ExplainRequest,
): Promise<Explanation> {
  const explained = chooseService(user, await selectServices(client, user.id), request.service);
  const periods = await findPeriods(client, user, explained.service, request.period);
  const quotas: QuotaStory[] = [];
  for (const period of periods) {
    const { start, end, ...terms } = period;
    quotas.push({
      ...terms,
      period: { start: isoInstant(start), end: isoInstant(end) },
      events: await selectEvents(client, user.id, period, callsMax),
    });
  }
  const { service, plan, limitEnforcedAt } = explained;
  const question = { externalId: user.externalId, service, purpose: 'usage' as const };
  return {
    user,
    service,
    plan,
    limitEnforcedAt: limitEnforcedAt?.toISOString() ?? null,
    quotas,
    answer: await selectAllowance(client, question),
  };
}

function chooseService(
  user: User,
  services: ExplainedService[],
  wanted: string | undefined,
): ExplainedService {
  const chosen =
    wanted === undefined ? services[0] : services.find((candidate) => candidate.service === wanted);
  if (chosen === undefined) {
    const names = services.map(({ service }) => service).join(', ');
    throw notFoundError(`${user.externalId} has no ${wanted ?? 'service'} to explain`, {
      suggestion:
        names === '' ? 'the first call of a service puts a user on its default plan' : `there is ${names}`,
    });
  }
  return chosen;
}

async function findPeriods(
  client: pg.ClientBase,
  user: User,
  service: string,
  wanted: string,
): Promise<StoryPeriod[]> {
  const running = await selectRunningPeriods(client, user.id, service);
  if (wanted === 'current') {
    return running;
  }
  const starts = running.map(({ start }) => start).filter((start) => !start.endsWith('infinity'));
  if (wanted === 'previous' && starts.length === 0) {
    throw usageError(`the ${service} quota of ${user.externalId} is for ever: there is no previous period`);
  }
  const earliest = Math.min(...starts.map((start) => Date.parse(start)));
  const at = wanted === 'previous' ? new Date(earliest - 1).toISOString() : wanted;
  const periods = await selectPeriodsAt(client, user.id, service, at);
  if (periods.length === 0) {
    throw notFoundError(`${user.externalId} used no ${service} in the period around ${at}`, {
      suggestion: `quota user history ${shellWord(user.externalId)} lists the periods`,
    });
  }
  return periods;
}

/** PostgreSQL's ±infinity, the bounds of a lifetime, is null here. */
const isoInstant = (text: string) => (text.endsWith('infinity') ? null : new Date(text).toISOString());
