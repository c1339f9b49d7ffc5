import type { MeterAllowance } from './grant-store.ts';

/** A meter in one line: `120 used of 600 and 300 granted, 780 left`. */
export const allowanceText = (allowance: MeterAllowance | null): string =>
  allowance === null
    ? 'no plan yet'
    : `${allowance.used} used of ${allowance.limit ?? 'no limit'} and ${allowance.granted} granted, ${allowance.remaining ?? 'no limit'} left`;
