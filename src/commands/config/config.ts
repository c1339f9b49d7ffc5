import type { SettingOrigin, Style } from '../../context.ts';
import { defineCommand } from '../../declarations/command.ts';
import { exitCodes } from '../../errors.ts';

/** `quota config`: `[{variable, value, source, isSecret}]`; of a secret only whether there is one; source `default`: nobody set it. */
export const config = defineCommand(
  {
    details: `A flag wins over the environment, that over the env file, that over the default. What a secret is, is never shown;
quota help environment explains each setting.`,
    examples: [
      ['quota config', 'what is set, and from where'],
      ['quota config --env-file prod.env', 'with what a file adds'],
      ['quota config --json variable,source', 'for a script'],
    ],
  },
  async ({ output, settingOrigins }) => {
    const origins = await settingOrigins();
    await output.write({
      data: origins,
      rows: origins.map((origin) => ({ ...origin })),
      columns: ['variable', 'value', 'source'].map((key) => ({ key })),
      text: originsText,
    });
    return exitCodes.ok;
  },
);

function originsText(origins: readonly SettingOrigin[], style: Style): string {
  const width = Math.max(...origins.map(({ variable }) => variable.length));
  return origins
    .map(({ variable, value, source }) => {
      const isDefault = source === 'default';
      const from = isDefault ? style.dim('(default)') : `(${source})`;
      const shown = value ?? 'none';
      return `${variable.padEnd(width)}  ${isDefault ? style.dim(shown) : style.bold(shown)}  ${from}`;
    })
    .join('\n');
}
