import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type pg from 'pg';
import type { BillFormat } from '../../fixtures/bills/bill-format.ts';
import { type Differences, parseDifferences, requirePossible } from '../../fixtures/bills/differences.ts';
import { billFormats } from '../../fixtures/bills/formats.ts';
import { countCalls } from '../../fixtures/bills/logs-store.ts';
import { type WrittenBill, writeBill } from '../../fixtures/bills/write-bill.ts';
import type { Context } from '../context.ts';
import { notFoundError, usageError } from '../errors.ts';

export interface FixturesExportOptions {
  /** Formats, or `all`. */
  export?: string[];
  exportMonth?: string;
  exportDir?: string;
  differences?: string;
}

export interface BillPlan {
  formats: readonly BillFormat[];
  /** Every format that has calls, instead of those that were named. */
  isAll: boolean;
  month: string;
  folder: string;
  seed: number;
  differences: Differences;
}

/**
 * Which bills are to be written, before anything is done; null: none. The month is by default the last whole one.
 * @throws usageError
 */
export async function planBills(
  options: FixturesExportOptions,
  { seed, asOf }: { seed: number; asOf: string },
): Promise<BillPlan | null> {
  const { export: names = [], exportMonth, exportDir: folder = '.', differences = '' } = options;
  if (names.length === 0) {
    if (exportMonth !== undefined || options.exportDir !== undefined || differences !== '') {
      throw usageError('no bill was asked for', { suggestion: 'add --export vapi-calls' });
    }
    return null;
  }
  const isAll = names.includes('all');
  const wanted = parseDifferences(differences);
  const formats = isAll ? billFormats : names.map(formatOf);
  for (const format of isAll ? [] : formats) {
    requirePossible(format, wanted);
  }
  await access(folder, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw usageError(`nothing can be written into ${folder}`, { detail: String(error), cause: error });
  });
  return { formats, isAll, month: exportMonth ?? monthBefore(asOf), folder, seed, differences: wanted };
}

function formatOf(name: string): BillFormat {
  const format = billFormats.find((candidate) => candidate.name === name.trim().toLowerCase());
  if (format === undefined) {
    throw usageError(`there is no bill in the format "${name}"`, {
      suggestion: `one of ${billFormats.map((one) => one.name).join(', ')}, or all`,
    });
  }
  return format;
}

/** @throws notFoundError where the provider of a format that was named has no calls */
export async function writeBills(
  { talk }: Context,
  client: pg.ClientBase,
  { formats, isAll, month, folder, seed, differences }: BillPlan,
): Promise<WrittenBill[]> {
  const bills: WrittenBill[] = [];
  for (const format of formats) {
    const { calls } = await countCalls(client, format.provider, month);
    if (calls === 0) {
      const message = `no call of ${format.provider} was logged in ${month}`;
      if (!isAll) {
        throw notFoundError(message, { suggestion: 'name another month: --export-month 2026-11' });
      }
      talk.info(`${message}: no ${format.name}`);
      continue;
    }
    const possible = new Map([...differences].filter(([kind]) => format.differences.includes(kind)));
    bills.push(await writeBill(client, format, { seed, month, differences: possible }, folder));
  }
  return bills;
}

/** The last whole month before an instant: `2026-10`. */
export function monthBefore(instant: string): string {
  const date = new Date(instant);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}

/** One line per bill, with the command that reads it. */
export const billLines = (bills: readonly WrittenBill[]): string[] =>
  bills.map(
    ({ file, lines, month, provider }) =>
      `${file}: ${lines} lines; quota reconcile --month ${month} --provider ${provider} --export ${file}`,
  );
