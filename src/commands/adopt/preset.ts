import { presets } from '../../adopt/presets/presets.ts';
import { defineCommand } from '../../declarations/command.ts';
import { optionalArgument } from '../../declarations/option.ts';
import { exitCodes, notFoundError } from '../../errors.ts';

/** `quota adopt preset`: `{preset, mapping}`, the mapping as YAML; without a name `[{preset}]`. */
export const adoptPreset = defineCommand(
  {
    arguments: { name: optionalArgument('which product; without it all are listed') },
    examples: [
      ['quota adopt preset', 'their names'],
      ['quota adopt preset voice-matrix > product.yaml', 'to change it and attach it'],
    ],
  },
  async (context, options) => {
    if (options.name === undefined) {
      await context.output.write({ data: Object.keys(presets).map((preset) => ({ preset })) });
      return exitCodes.ok;
    }
    const preset = presets[options.name];
    if (preset === undefined) {
      throw notFoundError(`no preset "${options.name}"`, {
        suggestion: `the presets are ${Object.keys(presets).join(', ')}`,
      });
    }
    const mapping = await preset();
    await context.output.write({
      data: { preset: options.name, mapping },
      text: () => mapping.trimEnd(),
      isVerbatim: true,
    });
    return exitCodes.ok;
  },
);
