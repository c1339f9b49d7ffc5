import type pg from 'pg';
import {
  type MeterAllowance,
  selectMeter,
  selectMeterAllowances,
  selectMeterKeys,
} from '../../allowances/grants/grant-store.ts';
import { selectPlans } from '../../allowances/plans/plan-store.ts';
import type { Choice, Context } from '../../context.ts';
import { QuotaError } from '../../errors.ts';
import type { MeterReset, ResetScope } from '../../resets/reset-usage.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { readUsage } from '../../usage/read-usage.ts';
import type { User } from '../../users/user.ts';
import { quantityIn } from '../../values/quantity.ts';

/** Asks which meter of the user is meant, telling how each stands; of a user without a plan, any. */
export async function askForMeter(context: Context, client: pg.ClientBase, user: User): Promise<string> {
  const allowances = await selectMeterAllowances(client, user.id, null);
  const choices: Choice[] =
    allowances.length > 0
      ? allowances.map((allowance) => ({
          name: `${allowance.meter}: ${standing(allowance)}`,
          value: allowance.meter,
        }))
      : (await selectMeterKeys(client)).map((key) => ({ name: key, value: key }));
  return context.choose(`Which meter of ${user.externalId}?`, choices, choices[0]?.value ?? '');
}

function standing({ unit, limit, used, remaining }: MeterAllowance): string {
  const { text, unit: name } = quantityFormat(unit, limit ?? used);
  return limit === null || remaining === null
    ? `${text(used)} ${name} used, no limit`
    : `${text(used)} of ${text(limit)} ${name} used, ${text(remaining)} left`;
}

/** Asks how much of a meter, until it is an amount in its unit. */
export async function askForAmount(context: Context, client: pg.ClientBase, meter: string): Promise<string> {
  const unit = (await selectMeter(client, meter))?.unit ?? 'message';
  const example = unit === 'second' ? ' (15m, 1:30 or 900 seconds)' : ` (${unit}s)`;
  return context.ask(`How much of ${meter}?${example}`, (text) => amountProblem(unit, text.trim()));
}

/** Asks by how much a meter is to be corrected: with a minus less, else more. */
export async function askForCorrection(
  context: Context,
  client: pg.ClientBase,
  meter: string,
): Promise<string> {
  const unit = (await selectMeter(client, meter))?.unit ?? 'message';
  const example = unit === 'second' ? '-5m, +1:30 or 300' : '-5 or +20';
  const answer = await context.ask(
    `How much less (-) or more (+) is used of ${meter}? (${example})`,
    (text) => amountProblem(unit, text.trim().replace(/^[-+]/, '')),
  );
  return answer.trim();
}

/** Why a text is no amount in a unit; undefined where it is one. */
function amountProblem(unit: string, text: string): string | undefined {
  try {
    return quantityIn(unit, text) === '0' ? 'more than nothing is needed' : undefined;
  } catch (error) {
    if (error instanceof QuotaError) {
      return [error.message, error.suggestion].filter((part) => part !== undefined).join('; ');
    }
    throw error;
  }
}

/** Asks for a plan, telling for each what it gives and which the user has. */
export async function askForPlan(context: Context, client: pg.ClientBase, user: User): Promise<string> {
  const { subscriptions } = await readUsage(client, user);
  const present = subscriptions.map(({ plan }) => plan);
  const choices = (await selectPlans(client, null)).map(({ definition: { key, service, limits } }) => ({
    name: `${key}: ${service}${limits.map(limitText).join('')}${present.includes(key) ? ' (now)' : ''}`,
    value: key,
  }));
  return context.search(`Which plan for ${user.externalId}?`, {
    find: async (typed) => choices.filter(({ name }) => name.toLowerCase().includes(typed.toLowerCase())),
  });
}

/** The unit of a meter is in its name: `voice_seconds`. */
function limitText({ meter, limit }: { meter: string; limit: string | null }): string {
  if (limit === null) {
    return `, no limit of ${meter}`;
  }
  const { text, unit } = quantityFormat(meter.endsWith('_seconds') ? 'second' : 'message', limit);
  return meter.endsWith('_seconds') ? `, ${text(limit)} ${unit}` : `, ${text(limit)} ${meter}`;
}

const everything = '';

/** Asks what is to be reset, where there is more than one meter of which something is used. */
export async function askForScope(
  context: Context,
  user: User,
  used: readonly MeterReset[],
): Promise<ResetScope> {
  if (used.length < 2) {
    return { services: [], meters: [] };
  }
  const choices = used.map(({ meter, unit, limit, before }) => {
    const { text, unit: name } = quantityFormat(unit, limit ?? before.used);
    return { name: `only ${meter}: ${text(before.used)} ${name} used`, value: meter };
  });
  const meter = await context.choose<string>(
    `What is to be reset of ${user.externalId}?`,
    [{ name: 'everything', value: everything }, ...choices],
    everything,
  );
  return { services: [], meters: meter === everything ? [] : [meter] };
}
