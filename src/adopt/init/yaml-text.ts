/** A part of a mapping that is being written: a line of comment before it, and what it says. */
export interface DraftValue {
  column?: string;
  sql?: string;
  constant?: string;
  values?: Record<string, string>;
  /** What it was unsure of, behind the line. */
  note?: string;
}

/** One table of a mapping. */
export interface DraftPart {
  /** `users`, `calls`, `limits` … */
  part: string;
  comments: string[];
  /** Names of its own, in their order: table, key, where, meter … */
  settings: [string, string | readonly string[] | boolean | DraftValue][];
  columns: [string, DraftValue | string][];
}

const reserved = /^(?:y|n|yes|no|true|false|on|off|null|~)$/i;

/** A text as YAML writes it. */
const scalar = (text: string): string =>
  /^[A-Za-z_][\w.-]*$/.test(text) && !reserved.test(text) ? text : JSON.stringify(text);

const words = (values: Record<string, string>): string =>
  `{ ${Object.entries(values)
    .map(([word, meaning]) => `${scalar(word)}: ${scalar(meaning)}`)
    .join(', ')} }`;

function valueText({ column, sql, constant, values }: DraftValue): string {
  if (column !== undefined && values === undefined) {
    return scalar(column);
  }
  const parts = [
    ...(column === undefined ? [] : [`column: ${scalar(column)}`]),
    ...(sql === undefined ? [] : [`sql: ${JSON.stringify(sql)}`]),
    ...(constant === undefined ? [] : [`value: ${scalar(constant)}`]),
    ...(values === undefined ? [] : [`values: ${words(values)}`]),
  ];
  return `{ ${parts.join(', ')} }`;
}

const settingText = (value: string | readonly string[] | boolean | DraftValue): string =>
  typeof value === 'string'
    ? scalar(value)
    : typeof value === 'boolean'
      ? String(value)
      : Array.isArray(value)
        ? value.length === 1
          ? scalar(value[0] ?? '')
          : `[${value.map(scalar).join(', ')}]`
        : valueText(value as DraftValue);

const noted = (line: string, note: string | undefined) => (note === undefined ? line : `${line} # ${note}`);

function partLines({ settings, columns }: DraftPart): string[] {
  return [
    ...settings.map(([name, value]) =>
      noted(
        `${name}: ${settingText(value)}`,
        typeof value === 'object' && !Array.isArray(value) ? (value as DraftValue).note : undefined,
      ),
    ),
    ...(columns.length === 0 ? [] : ['columns:']),
    ...columns.map(([name, value]) =>
      typeof value === 'string'
        ? `  ${scalar(name)}: ${scalar(value)}`
        : noted(`  ${scalar(name)}: ${valueText(value)}`, value.note),
    ),
  ];
}

/** Parts of the same kind as one table, or a list of them; comments stand before each. */
export function mappingText(head: readonly string[], parts: readonly DraftPart[]): string {
  const lines = [...head];
  for (const kind of new Set(parts.map(({ part }) => part))) {
    const same = parts.filter(({ part }) => part === kind);
    lines.push('');
    if (same.length === 1) {
      const [only] = same as [DraftPart];
      lines.push(...only.comments.map((comment) => `# ${comment}`), `${kind}:`);
      lines.push(...partLines(only).map((line) => `  ${line}`));
      continue;
    }
    lines.push(`${kind}:`);
    for (const one of same) {
      lines.push(...one.comments.map((comment) => `  # ${comment}`));
      lines.push(...partLines(one).map((line, index) => `  ${index === 0 ? '- ' : '  '}${line}`));
    }
  }
  return `${lines.join('\n')}\n`;
}
