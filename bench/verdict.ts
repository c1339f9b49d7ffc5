import { appendFileSync } from 'node:fs';

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/**
 * What a benchmark found. A `ratio` is at most what is aimed at, a `share` of a baseline's throughput at least; both are
 * of one run on one machine. `seconds`, `milliseconds` and `megabytes` are at most the aim, and mean this machine.
 */
export interface Verdict {
  name: string;
  kind: 'ratio' | 'share' | 'seconds' | 'milliseconds' | 'megabytes';
  value: number;
  aim: number;
  /** With its unit, as the table of all benchmarks shows it. */
  ours?: string;
  baseline?: string;
  /** The most memory that node took for ours. */
  megabytes?: number;
}

/** Where the run of all benchmarks (`all.ts`) collects what each finds: a file of JSON lines. */
export const verdictsVariable = 'QUOTA_BENCH_VERDICTS';

export function isReached({ kind, value, aim }: Pick<Verdict, 'kind' | 'value' | 'aim'>): boolean {
  return kind === 'share' ? value >= aim : value <= aim;
}

/** Says how a measure stands to what is aimed at; where that is missed, a benchmark that runs alone fails. */
export function judge(
  name: string,
  value: number,
  aim: number,
  { kind = 'ratio', ...beside }: Partial<Omit<Verdict, 'name' | 'value' | 'aim'>> = {},
): void {
  const reached = isReached({ kind, value, aim });
  const missed = kind === 'share' ? 'below' : 'above';
  say(`${name}: ${value.toFixed(2)} (${reached ? 'ok' : `${missed} ${aim}`})`);
  const collected = process.env[verdictsVariable];
  if (collected !== undefined) {
    appendFileSync(collected, `${JSON.stringify({ name, kind, value, aim, ...beside } satisfies Verdict)}\n`);
  } else if (!reached) {
    process.exitCode = 1;
  }
}

/** Of no numbers: NaN. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}
