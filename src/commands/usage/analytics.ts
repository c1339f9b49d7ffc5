import {
  readUsageReport,
  type UsageDimension,
  type UsageReport,
  type UsageReportRequest,
} from '../../analytics/usage-report.ts';
import { usageReportText } from '../../analytics/usage-report-text.ts';
import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes, usageError } from '../../errors.ts';

export interface UsageAnalyticsOptions {
  /** Days, UTC, both included: `2026-10-01`. */
  from?: string;
  to?: string;
  by?: UsageDimension;
  service?: string;
  top?: number;
  /** Where to write the report as a page. */
  html?: string;
}

const daysDefault = 30;
const daysMax = 3660;
const topDefault = 10;
const dayMs = 86_400_000;

/** `quota usage analytics`: the data is a `UsageReport`; csv and ndjson have the rows of `--by`. */
export async function usageAnalytics(context: Context, options: UsageAnalyticsOptions): Promise<ExitCode> {
  const request = requestOf(options, context.now());
  const report = await context.withDatabase(({ client }) =>
    readUsageReport(client, request, context.now().toISOString()),
  );
  if (options.html !== undefined) {
    await writePage(options.html, report);
    context.talk.info(`written to ${options.html}`);
  }
  await context.output.write<UsageReport>({
    data: report,
    rows: report.rows.map(({ key, ...sums }) => ({ [report.by]: key, ...sums })),
    columns: [
      report.by,
      'calls',
      'errors',
      'activeUsers',
      'seconds',
      'messages',
      'premiumMessages',
      'cost',
    ].map((key) => ({ key })),
    text: usageReportText,
  });
  return exitCodes.ok;
}

/** @throws usageError when the range is empty or longer than ten years. */
function requestOf(options: UsageAnalyticsOptions, now: Date): UsageReportRequest {
  const to = options.to ?? now.toISOString().slice(0, 10);
  const from =
    options.from ?? new Date(Date.parse(to) - (daysDefault - 1) * dayMs).toISOString().slice(0, 10);
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  if (days < 1 || days > daysMax) {
    throw usageError(days < 1 ? `--from ${from} is after --to ${to}` : `${days} days are too many`, {
      suggestion: `give at most ${daysMax} days, the first before the last`,
    });
  }
  return {
    from,
    to,
    by: options.by ?? 'service',
    service: options.service ?? null,
    top: options.top ?? topDefault,
  };
}

async function writePage(path: string, report: UsageReport): Promise<void> {
  const { usageReportHtml } = await import('../../analytics/usage-report-html.ts');
  const { replaceFile } = await import('../../files/write-file.ts');
  await replaceFile(path, (write) => write(usageReportHtml(report)));
}
