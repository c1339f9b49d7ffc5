import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vitest/config';

export interface CoreText {
  sha256: string;
  files: { path: string; text: string }[];
}

export interface MigrationText {
  name: string;
  sha256: string;
  up: string;
  down: string;
}

export function readCore(): CoreText;
export function readMigrations(): MigrationText[];
export const sqlSet: EsbuildPlugin;
export const sqlSetForVite: VitePlugin;
