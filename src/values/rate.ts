import { parseDecimal } from './decimal.ts';
import type { Grammar } from './grammar.ts';

const perSecondMin = 0.1;
const perSecondMax = 1000;

/** Events per second, which may be less than one: `5`, `0.5`, `5/s`. */
export const rate: Grammar<number> = {
  parse(text) {
    const perSecond = Number(parseDecimal(text.trim().replace(/ ?\/ ?s$/, '')) ?? Number.NaN);
    return perSecond >= perSecondMin && perSecond <= perSecondMax ? perSecond : null;
  },
  describeProblem: () => ({
    reason: `is not a number per second from ${perSecondMin} to ${perSecondMax}`,
    suggestion: 'write it like 5 or 0.5',
  }),
};
