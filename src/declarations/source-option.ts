import { value } from './option.ts';

/** Where the tables of an adopted product are, if they are in another database. */
export const sourceOption = {
  sourceUrl: value(
    'url',
    'database with the tables of the product (default: QUOTA_SOURCE_URL, else that of quota)',
  ),
};
