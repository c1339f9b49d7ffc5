import { randomUUID } from 'node:crypto';
import { type KeyOrganisation, WrongProviderError } from './key-organisation.ts';
import { type LimitResult, type LimitTask, resultOf } from './limit-task.ts';
import { type Claimant, recordFailed, recordGone } from './result-store.ts';

/** More 404s than a few deleted assistants would explain are not believed. */
const goneMaxDefault = 5;
/** Ids in the words of the refusal. */
const namedMax = 10;

/**
 * The assistants that VAPI does not know, of one run. They are marked when the run is at its end and they are few:
 * many at once are more likely the wrong key, the wrong address or a fault of VAPI's.
 */
export class MissingAssistants {
  /** In whose name this run claims assistants; those that are missing keep its name until they are marked. */
  readonly run = randomUUID();
  readonly #max: number;
  #held: { task: LimitTask; words: string }[] = [];
  #unexplained = 0;

  /** @param max how many are taken for deleted */
  constructor(max = goneMaxDefault) {
    this.#max = max;
  }

  /** How many are waiting to be marked. */
  get count(): number {
    return this.#held.length;
  }

  /** @throws WrongProviderError when they are too many; nothing of the run is marked then. */
  hold(task: LimitTask, words: string, organisation: KeyOrganisation): void {
    this.#held.push({ task, words });
    if (organisation.isElsewhere(task)) {
      return; // That VAPI does not know it under this key is as it should be.
    }
    this.#unexplained++;
    if (this.#unexplained <= this.#max) {
      return;
    }
    const named = this.#held.slice(0, namedMax).map((held) => held.task.providerAssistantId);
    this.#held = [];
    throw new WrongProviderError(
      `VAPI does not know ${this.#unexplained} of the assistants that it was asked for: nothing was marked as gone`,
      {
        detail: named.join('\n'),
        suggestion:
          'check VAPI_API_KEY and VAPI_BASE_URL; if they were deleted, say how many: quota limits sync --accept-gone 100',
      },
    );
  }

  /** Marks what was held, as gone where that is certain: at the end of a run that went well. */
  async settle(
    claimant: Omit<Claimant, 'run'>,
    organisation: KeyOrganisation,
    onResult: (result: LimitResult) => void,
  ): Promise<void> {
    const held = this.#held;
    this.#held = [];
    const ours = { ...claimant, run: this.run };
    for (const { task, words } of held) {
      if (organisation.isElsewhere(task) && task.status === 'applied') {
        continue; // It was only to be looked at again.
      }
      const doubt = await organisation.doubtMissing(task, claimant.queries);
      const error = doubt === undefined ? words : `${words}; ${doubt}`;
      const isRecorded =
        doubt === undefined
          ? await recordGone(ours, task, error)
          : await recordFailed(ours, task, { words: error, retryAfterMs: undefined });
      const status = doubt === undefined ? 'gone' : 'failed';
      onResult(resultOf(task, isRecorded ? { status, error } : { status: 'superseded' }));
    }
  }
}
