import { configurationError } from '../errors.ts';
import type { AlertTarget } from './alert-target.ts';

export interface AlertSettings {
  readonly alertUrl: string | undefined;
  readonly alertSecret: string | undefined;
  readonly alertCommand: string | undefined;
}

/**
 * The webhook or the command of the settings.
 * @param now the clock whose time is signed
 * @throws configurationError unless exactly one of them is set, a webhook with its secret
 */
export async function openAlertTarget(
  { alertUrl, alertSecret, alertCommand }: AlertSettings,
  now: () => Date,
): Promise<AlertTarget> {
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
    const { webhookTarget } = await import('./webhook-target.ts');
    return webhookTarget(alertUrl, alertSecret, now);
  }
  const { commandTarget } = await import('./command-target.ts');
  return commandTarget(alertCommand ?? '');
}
