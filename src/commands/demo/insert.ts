import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { insertCall } from './demo-store.ts';

/** What the app does in the demo, in its own session. */
export async function demoInsert(context: Context): Promise<ExitCode> {
  const inserted = await context.withDatabase(({ client }) => insertCall(client));
  await context.output.write({
    data: { inserted },
    text: ({ inserted }) => `INSERT 0 ${inserted}`,
  });
  return exitCodes.ok;
}
