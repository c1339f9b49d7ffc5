import type { Group } from '../../declarations/command.ts';

/** `quota reconcile --month …` runs `run`: a group has no options of its own. */
export const reconcileCommands: Group = {
  commands: {
    run: {
      summary: 'load exports, match them with the logs, store what differs; exit 3 if anything does',
      load: async () => (await import('./run.ts')).reconcileRun,
    },
    list: {
      summary: 'the months that have been reconciled, what they came to, what is open',
      load: async () => (await import('./list.ts')).reconcileList,
      readsReplica: true,
    },
    show: {
      summary: 'a month with its kinds and rates; with --kind, --user or --open the calls behind it',
      load: async () => (await import('./show.ts')).reconcileShow,
      readsReplica: true,
    },
    report: {
      summary: 'write a month as a page (HTML) for finance: self-contained, printable, with charts',
      load: async () => (await import('./report.ts')).reconcileReport,
      readsReplica: true,
    },
    resolve: {
      summary: 'say what became of discrepancies; corrected also brings the logs in line with the bill',
      load: async () => (await import('./resolve.ts')).reconcileResolve,
    },
    backfill: {
      summary: 'log the calls that were billed and not logged; they count against the quotas of their users',
      load: async () => (await import('./backfill.ts')).reconcileBackfill,
    },
    alias: {
      summary: 'what bills call a model, where it is not what apps call it; without arguments the list',
      load: async () => (await import('./alias.ts')).reconcileAlias,
    },
    close: {
      summary: 'freeze a month: nothing changes its answer any more, neither late calls nor late exports',
      load: async () => (await import('./close.ts')).reconcileClose,
    },
    reopen: {
      summary: 'open a closed month again; what it was closed with stays in the history',
      load: async () => (await import('./reopen.ts')).reconcileReopen,
    },
  },
  defaultCommand: 'run',
  examples: [
    [
      'quota reconcile --month 2026-10 --export vapi-calls.jsonl',
      'the month as a table; run can be left out',
    ],
    ['quota reconcile show --month 2026-10 --open', 'what is left to explain'],
  ],
};
