import type { ChangeOptions, Context } from '../context.ts';
import { type QuotaError, usageError } from '../errors.ts';

/** Whether a change wants a reason, and what the change gets of it. */
export interface ReasonRule<Reason extends string | undefined> {
  /** Undefined: a change goes without. */
  readonly missing: (() => QuotaError) | undefined;
  /** @param text without the spaces around it; empty on a dry run, and where none is wanted */
  of(text: string): Reason;
}

/** @param what "a reset"; `example` is a reason that somebody could give */
export const requiredReason = (what: string, example: string): ReasonRule<string> => ({
  missing: () =>
    usageError(`${what} needs a reason, for the audit log`, { suggestion: `add --reason "${example}"` }),
  of: (text) => text,
});

export const optionalReason: ReasonRule<string | undefined> = {
  missing: undefined,
  of: (text) => (text === '' ? undefined : text),
};

/** To be called before anything is opened. @throws usageError where a reason is missing and nobody can be asked. */
export function refuseMissingReason(
  { canAsk }: Context,
  options: ChangeOptions,
  { missing }: ReasonRule<string | undefined>,
): void {
  if (missing !== undefined && !canAsk && !options.dryRun && givenReason(options) === '') {
    throw missing();
  }
}

/** The reason that was given; on a terminal a missing one is asked for. @throws usageError */
export async function settleReason<Reason extends string | undefined>(
  context: Context,
  options: ChangeOptions,
  { missing, of }: ReasonRule<Reason>,
): Promise<Reason> {
  const given = givenReason(options);
  if (given !== '' || missing === undefined) {
    return of(given);
  }
  const typed = (await context.ask('Why? The reason stays in the audit log:')).trim();
  if (typed === '') {
    throw missing();
  }
  return of(typed);
}

const givenReason = ({ reason = '' }: ChangeOptions): string => reason.trim();
