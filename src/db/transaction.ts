import type pg from 'pg';

/**
 * Runs `use` in a transaction: committed when it returns, rolled back when it throws.
 * @throws Error when a statement failed inside and `use` carried on: the server then rolls back silently.
 */
export async function withTransaction<T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> {
  return withOwnCommit(client, async (commit) => {
    const result = await use();
    await commit();
    return result;
  });
}

/**
 * Runs `use` in a transaction that it commits itself, before it goes on with what must come after; rolled back where it does
 * not, or throws before.
 */
export async function withOwnCommit<T>(
  client: pg.ClientBase,
  use: (commit: () => Promise<void>) => Promise<T>,
): Promise<T> {
  await client.query('begin');
  let isOver = false;
  const commit = async () => {
    const { command } = await client.query('commit');
    isOver = true;
    if (command !== 'COMMIT') {
      throw new Error('the transaction was rolled back because a statement in it had failed');
    }
  };
  try {
    return await use(commit);
  } finally {
    if (!isOver) {
      await rollBack(client);
    }
  }
}

/** Runs `use` within a transaction of the caller, which goes on as before it where it throws. */
export async function withSavepoint<T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> {
  await client.query('savepoint within');
  try {
    const result = await use();
    await client.query('release savepoint within');
    return result;
  } catch (error) {
    await client.query('rollback to savepoint within');
    throw error;
  }
}

/** Runs `use` in a transaction that is rolled back in any case: what would come of it is all that is wanted. */
export async function withTrial<T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    return await use();
  } finally {
    await rollBack(client);
  }
}

/** Runs `use` in a transaction that reads everything as of one moment, whatever others commit meanwhile. */
export async function withSnapshot<T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> {
  await client.query('begin isolation level repeatable read read only');
  try {
    return await use();
  } finally {
    await rollBack(client);
  }
}

/** The same for work that writes: kept when it returns, but for what a statement that failed inside has undone. */
export async function withSnapshotToWrite<T>(client: pg.ClientBase, use: () => Promise<T>): Promise<T> {
  await client.query('begin isolation level repeatable read');
  try {
    const result = await use();
    await client.query('commit');
    return result;
  } catch (error) {
    await rollBack(client);
    throw error;
  }
}

/** The first error counts: on a broken connection the rollback fails too, and the server has rolled back. */
export async function rollBack(client: pg.ClientBase): Promise<void> {
  try {
    await client.query('rollback');
  } catch {}
}
