import { expect } from 'vitest';
import type { Commands } from '../desk/commands.ts';

/** QUOTA_TEST_ADOPT_KILLS=20: how often each command is killed. */
const kills = Number(process.env.QUOTA_TEST_ADOPT_KILLS ?? 4);

/** Kills a command by kill -9 again and again, each time at another point of its way. */
export async function killAgain(
  commands: Commands,
  words: readonly string[],
  progress: () => Promise<number>,
  between: (kill: number) => Promise<unknown>,
  times = kills,
): Promise<void> {
  for (let kill = 0; kill < times; kill += 1) {
    const from = await progress();
    const run = commands.start(...words);
    let isOver = false;
    const ended = run.result.then(() => {
      isOver = true;
    });
    await expect
      .poll(async () => isOver || Math.abs((await progress()) - from) > (kill * 13) % 60, { interval: 2 })
      .toBe(true);
    run.kill('SIGKILL');
    await ended;
    await between(kill);
  }
}
