import type { Context } from '../../context.ts';
import type { RemoteDatabase } from '../mapping.ts';
import { type AppDatabase, withRemoteDatabase } from './app-database.ts';

/** By product; an error: why it could not be opened. */
export type AppDatabases = ReadonlyMap<string, AppDatabase | Error>;

/** Opens the databases of several products for the time of `use`; one that cannot be opened keeps no other from it. */
export async function withAppDatabases<T>(
  context: Pick<Context, 'settings' | 'signal' | 'actor'>,
  products: readonly { product: string; remote: RemoteDatabase }[],
  use: (databases: AppDatabases) => Promise<T>,
): Promise<T> {
  const databases = new Map<string, AppDatabase | Error>();
  const openFrom = async (index: number): Promise<T> => {
    const next = products[index];
    if (next === undefined) {
      return use(databases);
    }
    let isOpen = false;
    try {
      return await withRemoteDatabase(context, next, (app) => {
        isOpen = true;
        databases.set(next.product, app);
        return openFrom(index + 1);
      });
    } catch (error) {
      if (isOpen || context.signal.aborted) {
        throw error;
      }
      databases.set(next.product, error as Error);
      return openFrom(index + 1);
    }
  };
  return openFrom(0);
}
