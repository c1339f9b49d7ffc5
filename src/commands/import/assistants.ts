import { defineCommand } from '../../declarations/command.ts';
import { assistantFiles } from '../../imports/assistant-files.ts';
import { loadStaged } from '../../imports/load-staged.ts';
import { fileArgument, fileOptions } from './file-options.ts';
import { runImport } from './run-import.ts';

/**
 * `quota import assistants`: an `ImportReport`. `--update` brings name, gate and numbers of existing assistants in line; `unchangeable` are those
 * that the file gives to another user.
 */
export const importAssistants = defineCommand(
  {
    arguments: fileArgument,
    options: fileOptions,
    details:
      'Columns: provider_assistant_id, user_external_id, name, gated (let in call by call), numbers (with ; in between).',
    examples: [['quota import assistants assistants.csv', 'add those that are not there yet']],
  },
  (context, options) => runImport(context, assistantFiles, options, { load: loadStaged }),
);
