import type { ChangeOptions, Choice, Context } from '../../context.ts';
import { type GenericColumn, genericColumns } from '../../providers/exports/generic-columns.ts';
import type { GuessedColumn } from '../../providers/exports/guess-reading.ts';
import { isMoneyName } from '../../providers/exports/shape.ts';
import { UnknownColumns } from '../../providers/exports/unknown-columns.ts';
import { shellLine } from '../../shell-word.ts';
import type { DateOrder } from '../../values/spreadsheet.ts';
import { commandWith, type ReadingOptions } from './command-with.ts';
import { lowerCase } from './options.ts';

/** What a person has said of a file, as the options that say it. */
interface ColumnAnswers {
  map: string[];
  provider?: string;
  dateOrder?: DateOrder;
  assumeUtc?: boolean;
  decimal?: 'comma' | 'point';
  saveMapping?: string;
}

const meanings: Record<GenericColumn, string> = {
  id: 'which call: its id',
  assistant_id: 'the assistant or agent',
  model: 'the model',
  status: 'how far it came',
  created_at: 'when it was ordered',
  started_at: 'when it began',
  ended_at: 'when it ended',
  duration_seconds: 'how long, in seconds',
  duration_minutes: 'how long, in minutes',
  duration_ms: 'how long, in milliseconds',
  quantity: 'how much of what is counted',
  unit: 'what is counted',
  cost: 'what it cost',
  currency: 'in which currency',
  description: 'what it was',
  day: 'the day of a sum',
  kind: 'call, fee or aggregate',
  provider: 'whose bill it is',
  type: 'of which kind the call was',
  ended_reason: 'why it ended',
};

const orders: readonly Choice<DateOrder>[] = [
  { name: 'month, day, year', value: 'mdy' },
  { name: 'day, month, year', value: 'dmy' },
  { name: 'year, month, day', value: 'ymd' },
  { name: 'a number of days', value: 'serial' },
];

const samplesShown = 3;

/**
 * Runs. Where the columns of a file are not known and somebody is there, they are asked for, and it runs once more.
 * @throws UnknownColumns if nobody is there, or what is said is not enough; and what `run` throws
 */
export async function askingForColumns<Options extends ReadingOptions & ChangeOptions, T>(
  context: Context,
  options: Options,
  run: (options: Options) => Promise<T>,
): Promise<T> {
  try {
    return await run(options);
  } catch (error) {
    if (!(error instanceof UnknownColumns) || !context.canAsk) {
      throw error;
    }
    const canSave = options.saveMapping === undefined && options.dryRun !== true;
    const { map, ...answers } = await askForColumns(context, error, canSave);
    const told = { ...options, ...answers, map: [...(options.map ?? []), ...map] };
    const answer = await run(told);
    context.talk.info(`without questions: ${shellLine(commandAgain(told, error.file))}`);
    return answer;
  }
}

const commandAgain = (told: ReadingOptions, file: string): string[] =>
  told.saveMapping === undefined
    ? commandWith(told, file)
    : commandWith({ month: told.month }, file, ['--mapping', told.saveMapping]);

/**
 * Asks a person what the columns of a file say, one by one with some of their values, then whose bill it is, how dates
 * are written, and under which name all that is kept. What is guessed is proposed.
 */
async function askForColumns(
  context: Context,
  { file, guess, lacksProvider }: UnknownColumns,
  canSave: boolean,
): Promise<ColumnAnswers> {
  context.talk.info(`${file}: its columns are not known. What does each of them say?`);
  const map = await askForEach(context, guess.columns);
  const isNamed = map.some((pair) => pair.endsWith('=provider'));
  const provider = lacksProvider && !isNamed ? lowerCase(await context.ask('Whose bill is it?')) : '';
  const cells = await askForDates(context, guess);
  const name = canSave
    ? (await context.ask('Under which name is this kept for the next bill? (empty: not at all)')).trim()
    : '';
  return {
    map,
    ...cells,
    ...(guess.cells.decimal !== undefined && { decimal: guess.cells.decimal }),
    ...(provider !== '' && { provider }),
    ...(name !== '' && { saveMapping: name }),
  };
}

/** The pairs for `--map`. What looks like money has to be left out in so many words. */
async function askForEach({ choose }: Context, columns: readonly GuessedColumn[]): Promise<string[]> {
  const taken = new Set(columns.filter(({ isPlain }) => isPlain).map(({ ours }) => ours));
  const map: string[] = [];
  for (const column of columns.filter(({ isPlain }) => !isPlain)) {
    const free = genericColumns.filter(({ name }) => !taken.has(name));
    const choices = [
      { name: 'nothing that is needed', value: '' },
      ...free.map(({ name }) => ({ name: `${meanings[name]} (${name})`, value: name })),
    ];
    const proposed = column.ours === null || taken.has(column.ours) ? '' : column.ours;
    const ours = await choose<string>(`${column.name}${samplesOf(column)}`, choices, proposed);
    taken.add(ours as GenericColumn);
    if (ours !== '' || isMoneyName(column.name)) {
      map.push(`${column.name}=${ours}`);
    }
  }
  return map;
}

const samplesOf = ({ values }: GuessedColumn): string => {
  const some = [...new Set(values)].slice(0, samplesShown);
  return some.length === 0 ? ' (empty)' : ` (${some.join(' · ')})`;
};

async function askForDates(
  { choose }: Context,
  { cells, columns }: UnknownColumns['guess'],
): Promise<Pick<ColumnAnswers, 'dateOrder' | 'assumeUtc'>> {
  const times = columns.filter(
    ({ ours }) => ours === 'started_at' || ours === 'day' || ours === 'created_at',
  );
  const sample = times.flatMap(({ values }) => values)[0] ?? '';
  if (cells.dateOrder !== undefined) {
    return { dateOrder: await choose(`How are dates written (${sample})?`, orders, cells.dateOrder) };
  }
  if (!cells.assumeUtc) {
    return {};
  }
  const yesNo = [
    { name: 'yes', value: 'yes' },
    { name: 'no', value: 'no' },
  ] as const;
  const isUtc = await choose<'yes' | 'no'>(`Times name no zone (${sample}). Are they UTC?`, yesNo, 'yes');
  return isUtc === 'yes' ? { assumeUtc: true } : {};
}
