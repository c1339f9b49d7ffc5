import type { Fields } from './assistant-state.ts';
import type { Chosen } from './chosen.ts';
import type { ReadRequest } from './preview.ts';

export interface RestoreRequest {
  /** Everybody: all whose users are not limited any more. */
  chosen: Chosen;
  /** Take the originals of the history as of before this instant, whatever is found. */
  originalsBefore: string | undefined;
  /** A file of stored end-of-call reports, for assistants whose original is unknown. */
  originalsFile: string | undefined;
  /** Values given by the operator, for assistants whose original is unknown. */
  values: Fields | undefined;
}

/** What is needed to look at assistants. */
export interface RestoreSetup extends ReadRequest {
  limitedState: Fields;
}
