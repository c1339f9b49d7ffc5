import type pg from 'pg';
import type { CacheTemplate } from '../values/key-template.ts';
import { enableCache } from './cache-store.ts';

/** Which meter is kept in an app's own Redis as what. */
export interface StoredTemplate {
  meter: string;
  /** The adopted product that has it; null: the meter itself. */
  product: string | null;
  template: CacheTemplate;
}

export async function selectTemplates(client: pg.ClientBase): Promise<StoredTemplate[]> {
  const { rows } = await client.query<CacheTemplate & Omit<StoredTemplate, 'template'>>(
    `select meter, product, key, field, value, on_change as "onChange" from quota.cache_templates order by id`,
  );
  return rows.map(({ meter, product, ...template }) => ({ meter, product, template }));
}

/** Meters have these templates from now on, and no others of their own. */
export async function replaceMeterTemplates(
  client: pg.ClientBase,
  meters: readonly { key: string; redis: CacheTemplate | null }[],
): Promise<void> {
  await client.query('delete from quota.cache_templates where product is null and meter = any ($1)', [
    meters.map(({ key }) => key),
  ]);
  for (const { key, redis } of meters) {
    if (redis !== null) {
      await insertTemplate(client, { meter: key, product: null, template: redis });
    }
  }
}

/** What an adopted product has is left to the app, as it was written last. */
export async function deleteProductTemplates(client: pg.ClientBase, product: string): Promise<void> {
  await client.query('delete from quota.cache_templates where product = $1', [product]);
}

/** From now on the app's keys follow; those of everybody are brought up to date. */
export async function insertTemplate(
  client: pg.ClientBase,
  { meter, product, template }: StoredTemplate,
): Promise<void> {
  const { key, field, value, onChange } = template;
  await client.query(
    `insert into quota.cache_templates (meter, product, key, field, value, on_change)
     values ($1, $2, $3, $4, $5, $6)`,
    [meter, product, key, field, value, onChange],
  );
  await enableCache(client);
  await client.query('select quota.outdate_meter($1)', [meter]);
}
