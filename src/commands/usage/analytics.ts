import { readUsageReport } from '../../analytics/read-usage-report.ts';
import { type UsageReport, type UsageReportRequest, usageDimensions } from '../../analytics/usage-report.ts';
import type { Context, Row } from '../../context.ts';
import { declareCommand, defineCommand, type OptionsOf } from '../../declarations/command.ts';
import { value } from '../../declarations/option.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { daysOfMonth } from '../../values/month.ts';
import { parseChoice, parseDate, parseInteger, parseMonth } from '../../values/option-values.ts';
import { usageReportText } from './analytics-text.ts';

const daysDefault = 30;
const daysMax = 3660;
const topDefault = 10;
const dayMs = 86_400_000;

const declaration = declareCommand({
  options: {
    from: value('date', 'first day, UTC (default: 30 days up to the last)', parseDate),
    to: value('date', 'day after the last, UTC (default: tomorrow)', parseDate),
    month: value('month', 'a whole month, in place of both: 2026-10', parseMonth),
    by: value(
      'what',
      'day, service, plan, user, model, assistant, hour (UTC) or refusal (default: service)',
      parseChoice(...usageDimensions),
    ),
    service: value('service', 'only voice, avatar, transcription, chat, …'),
    top: value('n', 'so many users or assistants (default: 10)', parseInteger({ max: 100_000 })),
    html: value('file', 'write the report as a page that needs nothing else, too'),
  },
  examples: [
    ['quota usage analytics', 'the last 30 days'],
    ['quota usage analytics --by user --top 50 --output csv', 'who costs most, as a sheet'],
    ['quota usage analytics --by hour --service voice', 'when people talk'],
    ['quota usage analytics --by refusal --output csv', 'who was told no, per day, plan and reason'],
    ['quota usage analytics --month 2026-10 --html october.html', 'for finance'],
  ],
});

type Options = OptionsOf<typeof declaration>;

/** `quota usage analytics`: the data is a `UsageReport`; csv and ndjson have the rows of `--by`. */
export const usageAnalytics = defineCommand(declaration, async (context, options) => {
  const request = requestOf(options, context.now());
  const report = await context.withDatabase((database) =>
    readUsageReport(database, request, context.now().toISOString()),
  );
  if (options.html !== undefined) {
    await writePage(context, options.html, report);
    context.talk.info(`written to ${options.html}`);
  }
  await context.output.write<UsageReport>({
    data: report,
    rows: rowsOf(report),
    columns: columnsOf(report).map((key) => ({ key })),
    text: (report, style) => usageReportText(report, context.now(), style),
  });
  return exitCodes.ok;
});

const rowsOf = ({ by, rows, refusals }: UsageReport): Row[] =>
  by === 'refusal'
    ? refusals.rows.map((row) => ({ ...row }))
    : rows.map(({ key, ...sums }) => ({ [by]: key, ...sums }));

const columnsOf = ({ by }: UsageReport): string[] =>
  by === 'refusal'
    ? ['day', 'service', 'plan', 'reason', 'refused']
    : [by, ...sumColumns, ...(by === 'day' ? ['refused'] : [])];

const sumColumns = [
  'calls',
  'errors',
  'activeUsers',
  'seconds',
  'messages',
  'premiumMessages',
  'cost',
  'tokens',
  'bytes',
];

/** @throws usageError when the range is empty or longer than ten years. */
function requestOf(options: Options, now: Date): UsageReportRequest {
  const { from, to } = options.month === undefined ? rangeOf(options, now) : monthRange(options);
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (days < 1 || days > daysMax) {
    throw usageError(
      days < 1 ? `no day lies from ${from} up to before ${dayAfter(to, 1)}` : `${days} days are too many`,
      {
        suggestion: `give at most ${daysMax} days; --to is the day after the last`,
      },
    );
  }
  return {
    from,
    to,
    by: options.by ?? 'service',
    service: options.service ?? null,
    top: options.top ?? topDefault,
  };
}

/** Days, the last of them included. */
type Days = Pick<UsageReportRequest, 'from' | 'to'>;

function rangeOf(options: Options, now: Date): Days {
  const to = options.to === undefined ? now.toISOString().slice(0, 10) : dayAfter(options.to, -1);
  return { from: options.from ?? dayAfter(to, 1 - daysDefault), to };
}

/** @throws usageError where days are given, too */
function monthRange({ month = '', from, to }: Options): Days {
  if (from !== undefined || to !== undefined) {
    throw usageError('--month and --from or --to contradict each other', { suggestion: 'give one of them' });
  }
  const days = daysOfMonth(month);
  return { from: days[0] ?? '', to: days.at(-1) ?? '' };
}

const dayAfter = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10);

async function writePage({ settings }: Context, path: string, report: UsageReport): Promise<void> {
  const { usageReportHtml } = await import('../../analytics/usage-report-html.ts');
  const { replaceFile } = await import('../../files/write-file.ts');
  await replaceFile(path, (write) => write(usageReportHtml(report, settings.company)));
}
