import { setTimeout as delay } from 'node:timers/promises';
import type { Ground } from './ground.ts';
import type { Step } from './step.ts';

/** How long steps of a kind take here, so that a fault strikes somewhere within. */
const usualMs = new Map<string, number>();
const stallMs = 4000;
const firstGuessMs = { tool: 800, app: 15 };

/** Faults by kind that struck before the step had ended. */
export const struck: { [kind: string]: number } = {};

/**
 * Waits for the end of what has begun, and strikes meanwhile.
 * @param sessions the application_name of what may be ended at the server
 * @param kill ends the process, or destroys the socket
 */
export async function withFault<Result>(
  ground: Ground,
  step: Step,
  sessions: 'quota' | 'campaign app',
  kill: () => void,
  end: Promise<Result>,
): Promise<Result> {
  const begin = performance.now();
  const { fault } = step;
  if (fault === undefined) {
    const result = await end;
    const before = usualMs.get(step.kind) ?? performance.now() - begin;
    usualMs.set(step.kind, 0.8 * before + 0.2 * (performance.now() - begin));
    return result;
  }
  fault.afterMs ??= Math.round(
    fault.share * (usualMs.get(step.kind) ?? (sessions === 'quota' ? firstGuessMs.tool : firstGuessMs.app)),
  );
  const strike = async () => {
    if (fault.kind === 'kill' || fault.kind === 'cut') {
      kill();
    } else if (fault.kind === 'terminate') {
      await ground.look(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like $1`,
        [`${sessions}%`],
      );
    } else if (fault.kind === 'break') {
      ground.line?.break();
    } else if (fault.kind === 'stall') {
      ground.line?.stall(stallMs);
    } else {
      await ground.crash(fault.kind === 'crash' ? 'SIGKILL' : 'SIGQUIT');
    }
  };
  const hasEnded = await Promise.race([end.then(() => true), delay(fault.afterMs).then(() => false)]);
  if (!hasEnded) {
    struck[fault.kind] = (struck[fault.kind] ?? 0) + 1;
    await strike().catch(() => {}); // the server is down already
  }
  return await end;
}
