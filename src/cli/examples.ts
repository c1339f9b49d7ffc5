/** The examples under a command's help: pairs of a command line and what it is for. */
export function examples(...pairs: (readonly [command: string, purpose: string])[]): string {
  const width = Math.max(...pairs.map(([command]) => command.length));
  const lines = pairs.map(([command, purpose]) => `  $ ${command.padEnd(width)}  ${purpose}`);
  return `\nExamples:\n${lines.join('\n')}`;
}
