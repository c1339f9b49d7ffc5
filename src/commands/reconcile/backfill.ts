import type { Context } from '../../context.ts';
import type { ExitCode } from '../../errors.ts';
import { type ReconcileResolveOptions, reconcileResolve } from './resolve.ts';

/** `quota reconcile backfill`: logs the calls that were billed and not logged; a `ResolveReport`. */
export const reconcileBackfill = (
  context: Context,
  options: Omit<ReconcileResolveOptions, 'as' | 'kind' | 'ids'>,
): Promise<ExitCode> => reconcileResolve(context, { ...options, kind: ['unlogged'], as: 'corrected' });
