import type pg from 'pg';

/** A server that says no farewell within this time is left without one. */
const farewellMsMax = 1000;

/** Ends a connection, whatever the other side does: within a second. */
export async function endClient(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => cutOff(client), farewellMsMax);
  try {
    await client.end();
  } finally {
    clearTimeout(timer);
  }
}

/** Breaks a connection off at once; statements that wait for their answer fail with the reason. */
export const cutOff = (client: pg.Client, reason?: Error): void =>
  void client.connection.stream.destroy(reason);
