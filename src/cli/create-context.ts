import type { Context, Settings } from '../context.ts';
import { confirmChange } from './confirm.ts';
import { findPager } from './find-pager.ts';
import type { GlobalOptions } from './global-options.ts';
import { guardOf } from './guard.ts';
import { canGuide } from './guided.ts';
import { createOutput } from './output.ts';

import type { ProcessLike } from './process-like.ts';
import { createPrompt } from './prompt.ts';
import { readClock } from './read-clock.ts';
import type { Interruption } from './signals.ts';
import { wantsColor } from './style.ts';
import { createTalk } from './talk.ts';

/** Builds what a command is given. Nothing is opened and nothing heavy is loaded before it is used. */
export function createContext(
  process: ProcessLike,
  settings: Settings,
  options: GlobalOptions,
  { signal, whileAway, endWithin }: Interruption,
  { redact, replicaUrl }: { redact: (text: string) => string; replicaUrl: string | undefined },
): Context {
  const pager = findPager(process, options.pager !== false);
  const asOf = options.asOf ?? null;
  const prompt = createPrompt(process, signal, options.input);
  const talk = createTalk({
    get stderr() {
      return process.stderr;
    },
    quiet: options.quiet === true,
    verbose: options.verbose === true,
    get machine() {
      return /json$/.test(options.output ?? '') && process.stderr.isTTY !== true;
    },
    json: options.logFormat === 'json',
    redact,
  });
  return {
    settings,
    settingOrigins: async () =>
      (await import('./setting-origins.ts')).settingOrigins(process, options, settings),
    actor: settings.actor,
    asOf,
    signal,
    endWithin,
    output: createOutput({
      format: options.output ?? 'table',
      stdout: process.stdout,
      color: wantsColor(process.stdout, process.env, options.color !== false),
      wide: options.wide === true,
      currency: settings.currency,
      ...(pager && { pager: { ...pager, whileAway } }),
      shape: { fields: options.json ?? [], jq: options.jq, template: options.template },
    }),
    talk,
    redact,
    get stdin() {
      // Loaded here: no start but that of who reads stdin has a use for it.
      const { addAbortSignal } = globalThis.process.getBuiltinModule('node:stream');
      return addAbortSignal(signal, process.stdin).on('error', () => {}); // Whoever reads it gets the error.
    },
    now: () => (asOf === null ? readClock() : new Date(asOf)),
    confirm: async (change, changeOptions, database) => {
      const environment = await guardOf(
        { prompt, environment: settings.environment },
        change,
        changeOptions,
        database,
      );
      return confirmChange(prompt, environment, change, changeOptions);
    },
    get canAsk() {
      return prompt.interactive;
    },
    get canGuide() {
      return canGuide(process, options);
    },
    ask: (question, problemOf) => prompt.text(question, problemOf),
    choose: (question, choices, initial) => prompt.choose(question, choices, initial),
    search: (question, search) => prompt.search(question, search),
    async withDatabase(use, databaseOptions) {
      const { withDatabase } = await import('../db/connection.ts');
      return withDatabase({ settings, replicaUrl, asOf, signal, warn: talk.warn, ...databaseOptions }, use);
    },
  };
}
