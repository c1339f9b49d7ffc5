/** What tests may import of scripts/source-hash.mjs. */
declare module '*/source-hash.mjs' {
  /** The SHA-256 of everything that a build is made of, below a root. */
  export function sourceHash(root: string): string;
}
