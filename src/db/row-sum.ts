/** Quotes a name of the catalogue. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A table of quota, with its schema. */
export const named = (table: string): string => `quota.${quoted(table)}`;

/** Columns one after the other. */
export const listed = (columns: readonly string[]): string => columns.map(quoted).join(', ');

/** In SQL: `rows`, how many there are, and `digest`, a sum of their hashes that any order gives the same. */
export const rowSum = (columns: readonly string[]): string =>
  `count(*)::text as rows,
   coalesce(sum(('x' || left(md5(row(${listed(columns)})::text), 15))::bit(60)::bigint), 0)::text as digest`;
