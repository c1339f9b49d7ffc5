import { startEmbedded } from '../../db/embedded/control.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';

/** `quota db start`: `{state, pid, url, directory, serverVersion, stays, sessions}` of the embedded server. */
export const dbStart = defineCommand(
  {
    examples: [
      ['quota db start', 'for an app or psql that is to use it too'],
      ['psql "$(quota db url)"', 'look into it'],
    ],
  },
  async (context) => {
    const data = await startEmbedded(context.settings.dataDir, context.signal);
    if (context.settings.databaseUrl !== undefined) {
      context.talk.warn('DATABASE_URL is set: commands use that database, not the embedded server');
    }
    await context.output.write({
      data,
      text: ({ pid, url, serverVersion }, style) =>
        `${style.green('running')} PostgreSQL ${serverVersion} (pid ${pid}) until quota db stop\n${url}`,
    });
    return exitCodes.ok;
  },
);
