import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type pg from 'pg';
import type { Context } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { optionalArgument, value } from '../../declarations/option.ts';
import { exitCodes, usageError } from '../../errors.ts';
import { replaceFile } from '../../files/write-file.ts';
import { findReconciliation } from '../../reconcile/months/find-reconciliation.ts';
import type { MonthChoice } from '../../reconcile/months/stored-reconciliation.ts';
import { counted } from '../../values/counted.ts';
import { parseIdOf, parseMonth } from '../../values/option-values.ts';
import { lowerCase } from './options.ts';

/**
 * `quota reconcile report`: `{id, provider, month, report, bytes, discrepancies, listed}`, where `report` is the
 * path of the page that was written; with `--report -` stdout is the page itself.
 */
export const reconcileReport = defineCommand(
  {
    arguments: {
      id: optionalArgument('of a reconciliation, as list --json shows it', parseIdOf('a reconciliation')),
    },
    options: {
      month: value('month', 'the month: 2026-10', parseMonth),
      provider: value('provider', 'whose bill, where several have one', lowerCase),
      report: value('file', 'where to; - is stdout (default: reconciliation-PROVIDER-MONTH.html)', String, {
        short: 'o',
      }),
    },
    examples: [
      ['quota reconcile report --month 2026-10', 'reconciliation-vapi-2026-10.html, in this folder'],
      ['quota reconcile report --month 2026-10 --provider heygen -o october.html', ''],
    ],
  },
  async (context, options) => {
    const { report: path } = options;
    if (path === '-') {
      await writeToStdout(context, options);
      return exitCodes.ok;
    }
    const data = await context.withDatabase(async ({ client }) => {
      const { id, provider, month } = await findReconciliation(client, options);
      const report = path ?? `reconciliation-${provider.replace(/[^\p{L}\p{N}._-]+/gu, '-')}-${month}.html`;
      const written = await replaceFile(report, (write) => writeReport(context, client, { id }, write));
      return { id, provider, month, report: resolve(report), ...written };
    });
    await context.output.write({
      data,
      text: ({ provider, month, report, discrepancies }) =>
        `${provider} ${month}: ${counted(discrepancies, 'discrepancy', 'discrepancies')}\nwritten to ${report}`,
    });
    return exitCodes.ok;
  },
);

/** Makes the page of a month and writes it, in bounded memory: however much differs, it lists the largest. */
export async function writeReport(
  context: Context,
  client: pg.ClientBase,
  choice: MonthChoice,
  write: (text: string) => Promise<void>,
): Promise<{ bytes: number; discrepancies: number; listed: number }> {
  const { readReport } = await import('../../reconcile/report/report.ts');
  const { reportHtml } = await import('../../reconcile/report/report-html.ts');
  const report = await readReport(client, choice, {
    at: context.now().toISOString(),
    by: context.actor,
    company: context.settings.company,
  });
  const page = reportHtml(report);
  await write(page);
  return {
    bytes: Buffer.byteLength(page),
    discrepancies: report.kinds.reduce((sum, { count }) => sum + count, 0),
    listed: report.entries.length,
  };
}

async function writeToStdout(context: Context, options: MonthChoice): Promise<void> {
  if (context.output.format !== 'table') {
    throw usageError('--report - writes the page to stdout, where --output wants its data', {
      suggestion: 'name a file, or leave --output out',
    });
  }
  let page = '';
  await context.withDatabase(({ client }) =>
    writeReport(context, client, options, async (text) => {
      page += text;
    }),
  );
  await context.output.write({ data: null, text: () => page, isVerbatim: true });
}

type Finish = (client: pg.ClientBase, id: string) => Promise<void>;

/** `--report` of a run: opens the file before anything is done, writes the page when all is. A dry run writes none. */
export async function withReport<T>(
  context: Context,
  options: { report?: string; export?: string[]; dryRun?: boolean },
  use: (finish: Finish) => Promise<T>,
): Promise<T> {
  const { report: path, export: files = [], dryRun } = options;
  if (path === undefined) {
    return use(async () => {});
  }
  await requireReportPath(path, files);
  if (dryRun) {
    context.talk.info('a dry run writes no report');
    return use(async () => {});
  }
  const result = await replaceFile(path, (write) =>
    use(async (client, id) => {
      await writeReport(context, client, { id }, write);
    }),
  );
  context.talk.info(`report written to ${path}`);
  return result;
}

/** @throws usageError for stdout, which has the result, and for one of the exports */
async function requireReportPath(path: string, exports: readonly string[]): Promise<void> {
  if (path === '-') {
    throw usageError('--report -: stdout has the result of the reconciliation', {
      suggestion: 'name a file, or write the page afterwards: quota reconcile report --month M --report -',
    });
  }
  const placeOf = (file: string) => realpath(file).catch(() => resolve(file));
  const report = await placeOf(path);
  for (const file of exports) {
    if (file !== '-' && (await placeOf(file)) === report) {
      throw usageError(`--report ${path} would overwrite the export`, { suggestion: 'name another file' });
    }
  }
}
