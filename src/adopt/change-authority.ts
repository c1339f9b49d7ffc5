import type pg from 'pg';
import { insertAuditEntry } from '../audit/audit-entry-store.ts';
import { type AdoptedProduct, type Authority, lockProducts, updateAuthority } from './product-store.ts';

/** Lets the app or quota decide, within the transaction of the caller. The id of its audit row. */
export async function changeAuthority(
  client: pg.ClientBase,
  { product, authority: before }: AdoptedProduct,
  authority: Authority,
  reason: string | undefined,
): Promise<string> {
  await lockProducts(client);
  await updateAuthority(client, product, authority);
  return insertAuditEntry(client, {
    action: 'adopt.authority',
    subject: product,
    reason,
    before: { authority: before },
    after: { authority },
  });
}
