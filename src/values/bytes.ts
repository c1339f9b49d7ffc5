import { parseWhole } from './decimal.ts';
import type { Grammar } from './grammar.ts';

const bytesPerUnit = { '': 1n, B: 1n, KB: 1024n, MB: 1024n ** 2n, GB: 1024n ** 3n } as const;
/** What a number of JSON and a `bigint` both hold. */
const bytesMax = BigInt(Number.MAX_SAFE_INTEGER);

/** A number of bytes as text: `26214400`, or `25MB` (1 MB is 1,048,576 bytes). */
export const bytes: Grammar<string> = {
  parse(text) {
    const [, digits = '', unit = ''] = /^(.*?)\s*(B|KB|MB|GB|)$/i.exec(text.trim()) ?? [];
    const whole = parseWhole(digits);
    if (whole === null || whole.startsWith('-')) {
      return null;
    }
    const size = BigInt(whole) * bytesPerUnit[unit.toUpperCase() as keyof typeof bytesPerUnit];
    return size > bytesMax ? null : String(size);
  },
  describeProblem: () => ({ reason: 'is not a size', suggestion: 'write it like 25MB or 26214400' }),
};

/** `25MB`, `1GB`; a bare number where no unit fits. */
export function bytesText(size: string): string {
  for (const unit of ['GB', 'MB', 'KB'] as const) {
    if (size !== '0' && BigInt(size) % bytesPerUnit[unit] === 0n) {
      return `${BigInt(size) / bytesPerUnit[unit]}${unit}`;
    }
  }
  return size;
}
