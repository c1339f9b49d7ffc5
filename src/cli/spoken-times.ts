import type { Parse } from '../declarations/option.ts';
import { maySayFromNow, resolveFromNow, type TimeParser } from '../values/from-now.ts';

/** `--since 2h`, before the command has its clock. */
class SpokenTime {
  readonly text: string;
  readonly parser: TimeParser<unknown>;

  constructor(text: string, parser: TimeParser<unknown>) {
    this.text = text;
    this.parser = parser;
  }
}

/** The value of a text, or that it is a time said from now, which `withTimes` makes a value of. @throws usageError */
export const parseOrKeep = (text: string, parse: Parse<unknown>): unknown =>
  isTimeParser(parse) && maySayFromNow(text) ? new SpokenTime(text, parse) : parse(text);

/** How a parser takes times said from now, where it does. */
export const timesOf = (parse: Parse<unknown>): Partial<Pick<TimeParser<unknown>, 'fromNow'>> =>
  isTimeParser(parse) ? { fromNow: parse.fromNow } : {};

const isTimeParser = (parse: Parse<unknown>): parse is TimeParser<unknown> => 'fromNow' in parse;

/**
 * What a command is given, its times counted from `now`, which is read only where there are some.
 * @throws usageError where a text is no time after all
 */
export async function withTimes<Values extends object>(values: Values, now: () => Date): Promise<Values> {
  const entries = Object.entries(values).map(
    async ([name, value]) => [name, await settled(value, now)] as const,
  );
  return Object.fromEntries(await Promise.all(entries)) as Values;
}

async function settled(value: unknown, now: () => Date): Promise<unknown> {
  return value instanceof SpokenTime
    ? value.parser(await resolveFromNow(value.text, now(), value.parser.fromNow))
    : value;
}
