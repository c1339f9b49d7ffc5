import { readFileSync } from 'node:fs';

/** The tables of one of the five products with so many of its users, as SQL. */
export const productTables = (product: string, users: number): string =>
  `set app.users = ${users}; ${readFileSync(`fixtures/adopt/${product}.sql`, 'utf8')}`;
