import type { Style } from '../../context.ts';
import { shellWord } from '../../shell-word.ts';
import { amountText, measuredText } from '../../text/allowance-text.ts';
import { foldText } from '../../text/fold-text.ts';
import { quantityFormat } from '../../text/quantity-text.ts';
import { moneyText } from '../../text/sum-text.ts';
import { nearText, whenText } from '../../text/time-text.ts';
import type { Explanation, QuotaEvent, QuotaStory } from '../../usage/explain/explain.ts';
import { minuteText } from '../../values/instant.ts';

/** One screen: what is left out stands in the middle, where the beginning and the end explain it. */
const eventsShownFirst = 4;
const eventsShownLast = 16;

/** The story, and the answer to "why am I blocked?" at its end. */
export function explanationText(explanation: Explanation, now: Date, style: Style): string {
  const { user, service, plan, quotas } = explanation;
  return [
    `${style.bold(user.externalId)} · ${style.cyan(service)} · plan ${plan}`,
    ...quotas.flatMap((quota) => ['', ...storyLines(quota, style)]),
    '',
    ...answerLines(explanation, now, style),
  ].join('\n');
}

/** Thresholds that one call crossed make one line, and so does that they ended at one instant. */
function foldThresholds(events: readonly QuotaEvent[]): QuotaEvent[] {
  const folded: QuotaEvent[] = [];
  for (const event of events) {
    const last = folded.at(-1);
    if (event.kind === 'threshold' && last?.kind === 'threshold' && last.at === event.at) {
      const end = /, until [-\d :]+Z$/.exec(event.text)?.[0] ?? '';
      const before = last.text.endsWith(end) ? last.text.slice(0, last.text.length - end.length) : last.text;
      folded[folded.length - 1] = { ...event, text: `${before}, ${event.text}` };
    } else {
      folded.push(event);
    }
  }
  return folded;
}

function storyLines(quota: QuotaStory, style: Style): string[] {
  const { meter, unit, period, limit, costLimit, granted, runsOutAt } = quota;
  const events = foldThresholds(quota.events);
  const format = quantityFormat(unit, limit ?? quota.used);
  const terms = [
    limit === null ? 'no limit' : `${format.text(limit)} ${format.unit}`,
    ...(Number(granted) === 0 ? [] : [`${format.text(granted)} granted`]),
    ...(costLimit === null ? [] : [`cost ${moneyText(costLimit, style)}`]),
  ].join(' and ');
  const when =
    period.start === null || period.end === null
      ? 'ever'
      : `${minuteText(period.start)} to ${minuteText(period.end)}`;
  const hidden = events.length - eventsShownFirst - eventsShownLast;
  const shown =
    hidden > 1 ? [...events.slice(0, eventsShownFirst), null, ...events.slice(-eventsShownLast)] : events;
  const text = oneScale(events, format.text);
  const width = Math.max(0, ...events.map(({ quantity, balance }) => text(quantity ?? balance).length)) + 1;
  return [
    `${style.bold(meter)}  ${when}: ${terms}`,
    ...shown.map((event) =>
      event === null ? style.dim(`  … ${hidden} more; --json has all`) : eventLine(event, text, width, style),
    ),
    ...(runsOutAt === null
      ? []
      : [style.yellow(`  at this pace used up ${minuteText(runsOutAt)}, before its reset`)]),
    ...(events.length === 0 ? ['  nothing happened in this period'] : []),
  ];
}

/** Thousandths for all where one has some, so that they stand under each other. */
function oneScale(events: readonly QuotaEvent[], text: (quantity: string) => string) {
  const texts = events.flatMap(({ quantity, balance }) => [quantity ?? balance, balance].map(text));
  const digits = Math.max(0, ...texts.map((one) => one.split('.')[1]?.length ?? 0));
  return (quantity: string): string => {
    const [whole = '', fraction = ''] = text(quantity).split('.');
    return digits === 0 ? whole : `${whole}.${fraction.padEnd(digits, '0')}`;
  };
}

/** `  2026-11-10 10:00      +8:20      8:20  12 calls  vapi` */
function eventLine(
  event: QuotaEvent,
  text: (quantity: string) => string,
  width: number,
  style: Style,
): string {
  const { at, quantity, balance, who, why, kind } = event;
  const change = quantity === null ? '' : `${quantity.startsWith('-') ? '' : '+'}${text(quantity)}`;
  const by = [who === null ? '' : `${kind === 'calls' ? 'at' : 'by'} ${who}`, why === null ? '' : `"${why}"`]
    .filter((part) => part !== '')
    .join(': ');
  const what =
    kind === 'threshold'
      ? style.yellow(event.text)
      : kind === 'calls'
        ? event.text
        : style.cyan(grantText(event.text));
  return `  ${minuteText(at)}  ${change.padStart(width)}  ${text(balance).padStart(width)}  ${what}${by === '' ? '' : `  ${style.dim(by)}`}`;
}

/** What was granted comes in the unit of its meter. */
const grantText = (text: string): string =>
  text.replace(
    /^(|the grant of )([\d.]+) (\w+)s (?=granted|expired)/,
    (_all, before: string, quantity: string, unit: string) => `${before}${measuredText(quantity, unit)} `,
  );

function answerLines(
  { user, service, quotas, answer, limitEnforcedAt }: Explanation,
  now: Date,
  style: Style,
): string[] {
  const limited =
    limitEnforcedAt === null ? [] : [`Assistants limited since ${whenText(limitEnforcedAt, now)}.`];
  if (answer.allowed) {
    const unit = quotas.find(({ meter }) => meter === answer.meter)?.unit ?? '';
    const verdict = `${style.green('Not blocked.')} ${leftText(answer, unit, now)}`;
    const further = [...limited, ...spentParts(quotas, now)];
    return [verdict, ...further.flatMap((line) => foldText(line, 0, style, style.yellow))];
  }
  const free =
    answer.resetsAt === null
      ? 'Nothing resets it but an operator.'
      : `It resets ${nearText(answer.resetsAt, now)}.`;
  const actions = {
    block: 'calls are refused',
    switch_to_static: 'the static fallback answers',
    limit_assistants: 'assistants are limited',
  };
  const action = answer.action === null ? '' : ` So ${actions[answer.action]}.`;
  return [
    ...foldText(`Blocked: ${answer.message}${action}`, 0, style, style.red),
    ...limited,
    ...foldText(free, 0, style),
    style.dim(`  quota user reset ${shellWord(user.externalId)} --service ${service} --reason …`),
    style.dim(
      `  quota user grant ${shellWord(user.externalId)} ${answer.meter ?? 'METER'} AMOUNT --reason …`,
    ),
    style.dim(`  quota user set-plan ${shellWord(user.externalId)} ${answer.upgradeTo ?? 'PLAN'} --reason …`),
  ];
}

/** The answer is for any call: a meter of some models may be used up all the same. */
const spentParts = (quotas: Explanation['quotas'], now: Date): string[] =>
  quotas
    .filter(
      ({ limit, granted, used, period }) =>
        limit !== null &&
        Number(used) >= Number(limit) + Number(granted) &&
        (period.end === null || new Date(period.end) > now),
    )
    .map(
      ({ meter, period }) =>
        `Blocked for what counts on ${meter}${period.end === null ? ', for ever' : ` until ${whenText(period.end, now)}`}.`,
    );

const leftText = ({ remaining, meter, resetsAt }: Explanation['answer'], unit: string, now: Date) =>
  remaining === null || meter === null
    ? 'There is no limit.'
    : `${amountText(remaining, { unit, meter })} left${resetsAt === null ? ', for ever' : ` until ${whenText(resetsAt, now)}`}.`;
