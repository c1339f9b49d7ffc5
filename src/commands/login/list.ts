import type { Column, Row } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';
import type { Login } from '../../logins/login.ts';
import { selectLogins } from '../../logins/login-store.ts';
import { nearText } from '../../text/time-text.ts';
import { speakerText } from './change-login.ts';

/** `quota login list`: `{logins: [Login]}`. */
export const loginList = defineCommand(
  {
    examples: [
      ['quota login list', 'who may call, for whom, and who is refused'],
      ['quota login list --json', 'for a script'],
    ],
  },
  async (context) => {
    const logins = await context.withDatabase(({ client }) => selectLogins(client));
    await context.output.write({
      data: { logins },
      rows: logins.map((login) => tableRow(login, context.now())),
      columns,
    });
    return exitCodes.ok;
  },
);

const columns: Column[] = [
  { key: 'role' },
  { key: 'speaks for' },
  { key: 'state' },
  { key: 'since' },
  { key: 'by' },
];

const tableRow = (
  { role, speaksFor, user, claim, state, registeredAt, registeredBy }: Login,
  now: Date,
): Row => ({
  role,
  'speaks for': speakerText(speaksFor === null ? null : { speaksFor, user, claim }),
  state,
  since: registeredAt === null ? null : nearText(registeredAt, now),
  by: registeredBy,
});
