import type { Context } from '../../context.ts';
import { type StopResult, stopEmbedded } from '../../db/embedded/control.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';

export interface DbStopOptions {
  force?: boolean;
}

/** `quota db stop`: `{outcome, clients}`; "try again" while others use the server. */
export async function dbStop(context: Context, { force = false }: DbStopOptions): Promise<ExitCode> {
  const data = await stopEmbedded(context.settings.dataDir, { force });
  await context.output.write({ data, text: stopText });
  return data.outcome === 'in use' ? exitCodes.tryAgain : exitCodes.ok;
}

function stopText({ outcome, clients }: StopResult): string {
  switch (outcome) {
    case 'stopped':
      return 'The embedded server is stopped.';
    case 'not running':
      return 'The embedded server was not running.';
    case 'in use':
      return `${clients} ${clients === 1 ? 'client uses' : 'clients use'} the embedded server: it stops when the last one leaves (--force ends them).`;
  }
}
