import type { CatalogueKind, CatalogueObject } from '../src/db/core/catalogue-store.ts';

/** What belongs to a table follows it in this order. */
const ofTable: readonly CatalogueKind[] = ['table', 'constraint', 'index', 'trigger', 'policy', 'rights'];

const heading = `-- What sql/ and migrations/ come to, as the catalogue of a new database has it. Made by npm run schema; a test holds
-- it to that. To be read, and to show in a diff what a change does: edit sql/ and migrations/, not this.
`;

/** Where the part begins that servers of other versions print in other words. */
export const viewsHeading = '-- Views';

/** The whole schema as text: tables with what belongs to them, types, functions, and views last; each by name. */
export function printSchema(objects: readonly CatalogueObject[]): string {
  const sorted = [...objects].sort(
    (a, b) =>
      ofTable.indexOf(a.kind) - ofTable.indexOf(b.kind) ||
      (a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : 0),
  );
  const named = (kind: CatalogueKind) => sorted.filter((object) => object.kind === kind);
  const rights = (identity: string) => sorted.filter((object) => object.identity === identity);
  const isView = new Set(named('view').map(({ identity }) => identity));
  const tables = named('table').map(({ identity }) => sorted.filter(({ onTable }) => onTable === identity));
  const alone = (kind: CatalogueKind) =>
    named(kind).map((object) => [
      object,
      ...rights(`${isView.has(object.identity) ? 'table' : kind} ${object.identity}`),
    ]);
  const sections: [string, CatalogueObject[][]][] = [
    ['-- Schema', [rights('schema quota')]],
    ['-- Tables', tables],
    ['-- Types', alone('type')],
    ['-- Functions', alone('function')],
    [viewsHeading, alone('view')],
  ];
  return [
    heading,
    ...sections.map(([title, things]) => `${title}\n\n${things.map(printThing).join('\n')}`),
  ].join('\n');
}

const printThing = (objects: readonly CatalogueObject[]): string =>
  objects
    .map(({ definition }) => definition)
    .filter((definition) => definition !== '')
    .map((definition) => `${definition}\n`)
    .join('');
