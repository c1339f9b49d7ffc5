export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Says how a measure stands to what is aimed at; above it, the benchmark fails. */
export function judge(name: string, value: number, max: number): void {
  say(`${name}: ${value.toFixed(2)} (${value <= max ? 'ok' : `above ${max}`})`);
  if (value > max) {
    process.exitCode = 1;
  }
}

/** Of no numbers: NaN. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}
