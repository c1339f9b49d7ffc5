import type { QueryResultRow } from 'pg';
import { type Desk, useDesk } from '../desk/desk.ts';

/** An application in front of a fresh database, for the tests of a file: it has SQL and nothing else. */
export interface App {
  /** One row of an app's call, at the app's time. */
  call<Row extends QueryResultRow>(sql: string, values?: unknown[]): Promise<Row>;
  rows<Row extends QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Every call after this happens at that instant. */
  at(instant: string): void;
  addUser(externalId: string, createdAt: string, timezone?: string): Promise<string>;
  differences: Desk['differences'];
}

export function useApp(instant: string): App {
  const desk = useDesk();
  let now = instant;
  const rows: App['rows'] = (sql, values) => desk.queryAt(now, sql, values);
  return {
    rows,
    call: async (sql, values) => (await rows(sql, values))[0] as never,
    at: (next) => {
      now = next;
    },
    addUser: (externalId, createdAt, timezone = 'UTC') =>
      desk.addUser({ externalId, email: null, createdAt, timezone }),
    differences: () => desk.differences(),
  };
}
