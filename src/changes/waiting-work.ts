import type pg from 'pg';
import type { Context } from '../context.ts';
import { countQueued } from '../enforcement/claim-store.ts';

const everything = { userIds: null, dueOnly: false };

/** Makes a change that does no provider work itself, and says whether it has queued some, and what does it. */
export async function withWaitingWork<T>(
  { talk }: Context,
  client: pg.ClientBase,
  change: () => Promise<T>,
): Promise<T> {
  const before = await countQueued(client, everything);
  const result = await change();
  const after = await countQueued(client, everything);
  const more = after.pending + after.failed - before.pending - before.failed;
  if (more > 0) {
    const noun = more === 1 ? '1 assistant waits' : `${more} assistants wait`;
    talk.info(
      `${noun} to be limited or restored at VAPI: quota limits sync does it, or quota jobs sync-limits`,
    );
  }
  return result;
}
