import type pg from 'pg';
import type { User } from '../users/user.ts';
import type { UserUsage } from './usage.ts';
import { selectUsage } from './usage-store.ts';

/** The service whose assistants are limited at the provider. */
const assistantService = 'voice';

/** What a user has used, of what, until when, and how the assistants stand, at quota.now(). */
export async function readUsage(client: pg.ClientBase, user: User): Promise<UserUsage> {
  const { subscriptions, assistants } = await selectUsage(client, user.id);
  const isSubscribed = subscriptions.some(({ service }) => service === assistantService);
  return {
    user,
    subscriptions: subscriptions.map((subscription) => ({
      ...subscription,
      nextResetAt: isoInstant(subscription.nextResetAt),
      limitEnforcedAt: isoInstant(subscription.limitEnforcedAt),
      quotas: subscription.quotas.map((quota) => ({
        ...quota,
        period: { start: isoInstant(quota.period.start), end: isoInstant(quota.period.end) },
        exhaustedAt: isoInstant(quota.exhaustedAt),
        runsOutAt: isoInstant(quota.runsOutAt),
        resetsAt: isoInstant(quota.period.end),
      })),
      assistants: subscription.service === assistantService ? assistants : [],
    })),
    unsubscribedAssistants: isSubscribed ? [] : assistants,
  };
}

/** PostgreSQL's ±infinity, the bounds of a lifetime, is null here. */
const isoInstant = (text: string | null) =>
  text === null || text.endsWith('infinity') ? null : new Date(text).toISOString();
