import type pg from 'pg';
import { insertAuditEntry } from '../audit/audit-entry-store.ts';
import { deleteProductTemplates } from '../cache/template-store.ts';
import { removeMirrors } from './mirror-store.ts';
import { detachProduct, lockProducts, waitBriefly } from './product-store.ts';

/** Takes a product's triggers off the app's tables, within the transaction of the caller. */
export async function detach(
  client: pg.ClientBase,
  product: string,
  reason: string | undefined,
): Promise<{ removed: string[]; auditId: string }> {
  await waitBriefly(client);
  await lockProducts(client);
  await removeMirrors(client, product);
  await deleteProductTemplates(client, product);
  const removed = await detachProduct(client, product);
  const auditId = await insertAuditEntry(client, {
    action: 'adopt.detached',
    subject: product,
    reason,
    before: { triggers: removed },
  });
  return { removed, auditId };
}
