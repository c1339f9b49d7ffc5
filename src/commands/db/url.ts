import type { Context } from '../../context.ts';
import { embeddedStatus } from '../../db/embedded/control.ts';
import { redactUrls } from '../../db/redact-url.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';

/** `quota db url`: `{url}`, where the database listens; the password of a DATABASE_URL is left out. */
export const dbUrl = defineCommand(
  {
    examples: [
      ['quota db url', 'for a configuration file'],
      ['psql "$(quota db url)"', 'connect to the embedded server'],
    ],
  },
  async (context) => {
    const { databaseUrl, dataDir } = context.settings;
    const data = {
      url: databaseUrl === undefined ? await embeddedUrl(context, dataDir) : redactUrls(databaseUrl),
    };
    await context.output.write({ data, text: ({ url }) => url, isVerbatim: true });
    return exitCodes.ok;
  },
);

async function embeddedUrl(context: Context, dataDir: string): Promise<string> {
  const { state, url } = await embeddedStatus(dataDir);
  if (state !== 'running') {
    context.talk.info('The embedded server is not running; to have it listen, run: quota db start');
  }
  return url;
}
