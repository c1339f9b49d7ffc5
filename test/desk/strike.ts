import { expect, vi } from 'vitest';
import type { BinRun } from '../run-cli.ts';

export interface Strikes {
  /** So many kills must strike while work is under way. */
  kills: number;
  /** Starts a run of the built bin. */
  start(attempt: number): BinRun | Promise<BinRun>;
  /** Whether the run has come to where it is to be killed; asked again and again. */
  isDue(attempt: number): boolean | Promise<boolean>;
  /** What the killed run was in the midst of, by what it left behind; null: of nothing. */
  evidence(attempt: number): Promise<string | null>;
}

const askEveryMs = 2;
/** A run that comes to its moment, or to its end, no sooner than this hangs. */
const endMsMax = 100_000;

/**
 * Kills runs with SIGKILL until so many of the kills have struck: the run died of the signal and left evidence of
 * unfinished work. A run that ended before its kill does not count; when too few strike, the test fails.
 * @returns how often the runs were in the midst of what
 */
export async function strike(strikes: Strikes): Promise<Record<string, number>> {
  const { kills, start, isDue, evidence } = strikes;
  const found: Record<string, number> = {};
  for (let attempt = 0, hits = 0; hits < kills; attempt++) {
    expect(attempt, `only ${hits} of ${attempt} kills struck: ${JSON.stringify(found)}`).toBeLessThan(
      kills * 4,
    );
    const run = await start(attempt);
    let hasEnded = false;
    const result = run.result.finally(() => {
      hasEnded = true;
    });
    await vi.waitUntil(async () => hasEnded || (await isDue(attempt)), {
      interval: askEveryMs,
      timeout: endMsMax,
    });
    run.kill('SIGKILL');
    const { code } = await result;
    const what = code === null ? await evidence(attempt) : null;
    if (what !== null) {
      hits += 1;
      found[what] = (found[what] ?? 0) + 1;
    }
  }
  return found;
}

/** Due once something has been so for a while, and still is: for moments that nothing tells. */
export function lasting(
  isSo: (attempt: number) => Promise<boolean>,
  forMs: (attempt: number) => number,
): Strikes['isDue'] {
  let [since, of] = [Number.POSITIVE_INFINITY, -1];
  return async (attempt) => {
    const so = await isSo(attempt);
    const now = performance.now();
    since = so && of === attempt ? Math.min(since, now) : so ? now : Number.POSITIVE_INFINITY;
    of = attempt;
    return so && now - since >= forMs(attempt);
  };
}
