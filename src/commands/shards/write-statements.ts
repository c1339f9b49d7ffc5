import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';

/** Prints a script to look at, `{statements: [text]}`: as it stands, for a line broken within a literal is another one. */
export async function writeStatements({ output }: Context, statements: readonly string[]): Promise<ExitCode> {
  await output.write({
    data: { statements },
    text: () => statements.map((statement) => `${statement};`).join('\n'),
    isVerbatim: true,
  });
  return exitCodes.ok;
}
