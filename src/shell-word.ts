/** A word as a POSIX shell reads it back, quoted only where it must be: `it's here` → `'it'\''s here'`. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** Arguments as a line that can be pasted into a shell. */
export const shellLine = (args: readonly string[]): string => args.map(shellWord).join(' ');
