import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Sends a process a signal and waits for its end; one that has ended by itself tells it no second time. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}
