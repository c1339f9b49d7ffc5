import type { Report } from '../../context.ts';

const unicodeEscape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Also escapes what JSON allows in a string but a terminal acts upon. */
const escaped = (json: string) =>
  json.replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]|[\udb40][\udc00-\udc7f]/g, (found) =>
    found.split('').map(unicodeEscape).join(''),
  );

/** A value on one line. */
export const jsonLine = (value: unknown): string => escaped(JSON.stringify(value ?? null));

/** The data, indented. */
export const formatJson = (report: Report): string =>
  `${escaped(JSON.stringify(report.data ?? null, null, 2))}\n`;
