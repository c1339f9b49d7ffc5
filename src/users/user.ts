/** A user as commands name and show one. Instants are ISO 8601 UTC. */
export interface User {
  id: string;
  externalId: string;
  email: string | null;
  name: string | null;
  timezone: string;
  /** Signup. */
  createdAt: string;
  erasedAt: string | null;
}
