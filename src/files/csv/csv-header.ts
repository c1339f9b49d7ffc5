import { fileFault } from '../bad-lines.ts';
import { looksLikeJson } from '../json/json-outline.ts';
import type { Input } from '../open-input.ts';
import { parseRecord } from './csv-record.ts';

/** The first line of a CSV file. */
export interface CsvHeader {
  /** Column names, trimmed, in the order of the file. An empty name is a column without one. */
  names: string[];
  /** `,`, `;`, tab or `|`: whichever the header has most of. */
  delimiter: string;
  /** 1-based line on which it ends, and index in the text at which the rows begin. */
  line: number;
  end: number;
}

/**
 * Reads the header from the beginning of a CSV file. Throws exit 65 if there is none within the first
 * 64 KiB, or a name occurs twice (case and blanks around it do not count).
 */
export function readCsvHeader(input: Input): CsvHeader {
  const { sample, name: file } = input;
  let start = 0;
  let line = 1;
  while (/[\r\n]/.test(sample.charAt(start))) {
    if (sample.charAt(start) === '\n') {
      line += 1;
    }
    start += 1;
  }
  const fault = (column: number | null, reason: string, suggestion: string | null) =>
    fileFault({ file, line, column, reason, suggestion });
  if (looksLikeJson(sample)) {
    throw fault(null, 'the file is JSON, not CSV', null);
  }
  const newline = sample.indexOf('\n', start);
  if (newline === -1 && !input.sampleIsAll) {
    throw fault(null, 'the header line is longer than 64 KiB', 'is this a CSV file?');
  }
  const first = sample.slice(start, newline === -1 ? sample.length : newline).replace(/\r$/, '');
  const bareReturn = first.indexOf('\r');
  if (bareReturn !== -1) {
    throw fault(bareReturn + 1, 'the lines end with a bare carriage return', "convert it: tr '\\r' '\\n'");
  }
  const delimiter = detectDelimiter(first);
  const record = parseRecord(sample, start, delimiter, newline === -1);
  if (!record.ok) {
    throw fault(record.at - start + 1, record.reason, 'write the header on one line');
  }
  const names = record.fields.map((name) => name.trim());
  const lower = names.map((name) => name.toLowerCase());
  const twice = lower.findIndex((name, index) => name !== '' && lower.indexOf(name) < index);
  if (twice !== -1) {
    const columns = `${lower.indexOf(lower[twice] ?? '') + 1} and ${twice + 1}`;
    throw fault(
      twice + 1,
      `the header names "${names[twice]}" twice, in columns ${columns}`,
      'rename one of them',
    );
  }
  return { names, delimiter, line: line + record.lines - 1, end: record.end };
}

/** The candidate that occurs most often outside quotes; a comma if none does. */
function detectDelimiter(header: string): string {
  const unquoted = header.replace(/"[^"]*"/g, '');
  const count = (delimiter: string) => unquoted.split(delimiter).length;
  return [',', ';', '\t', '|'].reduce((best, candidate) =>
    count(candidate) > count(best) ? candidate : best,
  );
}
