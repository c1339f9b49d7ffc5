import type { Failure } from './episode.ts';
import type { Step } from './step.ts';

/** A failure is the same if the same promise is broken: what is said of it without its numbers. */
const signature = ({ problems }: Failure) => (problems[0] ?? '').replace(/[\d.:-]+/g, '#').slice(0, 60);

/**
 * Leaves steps out as long as what is left fails in the same way (delta debugging), each time on a new database.
 * @param fails plays steps; the failure, if they fail
 */
export async function shrink(
  steps: readonly Step[],
  failure: Failure,
  fails: (steps: readonly Step[]) => Promise<Failure | undefined>,
  untilMs: number,
  say: (text: string) => void,
): Promise<{ steps: readonly Step[]; failure: Failure }> {
  let best = { steps: steps.slice(0, failure.played), failure };
  let size = Math.ceil(best.steps.length / 2);
  while (size >= 1) {
    let hasShrunk = false;
    for (let from = 0; from < best.steps.length && Date.now() < untilMs; ) {
      const fewer = [...best.steps.slice(0, from), ...best.steps.slice(from + size)];
      const found = fewer.length > 0 ? await fails(fewer) : undefined;
      if (found !== undefined && signature(found) === signature(failure)) {
        best = { steps: fewer.slice(0, found.played), failure: found };
        hasShrunk = true;
        say(`${best.steps.length} steps`);
      } else {
        from += size;
      }
    }
    size = size === 1 && hasShrunk ? 1 : Math.floor(size / 2);
    if (Date.now() >= untilMs) {
      break;
    }
  }
  return best;
}
