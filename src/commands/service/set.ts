import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument, value } from '../../declarations/option.ts';
import { usageError } from '../../errors.ts';
import { moneyText } from '../../text/sum-text.ts';
import type { ServiceTerms } from '../../upkeep/service-terms.ts';
import { applyService, planService } from '../../upkeep/set-service.ts';
import { counted } from '../../values/counted.ts';
import { parseDays, parseDecimal, parseName } from '../../values/option-values.ts';

const takeCost = parseDecimal({ decimalsMax: 6 });
const takePercent = parseDecimal({ decimalsMax: 2 });

/** A value, or `none`, which takes it away. */
const orNone =
  <Value>(parse: (text: string) => Value) =>
  (text: string): Value | typeof none =>
    text.trim() === none ? none : parse(text);
const none = 'none';
const orNull = <Value>(value: Value | typeof none): Value | null => (value === none ? null : value);

/** @throws usageError: nothing costs nothing, and that would be told every day */
function parseCost(text: string): string {
  const cost = takeCost(text);
  if (Number(cost) === 0) {
    throw usageError('a limit of 0 would be told every day', { suggestion: 'give an amount, or none' });
  }
  return cost;
}

function parsePercent(text: string): string {
  const percent = takePercent(text.replace(/\s*%$/, ''));
  if (Number(percent) >= 100) {
    throw usageError(`more than ${percent} % cannot be`, { suggestion: 'give less than 100, such as 5' });
  }
  return percent;
}

/** `quota service set`: `{service, before, after, dryRun, auditId}`. */
export const serviceSet = defineCommand(
  {
    arguments: { service: argument('as meters name it, or all: of all together', parseName) },
    options: {
      maxDailyCost: value(
        'amount',
        'alert when the calls of a day cost as much; none: no alert',
        orNone(parseCost),
      ),
      maxErrorRate: value(
        'percent',
        'alert when more of the calls of a day, 20 at least, are errors; none: no alert',
        orNone(parsePercent),
      ),
      keepDetails: value(
        'days',
        'of a service that is never reconciled: metadata and error messages are purged after; none: with closed months',
        orNone(parseDays),
      ),
      ...changeOptions,
    },
    examples: [
      ['quota service set all --max-daily-cost 50 --yes', 'an alert on the day that costs as much'],
      ['quota service set voice --max-error-rate 5 --dry-run', 'look first'],
      ['quota service set chat --keep-details 90 --reason "privacy policy" --yes', 'chat has no bills'],
    ],
  },
  async (context, options) => {
    const { service, maxDailyCost, maxErrorRate, keepDetails } = options;
    const changes: Partial<ServiceTerms> = {
      ...(maxDailyCost !== undefined && { maxDailyCost: orNull(maxDailyCost) }),
      ...(maxErrorRate !== undefined && { maxErrorPercent: orNull(maxErrorRate) }),
      ...(keepDetails !== undefined && { keepDetailsDays: orNull(keepDetails) }),
    };
    if (Object.keys(changes).length === 0) {
      throw usageError('nothing to set', {
        suggestion: 'give --max-daily-cost, --max-error-rate or --keep-details',
      });
    }
    return runChange(context, options, {
      reason: optionalReason,
      outdatesCache: false,
      plan: ({ client }) => planService(client, service, changes),
      isNothing: ({ isSame }) => isSame,
      describe: ({ before, after }) => ({
        action: `Change what is set for ${serviceText(service)} from ${termsText(before, context.settings.currency)} to ${termsText(after, context.settings.currency)}`,
        name: service,
      }),
      apply: ({ client }, plan, { reason }) => applyService(client, plan, reason),
      report: ({ plan: { before, after, isSame }, applied: auditId = null, dryRun }) => ({
        data: { service, before, after, dryRun, auditId },
        text: (_data, style) =>
          isSame
            ? `${serviceText(service)}: ${termsText(after, context.settings.currency)}, as before`
            : `${serviceText(service)}: ${dryRun ? style.yellow('would be set') : style.green('set')} to ${termsText(after, context.settings.currency)} (before: ${termsText(before, context.settings.currency)})`,
      }),
    });
  },
);

const serviceText = (service: string) => (service === 'all' ? 'all services together' : service);

function termsText(
  { maxDailyCost, maxErrorPercent, keepDetailsDays }: ServiceTerms,
  currency: string,
): string {
  const terms = [
    ...(maxDailyCost === null ? [] : [`a daily cost of ${moneyText(maxDailyCost, { currency })}`]),
    ...(maxErrorPercent === null ? [] : [`${maxErrorPercent} % errors`]),
    ...(keepDetailsDays === null ? [] : [`details for ${counted(keepDetailsDays, 'day')}`]),
  ];
  return terms.length === 0 ? 'nothing' : terms.join(', ');
}
