import type { Report, Style } from '../context.ts';
import type { LimitOutcome, LimitResult } from '../enforcement/limit-task.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import type { LimitsRun } from './limits-run.ts';

/** An assistant in the JSON of every command that works at the provider. */
export interface AssistantReport {
  user: string;
  providerAssistantId: string;
  name: string | null;
  desired: 'limited' | 'original';
  status: Exclude<LimitOutcome, 'superseded'> | 'superseded';
  /** What was (or would be) sent; null stands for "not set". */
  changes: { field: string; from: unknown; to: unknown }[];
  /** Values of somebody else that became the original to restore. */
  adopted: { field: string; value: unknown }[];
  /** Values of somebody else that were left in place of the original. */
  kept: { field: string; value: unknown }[];
  error: string | null;
}

/** What `limits sync`, `apply` and `restore` print as JSON. */
export interface LimitsReport {
  dryRun: boolean;
  counts: { limited: number; restored: number; unchanged: number; failed: number; gone: number };
  /** What is still queued afterwards; `busy` is the part that another run is working on. */
  left: { pending: number; failed: number; busy: number };
  assistants: AssistantReport[];
}

export function limitsReport(run: LimitsRun, dryRun: boolean): LimitsReport {
  const count = (status: LimitOutcome) => run.results.filter((result) => result.status === status).length;
  return {
    dryRun,
    counts: {
      limited: count('applied'),
      restored: count('restored'),
      unchanged: run.unchanged,
      failed: count('failed'),
      gone: count('gone'),
    },
    left: run.left,
    assistants: run.results.map(assistantReport),
  };
}

function assistantReport(result: LimitResult): AssistantReport {
  const { user, providerAssistantId, name, desired, status, changes, foreign, error } = result;
  const theirs = foreign.map(({ field, value }) => ({ field, value: value ?? null }));
  return {
    user,
    providerAssistantId,
    name,
    desired,
    status,
    changes: changes.map(({ field, from, to }) => ({ field, from: from ?? null, to: to ?? null })),
    adopted: desired === 'limited' ? theirs : [],
    kept: desired === 'original' ? theirs : [],
    error,
  };
}

/** Provider work that is left queued asks to be run again. */
export const limitsExitCode = ({ dryRun, left }: LimitsReport): ExitCode =>
  !dryRun && left.pending + left.failed > 0 ? exitCodes.tryAgain : exitCodes.ok;

/** For every output format; `head` are lines of the command itself. */
export function limitsOutput<Data extends LimitsReport>(
  data: Data,
  head: (data: Data, style: Style) => string[] = () => [],
): Report<Data> {
  return {
    data,
    rows: data.assistants.map(({ changes, adopted, kept, ...rest }) => ({
      ...rest,
      changes: changes.map(({ field, from, to }) => ({ field, from, to })),
      adopted,
      kept,
    })),
    columns: [
      'user',
      'providerAssistantId',
      'name',
      'desired',
      'status',
      'error',
      'changes',
      'adopted',
      'kept',
    ].map((key) => ({ key })),
    text: (printable, style) =>
      [
        ...head(printable, style),
        ...printable.assistants.flatMap((assistant) => assistantLines(assistant, printable.dryRun, style)),
        ...summaryLines(printable, style),
      ].join('\n'),
  };
}

function assistantLines(assistant: AssistantReport, dryRun: boolean, style: Style): string[] {
  const { user, providerAssistantId, name, changes, adopted, kept, error } = assistant;
  const who = [user, providerAssistantId, name ?? ''].join('  ').trimEnd();
  return [
    `${verb(assistant, dryRun, style)}  ${who}${error === null ? '' : `  ${error}`}`,
    ...changes.map(({ field, from, to }) => `  ${field}: ${shortly(from)} → ${shortly(to)}`),
    ...adopted.map(
      ({ field, value }) => `  ${style.yellow('found')} ${field}: ${shortly(value)}, which is to be restored`,
    ),
    ...kept.map(
      ({ field, value }) => `  ${style.yellow('kept')} ${field}: ${shortly(value)}, set by somebody since`,
    ),
  ];
}

function verb({ status, changes }: AssistantReport, dryRun: boolean, style: Style): string {
  switch (status) {
    case 'applied':
      return dryRun && changes.length > 0 ? style.yellow('would limit') : style.green('limited');
    case 'restored':
      return dryRun && changes.length > 0 ? style.yellow('would restore') : style.green('restored');
    case 'failed':
      return style.red(dryRun ? 'would fail' : 'failed');
    case 'gone':
      return style.yellow('gone');
    case 'superseded':
      return style.dim('superseded');
  }
}

const valueWidthMax = 60;

function shortly(value: unknown): string {
  const text = value === null ? 'not set' : JSON.stringify(value);
  return text.length > valueWidthMax ? `${text.slice(0, valueWidthMax)}…` : text;
}

function summaryLines({ dryRun, counts, left, assistants }: LimitsReport, style: Style): string[] {
  const parts = [
    counts.limited > 0 ? `${counts.limited} limited` : '',
    counts.restored > 0 ? `${counts.restored} restored` : '',
    counts.unchanged > 0 ? `${counts.unchanged} limited as recorded` : '',
    counts.failed > 0 ? style.red(`${counts.failed} failed`) : '',
    counts.gone > 0 ? `${counts.gone} gone` : '',
  ].filter((part) => part !== '');
  const queued = left.pending + left.failed;
  const busy = left.busy > 0 ? `, ${left.busy} of them being worked on by another run` : '';
  if (parts.length === 0 && queued === 0) {
    return ['Nothing to do.'];
  }
  return [
    ...(assistants.length > 0 ? [''] : []),
    ...(parts.length > 0 ? [`${dryRun ? 'Would be: ' : ''}${parts.join(', ')}`] : []),
    ...(queued > 0 && !dryRun
      ? [style.yellow(`${queued} left queued${busy}: run quota limits sync again`)]
      : []),
  ];
}
