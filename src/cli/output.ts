import type { Column, Output, OutputFormat, Report, Row } from '../context.ts';
import type { Pager } from './find-pager.ts';
import { pickRow, refuseUnknownFields } from './formats/fields.ts';
import type { Shape } from './formats/shaped.ts';
import { drawnText, printableData } from './printable.ts';
import type { ResultStream } from './process-like.ts';
import { createStreamWriter, type StreamWriter } from './stream-writer.ts';
import { createStyle } from './style.ts';
import { wrapText } from './wrap-text.ts';

/** Rows of a stream that are formatted and written together. */
const chunkRowsMax = 1000;
/** So many at first, then twice as many each time: whoever looks at a stream sees soon that it has begun. */
const firstChunkRows = 25;

export interface OutputOptions {
  format: OutputFormat;
  stdout: ResultStream;
  color: boolean;
  /** Tables have all their columns, whatever the terminal has room for. */
  wide?: boolean;
  /** What of the JSON is wanted. */
  shape?: Shape;
  /** In what money is told. */
  currency?: string;
  /** For tables that are taller than the terminal. */
  pager?: Pager;
}

const whole: Shape = { fields: [], jq: undefined, template: undefined };

/** The only writer of stdout. Formats load what they need when they are used. */
export function createOutput(options: OutputOptions): Output {
  const { format, stdout, color, wide = false, shape = whole, pager, currency } = options;
  const plain = createStreamWriter(stdout);
  const withWriter = async (use: (writer: StreamWriter) => Promise<unknown>): Promise<void> => {
    if (pager === undefined || format !== 'table') {
      await use(plain);
      return;
    }
    const { createPagedWriter } = await import('./pager.ts');
    const paged = createPagedWriter(stdout, plain, pager);
    try {
      await use(paged);
    } finally {
      await paged.end();
    }
  };
  const style = () => createStyle(color, stdout.columns, currency);
  const tableStyle = async () => ({ ...(await style()), ...(wide && { isTerminal: false }) });
  return {
    format,
    hasFields: shape.fields.length > 0,
    refuseUnknownFields: (data) => refuseUnknownFields(data, shape.fields),
    async write(report) {
      const text = await formatReport(format, shape, report as Report, { style, tableStyle });
      await withWriter((writer) => writer.write(text));
    },
    async stream(columns, rows) {
      if (shape.jq !== undefined || shape.template !== undefined) {
        const { formatShaped } = await import('./formats/shaped.ts');
        await plain.write(await formatShaped(await collected(rows), shape));
      } else {
        await withWriter((writer) =>
          streamRows(format, writer, columns, pickedRows(rows, shape.fields), tableStyle),
        );
      }
    },
  };
}

async function formatReport(
  format: OutputFormat,
  shape: Shape,
  report: Report,
  { style, tableStyle }: Record<'style' | 'tableStyle', () => ReturnType<typeof createStyle>>,
) {
  switch (format) {
    case 'json':
      return (await import('./formats/shaped.ts')).formatShaped(report.data ?? null, shape);
    case 'ndjson':
      return (await import('./formats/ndjson.ts')).formatNdjson(report);
    case 'csv':
      return (await import('./formats/csv.ts')).formatCsv(report);
    case 'table': {
      if (report.text !== undefined) {
        // A report may say what it has not from its data: nothing of that acts on a terminal either.
        const drawing = await style();
        const text = drawnText(report.text(printableData(report.data), drawing));
        const lines = text === '' || text.endsWith('\n') ? text : `${text}\n`;
        return drawing.isTerminal && report.isVerbatim !== true ? wrapText(lines, drawing.width) : lines;
      }
      const { reportColumns, reportRows } = await import('./formats/rows.ts');
      const { formatTable } = await import('./formats/table.ts');
      return formatTable(reportColumns(report), reportRows(report), await tableStyle());
    }
  }
}

async function* pickedRows(rows: AsyncIterable<Row>, fields: readonly string[]): AsyncGenerator<Row> {
  for await (const row of rows) {
    yield pickRow(row, fields);
  }
}

/** Whoever asks for an expression of all rows at once gets them at once. */
async function collected(rows: AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) {
    all.push(row);
  }
  return all;
}

/** Each chunk of a table is a table of its own, under one heading; of JSON, elements of one array. */
async function streamRows(
  format: OutputFormat,
  writer: StreamWriter,
  columns: readonly Column[],
  rows: AsyncIterable<Row>,
  style: () => ReturnType<typeof createStyle>,
): Promise<void> {
  const formatter = await chunkFormatter(format, columns, style);
  let chunk: Row[] = [];
  // A chunk of a table has a heading of its own.
  let wanted = format === 'table' ? chunkRowsMax : firstChunkRows;
  if (!(await writer.write(formatter.head))) {
    return;
  }
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length === wanted) {
      if (!(await writer.write(formatter.rows(chunk)))) {
        return;
      }
      chunk = [];
      wanted = Math.min(2 * wanted, chunkRowsMax);
    }
  }
  if (chunk.length > 0) {
    await writer.write(formatter.rows(chunk));
  }
  await writer.write(formatter.tail());
}

interface ChunkFormatter {
  head: string;
  rows(rows: readonly Row[]): string;
  tail(): string;
}

async function chunkFormatter(
  format: OutputFormat,
  columns: readonly Column[],
  style: () => ReturnType<typeof createStyle>,
): Promise<ChunkFormatter> {
  let isFirst = true;
  const separator = (text: string) => {
    const before = isFirst ? '' : text;
    isFirst = false;
    return before;
  };
  switch (format) {
    case 'json': {
      const { jsonLine } = await import('./formats/json.ts');
      const element = (row: Row) => `${separator(',')}\n  ${jsonLine(row)}`;
      return {
        head: '[',
        rows: (rows) => rows.map(element).join(''),
        tail: () => (isFirst ? ']\n' : '\n]\n'),
      };
    }
    case 'ndjson': {
      const { formatNdjsonRows } = await import('./formats/ndjson.ts');
      return { head: '', rows: formatNdjsonRows, tail: () => '' };
    }
    case 'csv': {
      const { formatCsvHeader, formatCsvRows } = await import('./formats/csv.ts');
      return { head: formatCsvHeader(columns), rows: (rows) => formatCsvRows(columns, rows), tail: () => '' };
    }
    case 'table': {
      const { formatTable } = await import('./formats/table.ts');
      const loaded = await style();
      const table = (rows: readonly Row[]) => separator('\n') + formatTable(columns, rows, loaded);
      return { head: '', rows: table, tail: () => (isFirst ? formatTable(columns, [], loaded) : '') };
    }
  }
}
