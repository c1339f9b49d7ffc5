import { applyAcknowledge, planAcknowledge } from '../../alerts/acknowledge.ts';
import type { AlertState } from '../../alerts/alert-list-store.ts';
import { meantUser } from '../../asking/meant-user.ts';
import { optionalReason } from '../../changes/reason.ts';
import { runChange } from '../../changes/run-change.ts';
import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { optionalArgument } from '../../declarations/option.ts';
import { userOption } from '../../declarations/user-argument.ts';
import { usageError } from '../../errors.ts';
import { parseIdOf } from '../../values/option-values.ts';

/** `quota alerts ack`: `{alerts: [AlertState], dryRun}`, those that were not acknowledged before. */
export const alertsAck = defineCommand(
  {
    arguments: { id: optionalArgument('of the alert, as quota alerts list tells it', parseIdOf('an alert')) },
    options: { ...userOption, ...changeOptions },
    examples: [
      ['quota alerts ack 5b2f6c1e-0d0c-4f0e-9a57-3f1d2c4b5a69 --yes', 'one'],
      ['quota alerts ack --user ada@example.com --reason "called her"', 'all that is so now of ada'],
    ],
  },
  async (context, options) => {
    const { id, user } = options;
    if ((id === undefined) === (user === undefined)) {
      throw usageError('one alert, or those of one user', {
        suggestion: 'give the id of an alert, or --user USER',
      });
    }
    return runChange(context, options, {
      reason: optionalReason,
      outdatesCache: false,
      plan: async ({ client }) =>
        planAcknowledge(
          client,
          id === undefined ? { userId: (await meantUser(context, client, user ?? '')).id } : { id },
        ),
      isNothing: ({ alerts }) => alerts.length === 0,
      describe: ({ alerts }) => ({
        action: `Acknowledge ${alerts.length === 1 ? 'an alert' : `${alerts.length} alerts`} of ${whoseText(alerts[0])}`,
        name: whoseText(alerts[0]),
      }),
      apply: ({ client }, plan, { reason }) => applyAcknowledge(client, plan, reason),
      report: ({ plan, applied, dryRun }) => {
        const alerts = applied ?? plan.alerts;
        return {
          data: { alerts, dryRun },
          text: (_data, style) =>
            alerts.length === 0
              ? 'Nothing to acknowledge.'
              : alerts
                  .map(
                    (alert) =>
                      `${dryRun ? style.yellow('would acknowledge') : style.green('acknowledged')} ${alertText(alert)}`,
                  )
                  .join('\n'),
        };
      },
    });
  },
);

const whoseText = (alert: AlertState | undefined) => alert?.user ?? alert?.service ?? 'all services';

const alertText = (alert: AlertState) =>
  alert.kind === 'usage'
    ? `${alert.threshold} % of ${alert.meter} of ${whoseText(alert)}`
    : `${alert.kind} of ${whoseText(alert)}: ${alert.value} of ${alert.limit}`;
