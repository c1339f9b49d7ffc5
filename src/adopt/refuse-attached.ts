import type pg from 'pg';
import { refusedError } from '../errors.ts';
import { selectAttachedNames } from './product-store.ts';

/**
 * The app's tables have triggers of ours: what these call must not be taken away under them.
 * @throws refusedError while a product is attached
 */
export async function refuseWhileAttached(client: pg.ClientBase): Promise<void> {
  const attached = await selectAttachedNames(client);
  if (attached.length > 0) {
    throw refusedError(`${attached.join(', ')} is attached: what it writes would be counted no more`, {
      suggestion: attached.map((product) => `quota adopt detach ${product}`).join('; '),
    });
  }
}
