import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { logOneCall } from './demo-store.ts';

/** What the app does in the demo, in its own session. */
export async function demoInsert(context: Context): Promise<ExitCode> {
  const { command, rowCount } = await context.withDatabase(({ client }) => client.query(logOneCall));
  await context.output.write({
    data: { inserted: rowCount },
    text: ({ inserted }) => `${command} 0 ${inserted}`,
  });
  return exitCodes.ok;
}
