import type { Change, ChangeOptions, Environment } from '../context.ts';
import { refusedError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import type { Prompt } from './prompt.ts';

/**
 * The gate in front of every change. On a dry run nothing is asked and the answer is no. In production, and for
 * a change that says so, the name must be typed, or given with `--confirm`; `--yes` does not replace it.
 * Elsewhere `--yes` does, and without a terminal it is required: never a silent yes.
 * @throws refusedError
 */
export async function confirmChange(
  prompt: Prompt,
  environment: Environment,
  change: Change,
  options: ChangeOptions,
): Promise<boolean> {
  if (options.dryRun) {
    return false;
  }
  if (change.isGuard) {
    return true;
  }
  if (options.confirm !== undefined) {
    return confirmName(change, options.confirm);
  }
  const isProduction = environment === 'production';
  if (isProduction || change.typed) {
    if (!prompt.interactive) {
      throw refusedError(
        `${change.action}: ${isProduction ? 'production' : 'this'} needs a typed confirmation`,
        {
          detail: '--yes does not replace it',
          suggestion: `add --confirm ${shellWord(change.name)}`,
        },
      );
    }
    return confirmName(
      change,
      await prompt.text(
        `${change.action}${isProduction ? ' in production' : ''}. Type ${change.name} to go on:`,
      ),
    );
  }
  if (options.yes) {
    return true;
  }
  if (!prompt.interactive) {
    throw refusedError(`${change.action}: not confirmed, and there is no terminal to ask on`, {
      suggestion: 'look at the plan with --dry-run, then add --yes',
    });
  }
  if (!(await prompt.confirm(`${change.action}?`))) {
    throw refusedError(`${change.action}: not confirmed`, { detail: 'nothing was changed' });
  }
  return true;
}

function confirmName(change: Change, typed: string): true {
  if (typed.trim() !== change.name) {
    throw refusedError(`"${typed.trim()}" is not the name to confirm`, {
      detail: `${change.action}: nothing was changed`,
      suggestion: `the name is ${change.name}`,
    });
  }
  return true;
}
