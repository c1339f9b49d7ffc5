import { interval, intervalSeconds } from '../../values/interval.ts';
import type { PlanProblem } from '../files/plan-document.ts';
import type { MeterDefinition } from '../meters/meter.ts';
import type { KnownTerms, PlacedPlan } from './placed-plan.ts';
import type { LimitDefinition, PlanDefinition } from './plan.ts';

/** What no field shows by itself: plans and limits that do not fit each other, or what there is already. */
export function checkPlans(placed: readonly PlacedPlan[], known: KnownTerms, problems: PlanProblem[]): void {
  checkKeys(placed, known, problems);
  checkDefaults(placed, known, problems);
  for (const { plan, limitPaths, path } of placed) {
    for (const message of subLimitProblems(plan, known.meters)) {
      problems.push({ path: limitPaths.get(message.meter) ?? path, message: message.text });
    }
    if (plan.anonymous && plan.isDefault) {
      problems.push({
        path,
        message: 'a plan is for people not signed in (anonymous) or the default of users, not both',
      });
    }
  }
}

function checkKeys(placed: readonly PlacedPlan[], known: KnownTerms, problems: PlanProblem[]): void {
  const keys = new Set([...known.plans, ...placed.map(({ plan }) => plan)].map(({ key }) => key));
  const seen = new Set<string>();
  for (const { plan, path } of placed) {
    if (seen.has(plan.key)) {
      problems.push({ path, message: `"${plan.key}" is there twice` });
    }
    seen.add(plan.key);
    const existing = known.plans.find(({ key }) => key === plan.key);
    if (existing !== undefined && plan.service !== undefined && existing.service !== plan.service) {
      problems.push({ path, message: `"${plan.key}" is a plan of ${existing.service} and stays one` });
    }
    if (plan.upgradeTo && !keys.has(plan.upgradeTo)) {
      problems.push({ path: [...path, 'upgrade_to'], message: `there is no plan "${plan.upgradeTo}"` });
    } else if (plan.upgradeTo === plan.key) {
      problems.push({ path: [...path, 'upgrade_to'], message: 'a plan is no upgrade of itself' });
    }
  }
}

/** One default and one anonymous plan per service, when the file is applied. */
function checkDefaults(placed: readonly PlacedPlan[], known: KnownTerms, problems: PlanProblem[]): void {
  const untouched = known.plans.filter(({ key }) => !placed.some(({ plan }) => plan.key === key));
  for (const [mark, word] of [
    ['isDefault', 'default'],
    ['anonymous', 'anonymous'],
  ] as const) {
    for (const { plan, path } of placed.filter(({ plan }) => plan[mark])) {
      const others = [...placed.map((other) => other.plan), ...untouched].filter(
        (other) => other !== plan && other.service === plan.service && other[mark],
      );
      if (others.length > 0) {
        const names = others.map(({ key }) => `"${key}"`).join(', ');
        problems.push({
          path: [...path, word],
          message: `${names} is the ${word} plan of ${plan.service} already: set ${word}: false there, in the same file`,
        });
      }
    }
  }
  for (const { plan, path } of placed) {
    const wasDefault = known.plans.some(({ key, isDefault }) => key === plan.key && isDefault);
    const hasDefault = placed.some((other) => other.plan.service === plan.service && other.plan.isDefault);
    if (wasDefault && !plan.isDefault && !hasDefault) {
      problems.push({
        path: [...path, 'default'],
        message: `${plan.service} would be left without a default plan; calls of users without a plan would not count`,
      });
    }
  }
}

/** A meter of some models counts into the meter of all: what it allows above that can never be used. */
function subLimitProblems(
  plan: PlanDefinition,
  meters: readonly MeterDefinition[],
): { meter: string; text: string }[] {
  const meterOf = (limit: LimitDefinition) => meters.find(({ key }) => key === limit.meter);
  return plan.limits.flatMap((sub) =>
    meterOf(sub)?.models
      ? plan.limits
          .filter((total) => {
            const [subMeter, totalMeter] = [meterOf(sub), meterOf(total)];
            return (
              totalMeter?.models === null &&
              totalMeter.unit === subMeter?.unit &&
              totalMeter.rounding === subMeter.rounding &&
              totalMeter.creditSeconds === subMeter.creditSeconds &&
              !isLonger(sub, total)
            );
          })
          .flatMap((total) => [
            ...above(sub, total, 'limit', sub.limit, total.limit),
            ...above(sub, total, 'cost_limit', sub.costLimit, total.costLimit),
          ])
      : [],
  );
}

function above(
  sub: LimitDefinition,
  total: LimitDefinition,
  field: string,
  part: string | null | undefined,
  whole: string | null | undefined,
): { meter: string; text: string }[] {
  // Of the size of allowances a double compares exactly enough; they are stored as text.
  return part && whole && Number(part) > Number(whole)
    ? [
        {
          meter: sub.meter,
          text: `${field} ${part} is above the ${field} ${whole} of ${total.meter}, of which it is a part`,
        },
      ]
    : [];
}

/** Whether a limit lasts longer than another: then it may well be higher. */
function isLonger(sub: LimitDefinition, total: LimitDefinition): boolean {
  const length = ({ resetEvery }: LimitDefinition) => {
    const every = resetEvery ? interval.parse(resetEvery) : null;
    return every === null ? Number.POSITIVE_INFINITY : intervalSeconds(every);
  };
  return length(sub) > length(total);
}
