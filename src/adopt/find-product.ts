import type pg from 'pg';
import { type PlanDocument, parsePlanText, readPlanDocument } from '../allowances/files/plan-document.ts';
import { notFoundError } from '../errors.ts';
import { presets } from './presets/presets.ts';
import { type AdoptedProduct, selectProduct } from './product-store.ts';

/**
 * The file of a mapping: a preset by its name, else a file.
 * @throws badInputError when it is no YAML or JSON
 */
export async function readMappingFile(
  named: string,
  stdin: AsyncIterable<Uint8Array>,
): Promise<PlanDocument> {
  const preset = presets[named];
  return preset === undefined ? readPlanDocument(named, stdin) : parsePlanText(named, await preset());
}

/**
 * A product that is attached, by its name; a preset is called as its product is.
 * @throws notFoundError
 */
export async function findProduct(client: pg.ClientBase, named: string): Promise<AdoptedProduct> {
  const product = await selectProduct(client, named);
  if (product === null || product.detachedAt !== null) {
    throw notFoundError(`no product "${named}" is attached`, {
      suggestion: 'quota adopt status lists those that are; quota adopt attach FILE attaches one',
    });
  }
  return product;
}
