import type pg from 'pg';
import { badInputError, type QuotaError } from '../errors.ts';
import type { ImportFile } from './stage-lines.ts';
import { listFaults } from './staging-store.ts';

/** More than a person reads, enough for a program to mend a file by. */
const listedMax = 1000;

export interface BadLinesSummary {
  bad: number;
  lines: number;
  suggestions: readonly string[];
}

/** The refusal of a file, with its first thousand bad lines; under `--json` they are `error.problems` too. */
export async function badLinesError(
  client: pg.ClientBase,
  { input, table }: ImportFile,
  { bad, lines, suggestions }: BadLinesSummary,
): Promise<QuotaError> {
  const faults = await listFaults(client, listedMax);
  const problems = faults.map(({ column, ...fault }) => ({
    line: fault.line,
    column: column === null ? null : (table.titles[column] ?? column),
    reason: fault.reason,
  }));
  const listed = problems.map(
    ({ line, column, reason }) => `line ${line}${column === null ? '' : `, column ${column}`}: ${reason}`,
  );
  if (bad > listed.length) {
    listed.push(`and ${bad - listed.length} more`);
  }
  const skip = '--skip-invalid loads the others, and writes these to a file';
  return badInputError(`${input.name} was not loaded: ${bad} of ${lines} lines cannot be used`, {
    detail: listed.join('\n'),
    suggestion: [...suggestions, skip].join('; '),
    problems,
  });
}
