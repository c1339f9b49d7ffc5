import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { BillingLine } from '../../src/providers/exports/billing-line.ts';
import { withExport } from '../../src/providers/exports/open-export.ts';
import type { ExportOptions } from '../../src/providers/exports/opened-export.ts';

export const sample = (name: string) => join('fixtures/exports', name);

export async function readSource(source: Parameters<typeof withExport>[0], options: ExportOptions = {}) {
  return withExport(source, options, async (opened) => {
    const lines: BillingLine[] = [];
    for await (const batch of opened.batches()) {
      lines.push(...batch);
    }
    return { format: opened.format, provider: opened.provider, lines, summary: opened.summary() };
  });
}

export const read = (name: string, options?: ExportOptions) => readSource({ path: sample(name) }, options);
export const readText = (text: string, options?: ExportOptions) =>
  readSource({ path: '-', stdin: Readable.from([Buffer.from(text)]) }, options);

/** The parts of a line that have a value. */
export function filled(line: BillingLine | undefined) {
  return Object.fromEntries(Object.entries(line ?? {}).filter(([, value]) => value !== null));
}
