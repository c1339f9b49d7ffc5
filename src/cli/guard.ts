import type { Change, ChangeOptions, Environment, GuardedDatabase } from '../context.ts';
import { refusedError } from '../errors.ts';
import type { Prompt } from './prompt.ts';

const environments: readonly Environment[] = ['production', 'test', 'development'];

/**
 * How a change of a database is guarded: what its settings or its mark say, whichever asks for more. A database that
 * is elsewhere and says nothing of itself is asked for once; where nobody can be asked, what is dangerous is refused.
 * @throws refusedError
 */
export async function guardOf(
  { prompt, environment }: { prompt: Prompt; environment: Environment },
  change: Change,
  { dryRun = false, confirm }: ChangeOptions,
  database: GuardedDatabase,
): Promise<Environment> {
  const { mark, isLocal } = database;
  if (environment === 'production' || mark === 'production') {
    return 'production';
  }
  if (mark !== null || isLocal || dryRun || change.isGuard || confirm !== undefined) {
    return environment;
  }
  if (prompt.interactive) {
    return askWhich(prompt, database);
  }
  if (change.isDangerous) {
    throw refusedError(`${change.action}: nobody has said whether this database is one of production`, {
      detail: 'it is not on this machine and it is not marked; nothing was changed',
      suggestion: 'mark it once: quota db mark production (or test, development)',
    });
  }
  return environment;
}

/** What is answered is written down in the database, where this login may: nobody is asked again. */
async function askWhich(prompt: Prompt, { client }: GuardedDatabase): Promise<Environment> {
  const where = `${client.database} at ${client.host}`;
  const answer = await prompt.text(`Which is ${where}: production, test or development?`);
  const environment = environments.find((name) => name === answer.trim());
  if (environment === undefined) {
    throw refusedError(`"${answer.trim()}" is none of ${environments.join(', ')}`, {
      detail: 'nothing was changed',
      suggestion: 'or mark it beforehand: quota db mark production',
    });
  }
  const { markIfAllowed } = await import('../db/mark-database.ts');
  await markIfAllowed(client, environment);
  return environment;
}
