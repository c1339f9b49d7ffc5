import type { UserName } from './operator-store.ts';
import type { AssistantStatus } from './status-store.ts';

/** Whom an operator wants limited or restored. */
export type Chosen =
  | { kind: 'users'; users: readonly UserName[] }
  | { kind: 'assistants'; assistants: readonly AssistantStatus[] }
  /** Whoever is over the allowance, or whose limit is lifted. */
  | { kind: 'everybody' };

/** Of assistants their users, each once. */
export const ownersOf = (assistants: readonly AssistantStatus[]): UserName[] => [
  ...new Map(assistants.map(({ userId, user }) => [userId, { id: userId, externalId: user }])).values(),
];
