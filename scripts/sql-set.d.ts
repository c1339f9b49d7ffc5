/** What tests and configuration may import of scripts/sql-set.mjs. */
declare module '*/sql-set.mjs' {
  /** The core, by path below sql/. */
  export function readCore(): { sha256: string; files: { path: string; text: string }[] };
  /** The migrations, oldest first; sha256 of `up`. */
  export function readMigrations(): { name: string; sha256: string; up: string; down: string }[];
  export const sqlSetForVite: import('vitest/config').Plugin;
}
