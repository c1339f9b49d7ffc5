import type { Context } from '../context.ts';
import { configurationError } from '../errors.ts';
import { plainHttpHost } from '../values/transport.ts';
import type { AlertTarget } from './alert-target.ts';

/**
 * The webhook or the command of the settings.
 * @throws configurationError unless exactly one of them is set, a webhook with its secret
 */
export async function openAlertTarget({
  settings: { alertUrl, alertSecret, alertCommand },
  now,
  talk,
}: Pick<Context, 'settings' | 'now' | 'talk'>): Promise<AlertTarget> {
  if ((alertUrl === undefined) === (alertCommand === undefined)) {
    throw configurationError(
      alertUrl === undefined ? 'alerts have nowhere to go' : 'alerts have two ways to go',
      { suggestion: 'set QUOTA_ALERT_URL and QUOTA_ALERT_SECRET, or QUOTA_ALERT_COMMAND' },
    );
  }
  if (alertUrl !== undefined) {
    if (alertSecret === undefined) {
      throw configurationError('alerts are signed, and there is no secret', {
        suggestion: 'set QUOTA_ALERT_SECRET to the secret that the receiver knows',
      });
    }
    const plainHost = plainHttpHost(alertUrl);
    if (plainHost !== undefined) {
      talk.warn(`alerts are sent to ${plainHost} unencrypted: give QUOTA_ALERT_URL as https`);
    }
    const { webhookTarget } = await import('./webhook-target.ts');
    return webhookTarget(alertUrl, alertSecret, now);
  }
  const { commandTarget } = await import('./command-target.ts');
  return commandTarget(alertCommand ?? '', (words) => talk.warn(words));
}
