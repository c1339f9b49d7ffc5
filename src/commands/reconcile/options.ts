import type pg from 'pg';
import { meantUser } from '../../asking/meant-user.ts';
import type { Context } from '../../context.ts';
import { askedValue, flag, repeated, requiredValue, value } from '../../declarations/option.ts';
import { usageError } from '../../errors.ts';
import { exportFormats } from '../../providers/exports/export-reader.ts';
import { isDiscrepancy, type Kind, kinds } from '../../reconcile/match/kinds.ts';
import {
  parseChoice,
  parseCurrency,
  parseDecimal,
  parseMonth,
  parseSeconds,
} from '../../values/option-values.ts';

export const lowerCase = (text: string) => text.trim().toLowerCase();

/** Which month, of whose bill. */
export const monthOptions = {
  month: requiredValue('month', 'the month: 2026-10', parseMonth),
  provider: value('provider', 'whose bill, where several have one', lowerCase),
};

/** The same of commands that ask a person for it. */
export const askedMonthOptions = {
  ...monthOptions,
  month: askedValue('month', 'the month: 2026-10', parseMonth),
};

/** How exports are read. */
export const readerOptions = {
  format: value(
    'format',
    'of the exports (default: recognised from their content)',
    parseChoice(...exportFormats),
  ),
  map: repeated('theirs=ours', 'a column of a CSV under another name; "theirs=" leaves it out'),
  mapping: value('name', 'columns as saved under this name'),
  saveMapping: value('name', 'keep --map, --provider and how values are written under this name'),
  dateOrder: value(
    'order',
    'mdy, dmy, ymd or serial: a spreadsheet wrote the file',
    parseChoice('mdy', 'dmy', 'ymd', 'serial'),
  ),
  decimal: value('sign', 'comma: amounts are written 1.234,56', parseChoice('point', 'comma')),
  assumeUtc: flag('times without a zone are UTC'),
  currency: value('code', 'of amounts for which the file names none (default: USD)', parseCurrency),
  feesWithoutDate: flag('rows that name no call, day or time are fees of the month'),
  skipInvalid: flag('leave out lines that cannot be read and write them to a file'),
  rejects: value('file', 'where to write them (default: FILE.rejects.ndjson)'),
};

const decimal = parseDecimal({ decimalsMax: 6 });

/** What still counts as the same. */
export const toleranceOptions = {
  durationTolerance: value('seconds', 'durations may differ by so much (default: 1)', parseSeconds),
  costTolerance: value('amount', 'costs may differ by so much (default: 0.005)', decimal),
  matchWithin: value('seconds', 'starts of calls without an id (default: 5)', parseSeconds),
  dayTolerancePercent: value('percent', 'sums of days may differ (default: 1)', decimal),
  dayToleranceAmount: value('amount', 'or by this amount (default: 0.01)', decimal),
};

/** @throws usageError for a word that is no kind */
export function parseKinds(words: readonly string[] | undefined): Kind[] | undefined {
  return words?.map((word) => {
    const kind = kinds.find((candidate) => candidate === word.trim().toLowerCase().replaceAll('-', '_'));
    if (kind === undefined) {
      throw usageError(`there is no kind "${word}"`, { suggestion: `one of ${kinds.join(', ')}` });
    }
    return kind;
  });
}

/** @throws usageError for kinds in which nothing differs: there is nothing to resolve */
export function requireDiscrepancyKinds(some: readonly Kind[]): readonly Kind[] {
  const explained = some.filter((kind) => !isDiscrepancy(kind));
  if (explained.length > 0) {
    throw usageError(`nothing differs in ${explained.join(', ')}: there is nothing to resolve`, {
      suggestion: `one of ${kinds.filter(isDiscrepancy).join(', ')}`,
    });
  }
  return some;
}

/** The id of a user by id, external id or email. */
export async function userIdOf(
  context: Context,
  client: pg.ClientBase,
  user: string | undefined,
): Promise<string | undefined> {
  return user === undefined ? undefined : (await meantUser(context, client, user)).id;
}
