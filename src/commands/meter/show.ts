import { selectStoredMeters } from '../../allowances/meters/meter-store.ts';
import { defineCommand } from '../../declarations/command.ts';
import { argument } from '../../declarations/option.ts';
import { exitCodes, notFoundError } from '../../errors.ts';

/**
 * `quota meter show`: the text is a file for `quota meter apply`, and so is the JSON: a meter definition with its `plans`
 * and `changedAt`, which apply passes over.
 */
export const meterShow = defineCommand(
  {
    arguments: { meter: argument('key of the meter') },
    examples: [
      ['quota meter show premium_messages', ''],
      ['quota meter show premium_messages > meter.yaml', 'to change it and apply it'],
    ],
  },
  async (context, options) => {
    const meters = await context.withDatabase(({ client }) => selectStoredMeters(client));
    const found = meters.find(({ definition }) => definition.key === options.meter);
    if (found === undefined) {
      throw notFoundError(`no meter "${options.meter}"`, {
        suggestion: `the meters are ${meters.map(({ definition }) => definition.key).join(', ')}`,
      });
    }
    const { meterYaml } = await import('../../allowances/meters/meter-yaml.ts');
    const { definition, plans, changedAt } = found;
    await context.output.write({
      data: { ...definition, plans, changedAt },
      text: (_data, style) =>
        `${style.dim(`# in ${plans.length === 0 ? 'no plan' : plans.join(', ')}`)}\n${meterYaml(definition)}`,
      isVerbatim: true,
    });
    return exitCodes.ok;
  },
);
