/** What becomes of a billing line or a call log, in the order in which it is decided. */
export const kinds = [
  'outside_month',
  'not_connected',
  'unsettled',
  'duplicate_line',
  'attribution_mismatch',
  'duration_mismatch',
  'cost_mismatch',
  'matched',
  'unlogged',
  'unbilled',
  'fee',
  'aggregate_mismatch',
] as const;

export type Kind = (typeof kinds)[number];

/** What somebody decided of a discrepancy. */
export type Resolution = 'accepted' | 'disputed' | 'corrected';

/** What a discrepancy becomes: `open` takes a decision back. */
export type Decision = Resolution | 'open';

/** In these nothing differs: the others are discrepancies. */
const explainedKinds: readonly Kind[] = ['matched', 'not_connected', 'outside_month', 'fee'];

export const isDiscrepancy = (kind: Kind): boolean => !explainedKinds.includes(kind);

/** What each kind means, for a person. */
export const kindMeanings: Readonly<Record<Kind, string>> = {
  outside_month: 'billed, but of another month',
  not_connected: 'never connected, nothing charged',
  unsettled: 'not ended yet when the export was made',
  duplicate_line: 'billed before',
  attribution_mismatch: "logged for another user than the assistant's owner",
  duration_mismatch: 'billed and logged durations differ',
  cost_mismatch: 'billed and logged costs differ',
  matched: 'billed as logged',
  unlogged: 'billed, not logged',
  unbilled: 'logged, not billed',
  fee: 'a charge or credit without a call',
  aggregate_mismatch: "a day's sum differs from its logs",
};
