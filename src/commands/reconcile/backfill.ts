import { changeOptions } from '../../declarations/change-options.ts';
import { defineCommand } from '../../declarations/command.ts';
import { value } from '../../declarations/option.ts';
import { askedMonthOptions } from './options.ts';
import { reconcileResolve } from './resolve.ts';

/** `quota reconcile backfill`: logs the calls that were billed and not logged; a `ResolveReport`. */
export const reconcileBackfill = defineCommand(
  {
    options: {
      ...changeOptions,
      ...askedMonthOptions,
      user: value('user', 'only those of this user'),
      service: value('service', 'of the calls (default: what the provider sells)'),
    },
    examples: [
      ['quota reconcile backfill --month 2026-10 --dry-run', 'which calls'],
      ['quota reconcile backfill --month 2026-10 --reason "webhook was down" --yes', 'log them'],
    ],
  },
  (context, options) =>
    reconcileResolve.run(context, { ...options, ids: [], kind: ['unlogged'], as: 'corrected' }),
);
