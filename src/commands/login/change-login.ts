import type pg from 'pg';
import { requiredReason } from '../../changes/reason.ts';
import type { ChangeSteps } from '../../changes/run-change.ts';
import type { Style } from '../../context.ts';
import type { Registration } from '../../logins/login.ts';
import { applyLogin, type LoginPlan } from '../../logins/register-login.ts';

/** What `login allow`, `bind` and `revoke` answer. */
interface LoginChange extends Omit<LoginPlan, 'userId' | 'isSame'> {
  dryRun: boolean;
  /** Null: nothing was changed. */
  auditId: string | null;
}

/** The steps of every change of who speaks for whom; the data is `{role, isMember, before, after, dryRun, auditId}`. */
export const loginSteps = (
  plan: (client: pg.ClientBase) => Promise<LoginPlan>,
): ChangeSteps<LoginPlan, string, undefined, LoginChange, string> => ({
  reason: requiredReason('a change of who may call', 'the new billing service'),
  outdatesCache: false,
  plan: ({ client }) => plan(client),
  isNothing: ({ isSame }) => isSame,
  describe: ({ role, before, after }) => ({
    action: `Let the role ${role} speak for ${speakerText(after)} instead of ${speakerText(before)}`,
    name: role,
  }),
  apply: ({ client }, change, { reason }) => applyLogin(client, change, reason),
  report: ({ plan: { userId: _user, isSame, ...change }, applied: auditId = null, dryRun }) => ({
    data: { ...change, dryRun, auditId },
    text: (data, style) => changeText(data, isSame, style),
  }),
});

function changeText(
  { role, isMember, before, after, dryRun, auditId }: LoginChange,
  isSame: boolean,
  style: Style,
) {
  const verb =
    auditId === null && !dryRun ? 'speaks' : dryRun ? style.yellow('would speak') : style.green('speaks');
  return [
    `${role} ${verb} for ${speakerText(after)}${isSame ? ', as before' : ` (before: ${speakerText(before)})`}`,
    ...(isMember
      ? []
      : [`It may call nothing yet: in psql, grant quota_app to "${role.replaceAll('"', '""')}"`]),
  ].join('\n');
}

/** `the whole app`, `the user ada`, `the user that the claim sub names`, `nobody`. */
export function speakerText(registration: Registration | null): string {
  if (registration === null) {
    return 'nobody';
  }
  const { speaksFor, user, claim } = registration;
  return speaksFor === 'app'
    ? 'the whole app'
    : speaksFor === 'user'
      ? `the user ${user}`
      : `the user that the claim ${claim} names`;
}
