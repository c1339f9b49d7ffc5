/** What is read of a table in another database: SQL over its row `r`, by the columns that it is told in. */
export interface RemoteReading {
  relation: string;
  columns: Record<string, string>;
  /** What tells rows apart, in the order of its index. */
  key: { expression: string; type: string }[];
  /** Null: all of it is read each time. */
  follow: FollowedValue | null;
  lookBackMinutes: number;
}

/** A value that grows with each change. */
export interface FollowedValue {
  expression: string;
  type: string;
  /** Now, in its type: what is dated later tells nothing of how far everybody is. Null: it is no instant. */
  now: string | null;
  /** The column, where it is one by itself. */
  column: string | null;
}
