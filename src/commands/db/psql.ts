import { spawn } from 'node:child_process';
import type { Database } from '../../context.ts';
import { libpqEnvironment } from '../../db/target/libpq-environment.ts';
import { defineCommand } from '../../declarations/command.ts';
import { restArguments } from '../../declarations/option.ts';
import { configurationError, type ExitCode, exitCodes, refusedError } from '../../errors.ts';

/** `quota db psql -- ARGUMENTS`: psql on the database of the settings, whose exit code is passed on where it is one of ours. */
export const dbPsql = defineCommand(
  {
    arguments: { arguments: restArguments('for psql, behind --: -- -c "select 1"') },
    details: `Starts the psql of this machine with the database that every command would use; an embedded server runs as long
as psql does. The password goes by the environment, not by the list of processes. What psql changes is in the history as
changed directly, and a database of production is opened for reading alone.`,
    examples: [
      ['quota db psql', 'look around'],
      ['quota db psql -- -Atc "select count(*) from quota.users"', 'one question'],
      ['quota db psql --env-file prod.env', 'where production is: read only'],
    ],
  },
  async (context, { arguments: given = [] }) => {
    if (context.output.format !== 'table') {
      throw refusedError(`psql prints no ${context.output.format}`, {
        suggestion: 'leave --output out; psql has --csv, behind --',
      });
    }
    return context.withDatabase((database) => runPsql(database, given, context.settings.environment), {
      schema: 'any',
      onAbort: 'finish',
    });
  },
);

/** @throws configurationError where there is no psql */
async function runPsql(
  { client, mark, url }: Database,
  given: readonly string[],
  environment: string,
): Promise<ExitCode> {
  const isProduction = mark === 'production' || environment === 'production';
  const readOnly = isProduction ? ['-c default_transaction_read_only=on'] : [];
  const child = spawn('psql', [...given], {
    stdio: 'inherit',
    env: libpqEnvironment(client, url, 'quota db psql', readOnly),
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      throw configurationError('there is no psql on this machine', {
        suggestion:
          'install the client of PostgreSQL (postgresql-client), or use the address of quota db url',
      });
    }
    throw error;
  });
  return code === 0 ? exitCodes.ok : exitCodes.differences;
}
