/** What meters count in, as quota.meters has them. */
export const units = ['second', 'message', 'request', 'byte', 'token', 'credit'] as const;
export type Unit = (typeof units)[number];
