const steps = '▁▂▃▄▅▆▇█';
const parts = ' ▏▎▍▌▋▊▉';

/** One character per value; nothing is the lowest, the largest value the highest. */
export function sparkline(values: readonly number[]): string {
  const largest = Math.max(...values, 0);
  return values
    .map((value) => steps[largest === 0 ? 0 : Math.ceil((value / largest) * (steps.length - 1))])
    .join('');
}

/** A bar of at most `width` characters, exact to an eighth of one; a value above zero is never invisible. */
export function bar(value: number, largest: number, width: number): string {
  if (largest <= 0 || value <= 0) {
    return ''.padEnd(width);
  }
  const eighths = Math.max(1, Math.round((Math.min(value / largest, 1) || 0) * width * 8));
  const rest = parts[eighths % 8] ?? '';
  return `${'█'.repeat(Math.floor(eighths / 8))}${rest === ' ' ? '' : rest}`.padEnd(width);
}

/** As many sums of neighbours as fit, so that a year fits into a line. */
export function squeeze(values: readonly number[], countMax: number): number[] {
  const size = Math.ceil(values.length / Math.max(countMax, 1));
  const squeezed: number[] = [];
  for (let start = 0; start < values.length; start += size) {
    squeezed.push(values.slice(start, start + size).reduce((sum, value) => sum + value, 0));
  }
  return squeezed;
}
