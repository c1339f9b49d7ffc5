/** The one place that reads the system clock. */
export const readClock = (): Date => new Date();
