import type { Style } from '../../context.ts';
import { assistantsText } from '../../text/assistants-text.ts';
import { foldText } from '../../text/fold-text.ts';
import { relativeText } from '../../text/time-text.ts';
import type { Clock } from '../../usage/clock.ts';
import type { ClockReading } from '../../usage/clock-store.ts';
import type { SubscriptionUsage, UserUsage } from '../../usage/usage.ts';
import { minuteText } from '../../values/instant.ts';
import { quotaText, type TimeTelling } from './quota-text.ts';

/** The answer to what support asks: how much is left, of what, until when, and why it is blocked. */
export function usageText(
  { user, subscriptions, unsubscribedAssistants }: UserUsage,
  { now, clock }: { now: Date; clock: Clock },
  style: Style,
): string {
  const title = [user.name, user.email].filter((text) => text !== null).join(' · ') || user.externalId;
  const lines = [
    style.bold(title),
    ...foldText(`${user.externalId} · ${user.id}`, 0, style, style.dim),
    ...foldText(`signed up ${minuteText(user.createdAt)} · ${user.timezone}`, 0, style, style.dim),
  ];
  if (user.erasedAt !== null) {
    lines.push(style.yellow(`erased ${relativeText(user.erasedAt, now)}`));
  }
  for (const subscription of subscriptions) {
    lines.push('', ...subscriptionText(subscription, { now, clock }, style));
  }
  if (subscriptions.length === 0) {
    lines.push('', 'No subscription: the first call of a service puts the user on its default plan.');
  }
  if (unsubscribedAssistants.length > 0) {
    lines.push(
      '',
      'Assistants, without a voice subscription',
      ...assistantsText(unsubscribedAssistants, style),
    );
  }
  return lines.join('\n');
}

/** The instants that the text tells; lifetimes have none. */
export function clockReadings({ subscriptions }: UserUsage): ClockReading[] {
  return subscriptions.flatMap(({ timezone, quotas, nextResetAt, limitEnforcedAt }) =>
    [
      nextResetAt,
      limitEnforcedAt,
      ...quotas.flatMap(({ resetsAt, exhaustedAt, runsOutAt }) => [resetsAt, exhaustedAt, runsOutAt]),
    ]
      .filter((instant) => instant !== null)
      .map((instant) => ({ instant, timezone })),
  );
}

function subscriptionText(
  subscription: SubscriptionUsage,
  { now, clock }: { now: Date; clock: Clock },
  style: Style,
): string[] {
  const { timezone } = subscription;
  const telling = { now, clock: (instant: string) => clock(instant, timezone) };
  const lines = [
    `${style.bold(style.cyan(subscription.service))} ${style.dim(`plan ${subscription.plan} · times in ${timezone}`)}`,
    ...subscription.quotas.flatMap((quota) => quotaText(quota, telling, style)),
    ...warnings(subscription, telling).flatMap((text) => foldText(text, 2, style, style.yellow)),
  ];
  if (subscription.assistants.length > 0) {
    const { assistants, maxAssistants } = subscription;
    const allowed = maxAssistants === null ? '' : ` of ${maxAssistants} allowed`;
    lines.push(
      `  ${style.bold('assistants')}  ${assistants.length}${allowed}`,
      ...assistantsText(assistants, style),
    );
  }
  return lines;
}

/** What does not fit: a reset that is due, a limit that outlived its cause. */
function warnings(subscription: SubscriptionUsage, { now, clock }: TimeTelling): string[] {
  const { nextResetAt, limitEnforcedAt, quotas } = subscription;
  const isDue = nextResetAt !== null && Date.parse(nextResetAt) <= now.getTime();
  const isExceeded = quotas.some(
    ({ state, onExceeded }) => state === 'exceeded' && onExceeded === 'limit_assistants',
  );
  const texts: string[] = [];
  if (limitEnforcedAt !== null && !isExceeded) {
    texts.push(
      `assistants limited since ${clock(limitEnforcedAt)} (${relativeText(limitEnforcedAt, now)}) although the running period has allowance left: ` +
        (isDue ? 'the reset that lifts it is due' : 'quota user reset lifts it'),
    );
  }
  if (isDue) {
    texts.push(
      `the reset of ${clock(nextResetAt)} (${relativeText(nextResetAt, now)}) has not been done: run the reset jobs`,
    );
  }
  return texts;
}
