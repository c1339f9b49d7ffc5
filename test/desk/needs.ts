/** Whether a machine has what some tests need, for `runIf`; what is left out for want of it is said. */
export function needs(isThere: boolean, what: string): boolean {
  if (!isThere) {
    process.stderr.write(`left out, for they need ${what}\n`);
  }
  return isThere;
}
