import { type StopResult, stopEmbedded } from '../../db/embedded/control.ts';
import { defineCommand } from '../../declarations/command.ts';
import { flag } from '../../declarations/option.ts';
import { exitCodes } from '../../errors.ts';

/** `quota db stop`: `{outcome, clients}`; "try again" while others use the server. */
export const dbStop = defineCommand(
  {
    options: { force: flag('end the connections of others') },
    examples: [
      ['quota db stop', 'unless somebody uses it'],
      ['quota db stop --force', 'whoever uses it'],
    ],
  },
  async (context, { force = false }) => {
    const data = await stopEmbedded(context.settings.dataDir, { force });
    await context.output.write({ data, text: stopText });
    return data.outcome === 'in use' ? exitCodes.tryAgain : exitCodes.ok;
  },
);

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
