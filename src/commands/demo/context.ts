import type { Context, Report } from '../../context.ts';
import { withDatabase } from '../../db/connection.ts';

/** Where the demo lives: a database and a simulated VAPI that nobody else uses. */
export interface DemoPlace {
  dataDir: string;
  vapi: { url: string; apiKey: string };
}

/** What a command of the demo printed, to be told in the course of the story. */
export interface Capture {
  report: Report<unknown> | null;
}

/**
 * The context of one command of the demo, as if it had been typed with `--yes`: on the demo's own database, at
 * the instant of `asOf` (null: the real clock), its result captured, its progress unsaid.
 */
export function demoContext(
  context: Context,
  { dataDir, vapi }: DemoPlace,
  asOf: string | null,
): { context: Context; capture: Capture } {
  const capture: Capture = { report: null };
  const settings = {
    ...context.settings,
    environment: 'development' as const,
    databaseUrl: undefined,
    dataDir,
    vapiApiKey: vapi.apiKey,
    vapiBaseUrl: vapi.url,
  };
  const { actor, redact, signal, talk } = context;
  return {
    capture,
    context: {
      settings,
      settingOrigins: () => context.settingOrigins(),
      actor,
      asOf,
      signal,
      endWithin: context.endWithin,
      redact,
      get stdin() {
        return context.stdin;
      },
      output: {
        format: context.output.format,
        hasFields: false,
        refuseUnknownFields: () => {},
        async write(report) {
          capture.report = report as Report<unknown>;
        },
        stream: () => Promise.reject(new Error('no command of the demo streams its result')),
      },
      talk: { ...talk, info: talk.verbose, withProgress: (_label, _total, use) => use({ update() {} }) },
      now: () => (asOf === null ? context.now() : new Date(asOf)),
      confirm: async (_change, options) => options.dryRun !== true,
      canAsk: false,
      canGuide: false,
      ask: () => Promise.reject(new Error('no command of the demo asks')),
      choose: () => Promise.reject(new Error('no command of the demo asks')),
      search: () => Promise.reject(new Error('no command of the demo asks')),
      withDatabase: (use, options) => withDatabase({ settings, asOf, signal, ...options }, use),
    },
  };
}
