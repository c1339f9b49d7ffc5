/** Made of sql/ and migrations/ by scripts/sql-set.mjs when the program is bundled. */
declare module 'virtual:sql/manifest' {
  export const manifest: {
    /** sha256 of the core: every path and text. */
    core: string;
    /** Oldest first; sha256 of what is applied, not of the way back. */
    migrations: readonly { name: string; sha256: string }[];
  };
}

declare module 'virtual:sql/core' {
  export const core: {
    sha256: string;
    /** By path, below sql/. */
    files: readonly { path: string; text: string }[];
  };
}

declare module 'virtual:sql/migrations' {
  export const migrations: Readonly<Record<string, { up: string; down: string }>>;
}
