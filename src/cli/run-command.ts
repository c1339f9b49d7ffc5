import type { ExitCode } from '../errors.ts';
import type { Run } from './command-tree.ts';
import { checkGlobalOptions, type GlobalOptions } from './global-options.ts';
import { canGuide, whatIsMissing } from './guided.ts';
import type { ProcessLike } from './process-like.ts';
import { readClock } from './read-clock.ts';
import type { Interruption } from './signals.ts';
import { withTimes } from './spoken-times.ts';

export interface CommandRunner {
  run: Run;
  /** What the command returned; undefined when none ran (help, version). */
  exitCode(): ExitCode | undefined;
  /** Takes secrets out of a text, as soon as the settings that hold them are read. */
  redact(text: string): string;
}

/** Reads the settings, builds the context, runs the handler: all only once a command was chosen. */
export function createCommandRunner(process: ProcessLike, interruption: Interruption): CommandRunner {
  let exitCode: ExitCode | undefined;
  let redact = (text: string) => text;
  return {
    exitCode: () => exitCode,
    redact: (text) => redact(text),
    run: async (definition, { globals, values, onShards, readsReplica }) => {
      const checked = checkGlobalOptions(await withTimes(globals, readClock));
      const missing = whatIsMissing(definition, values);
      if (missing !== undefined && !canGuide(process, checked)) {
        throw missing;
      }
      const { prepareCommand } = await import('./prepare-command.ts');
      const prepared = prepareCommand(process, checked, interruption, readsReplica);
      redact = prepared.redact;
      await refuseWrongShape(checked);
      const { context } = prepared;
      const given = await withTimes(values, context.now);
      const { shard, allShards = false, databaseUrl } = checked;
      const isOnShards = context.settings.shardsFile !== undefined || shard !== undefined || allShards;
      if (!isOnShards || onShards === 'nowhere') {
        exitCode = await definition.run(context, given);
        return;
      }
      const { runOnShards } = await import('./shards/run-on-shards.ts');
      exitCode = await runOnShards(context, {
        ...{ definition, values: given, onShards, shard, allShards },
        isNamed: databaseUrl !== undefined,
        variables: process.env,
        stderr: process.stderr,
        isLog: checked.logFormat === 'json',
      });
    },
  };
}

/** Before anything runs: what is wrong with an expression is no reason to learn it after a change. @throws usageError */
async function refuseWrongShape({ jq, template }: GlobalOptions): Promise<void> {
  if (jq !== undefined) {
    await (await import('./formats/jq.ts')).checkJq(jq);
  }
  if (template !== undefined) {
    (await import('./formats/template.ts')).checkTemplate(template);
  }
}
