import { countQueued, selectQueued } from '../src/enforcement/claim-store.ts';
import type { JobDefinition } from '../src/jobs/job.ts';

const scope = (userId: string | null) => ({ userIds: userId === null ? null : [userId], dueOnly: true });

/** Its batches need a provider: the command adds them. */
export const syncLimits: JobDefinition = {
  name: 'sync-limits',
  summary: 'limit and restore assistants at VAPI: what is queued, and what failed and is due again',
  unit: 'assistants',
  batchSizeDefault: 50,
  countDue: async (client, { userId }) => {
    const { pending, failed } = await countQueued(client, scope(userId));
    return pending + failed;
  },
  listDue: async (client, { userId }, limit) =>
    (await selectQueued(client, scope(userId), limit)).map(
      ({ user, providerAssistantId, desired, status }) => ({
        externalId: user,
        providerAssistantId,
        desired,
        status,
      }),
    ),
};
