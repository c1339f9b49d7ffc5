import { fileFault } from '../bad-lines.ts';
import { describeMarkup } from '../error-page.ts';
import type { Input } from '../input.ts';
import { looksLikeJson } from '../json/json-outline.ts';
import { parseRecord } from './csv-record.ts';

/** The first line of a CSV file. */
export interface CsvHeader {
  /** Column names, trimmed, in the order of the file. An empty name is a column without one. */
  names: string[];
  /** `,`, `;`, tab or `|`: whichever the header has most of; or what a line `sep=;` before it says. */
  delimiter: string;
  /** 1-based line on which it ends, and index in the text at which the rows begin. */
  line: number;
  end: number;
}

/**
 * Reads the header from the beginning of a CSV file.
 * @throws badInputError if there is none within the first 64 KiB, or a name occurs twice (case and blanks around it do not
 *   count)
 */
export function readCsvHeader(input: Input): CsvHeader {
  const { sample, name: file } = input;
  const separator = separatorLine.exec(sample);
  const { start, line } = skipBlankLines(sample, separator?.[0].length ?? 0);
  const fault = (column: number | null, reason: string, suggestion: string | null) =>
    fileFault({ file, line, column, reason, suggestion });
  if (looksLikeJson(sample)) {
    throw fault(null, 'the file is JSON, not CSV', null);
  }
  const markup = describeMarkup(sample);
  if (markup !== null) {
    throw fault(null, markup.reason, markup.suggestion);
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
  const delimiter = separator?.[1] ?? detectDelimiter(first);
  const record = parseRecord(sample, start, delimiter, newline === -1);
  if (!record.ok) {
    throw fault(record.at - start + 1, record.reason, 'write the header on one line');
  }
  const names = record.fields.map((name) => name.trim());
  const twice = repeatedName(names);
  if (twice !== null) {
    throw fault(
      twice.second,
      `the header names "${twice.name}" twice, in columns ${twice.first} and ${twice.second}`,
      'rename one of them',
    );
  }
  return { names, delimiter, line: line + record.lines - 1, end: record.end };
}

/** The first rows of a CSV file, as far as the sample has them whole: by their values a format is told. */
export function sampleRows(
  { sample, sampleIsAll }: Input,
  { delimiter, end }: CsvHeader,
  max: number,
): string[][] {
  const rows: string[][] = [];
  for (let at = end; at < sample.length && rows.length < max; ) {
    const record = parseRecord(sample, at, delimiter, sampleIsAll);
    if (!record.ok) {
      break;
    }
    if (record.fields.some((field) => field !== '')) {
      rows.push(record.fields);
    }
    at = record.end;
  }
  return rows;
}

/** Spreadsheets write their separator before the header: `sep=;`. */
const separatorLine = /^\s*"?sep=([^\r\n])"?\r?\n/i;

function skipBlankLines(text: string, from: number): { start: number; line: number } {
  let start = from;
  while (/[\r\n]/.test(text.charAt(start))) {
    start += 1;
  }
  return { start, line: text.slice(0, start).split('\n').length };
}

/** The first name that occurs twice, with the places of both, counted from 1. */
function repeatedName(names: readonly string[]): { name: string; first: number; second: number } | null {
  const lower = names.map((name) => name.toLowerCase());
  const twice = lower.findIndex((name, index) => name !== '' && lower.indexOf(name) < index);
  const name = names[twice];
  return name === undefined
    ? null
    : { name, first: lower.indexOf(lower[twice] ?? '') + 1, second: twice + 1 };
}

/** The candidate that occurs most often outside quotes; a comma if none does. */
function detectDelimiter(header: string): string {
  const unquoted = header.replace(/"[^"]*"/g, '');
  const count = (delimiter: string) => unquoted.split(delimiter).length;
  return [',', ';', '\t', '|'].reduce((best, candidate) =>
    count(candidate) > count(best) ? candidate : best,
  );
}
