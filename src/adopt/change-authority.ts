import type pg from 'pg';
import { insertAuditEntry } from '../audit/audit-entry-store.ts';
import { deleteProductTemplates } from '../cache/template-store.ts';
import { refusedError } from '../errors.ts';
import { type CarriedCounts, carryState } from './carry-state.ts';
import { checkMapping } from './check-mapping.ts';
import { followInRedis } from './follow-in-redis.ts';
import { installMirrors, removeMirrors } from './mirror-store.ts';
import {
  type AdoptedProduct,
  type Authority,
  lockProducts,
  updateAuthority,
  waitBriefly,
} from './product-store.ts';
import type { AppDatabase } from './remote/app-database.ts';

/**
 * Lets the app or quota decide, within the transaction of the caller. The id of its audit row.
 * @throws refusedError when the app's tables are not those that were attached any more
 */
export async function changeAuthority(
  client: pg.ClientBase,
  app: AppDatabase,
  { product, mapping, authority: before }: AdoptedProduct,
  authority: Authority,
  reason: string | undefined,
): Promise<string> {
  await waitBriefly(client);
  await lockProducts(client);
  let counts: CarriedCounts = {};
  if (authority === 'quota') {
    // As it is now: what was fit when it was attached may not be any more.
    const { mirrors, carried, problems } = await checkMapping(client, mapping, app);
    if (problems.length > 0) {
      throw refusedError(`the mapping of ${product} does not fit its tables any more`, {
        detail: problems.map(({ message }) => message).join('\n'),
        suggestion: 'correct the mapping and attach it again: quota adopt attach FILE',
      });
    }
    // Before columns follow: what the app has decided until now is what they hold.
    counts = await carryState(client, app, carried, ['limits', 'enforced', 'originals', 'alerts']);
    await installMirrors(client, product, mirrors);
    await followInRedis(client, product, mapping);
  } else {
    await removeMirrors(client, product);
    await deleteProductTemplates(client, product);
  }
  await updateAuthority(client, product, authority);
  return insertAuditEntry(client, {
    action: 'adopt.authority',
    subject: product,
    reason,
    before: { authority: before },
    after: { authority, ...(Object.keys(counts).length > 0 && { carried: counts }) },
  });
}
