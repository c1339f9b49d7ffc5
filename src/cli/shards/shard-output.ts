import type { Column, Output, Report, Row, RowOrder } from '../../context.ts';
import { reportColumns, reportRows } from '../formats/rows.ts';

/** What a command wrote for one shard. */
export interface ShardPart {
  shard: string;
  reports: Report[];
  stream: { columns: readonly Column[]; rows: AsyncIterable<Row>; written: () => void } | undefined;
}

const shardColumn: Column = { key: 'shard', isKept: true };
const withShard = (columns: readonly Column[]) => [shardColumn, ...columns];

/**
 * One report of what a command writes for several shards, in their order. Lists become one list with the shard in its first
 * column, rows of a stream as they come; what a terminal is told in words stands under the name of its shard.
 */
export class ShardOutput {
  readonly #outer: Output;
  readonly #parts = new Map<string, { part: ShardPart; come: Promise<void>; comes: () => void }>();
  #streaming: Promise<void> | undefined;

  constructor(outer: Output, names: readonly string[]) {
    this.#outer = outer;
    for (const shard of names) {
      const { promise: come, resolve: comes } = promiseWithResolvers();
      this.#parts.set(shard, { part: { shard, reports: [], stream: undefined }, come, comes });
    }
  }

  /** What the command of one shard writes to. */
  of(shard: string): Output {
    const { format, hasFields } = this.#outer;
    return {
      format,
      hasFields,
      isPart: true,
      refuseUnknownFields: (data) => this.#outer.refuseUnknownFields(data),
      write: async (report) => {
        this.#entry(shard).part.reports.push(report as Report);
      },
      stream: async (columns, rows) => {
        const { promise, resolve } = promiseWithResolvers();
        const entry = this.#entry(shard);
        entry.part.stream = { columns, rows, written: resolve };
        entry.comes();
        this.#streaming ??= this.#outer.stream(withShard(columns), this.#rowsOfStreams());
        await Promise.race([promise, this.#streaming]);
      },
    };
  }

  /** The command has ended there, whatever it wrote. */
  end(shard: string): void {
    this.#entry(shard).comes();
  }

  /**
   * Writes what was kept, once all have ended. `outcomes` say how, in the order of the shards.
   * @returns what `--after` is given for the next page of rows in one order; null: there is none
   */
  async finish(
    outcomes: readonly { shard: string; exitCode: number; error?: object }[],
  ): Promise<string | null> {
    if (this.#streaming !== undefined) {
      await this.#streaming;
      return null;
    }
    const parts = [...this.#parts.values()].map(({ part }) => part);
    if (this.#outer.format === 'json') {
      const dataOf = (shard: string) =>
        parts.find((part) => part.shard === shard)?.reports.at(-1)?.data ?? null;
      await this.#outer.write({
        data: outcomes.map((outcome) => ({ ...outcome, data: dataOf(outcome.shard) })),
      });
    } else if (
      this.#outer.format === 'table' &&
      parts.some(({ reports }) => reports.some(({ text }) => text))
    ) {
      await this.#writeUnderNames(parts);
    } else {
      return this.#writeAsOne(parts);
    }
    return null;
  }

  async #writeUnderNames(parts: readonly ShardPart[]): Promise<void> {
    for (const { shard, reports } of parts.filter((part) => part.reports.length > 0)) {
      await this.#outer.write({ data: shard, text: (_data, style) => style.bold(shard) });
      for (const report of reports) {
        await this.#outer.write(report);
      }
    }
  }

  async #writeAsOne(parts: readonly ShardPart[]): Promise<string | null> {
    const reports = parts.flatMap(({ shard, reports: own }) => own.map((report) => ({ shard, report })));
    const [first] = reports;
    if (first === undefined) {
      return null;
    }
    const all = reports.flatMap(({ shard, report }) =>
      reportRows(report).map((row, index) => ({
        row: { shard, ...row },
        place: report.order?.places[index] ?? [],
        after: report.order?.afters[index] ?? null,
      })),
    );
    const orders = reports.flatMap(({ report: { order } }) => (order === undefined ? [] : [order]));
    const page = pageOf(all, orders);
    const rows = page.map(({ row }) => row);
    await this.#outer.write({ data: rows, rows, columns: withShard(reportColumns(first.report)) });
    const isLast = page.length === all.length && !orders.some(({ hasMore }) => hasMore);
    return isLast ? null : (page.at(-1)?.after ?? null);
  }

  async *#rowsOfStreams(): AsyncGenerator<Row> {
    for (const { part, come } of this.#parts.values()) {
      await come;
      if (part.stream !== undefined) {
        for await (const row of part.stream.rows) {
          yield { shard: part.shard, ...row };
        }
        part.stream.written();
      }
    }
  }

  #entry(shard: string) {
    const entry = this.#parts.get(shard);
    if (entry === undefined) {
      throw new RangeError(`no shard ${shard}`);
    }
    return entry;
  }
}

interface PlacedRow {
  row: Row;
  place: RowOrder['places'][number];
  after: string | null;
}

/** The rows of all in their order, as many as are a page; where they have none in common, one database after the other. */
function pageOf(all: readonly PlacedRow[], [order]: readonly RowOrder[]): readonly PlacedRow[] {
  return order === undefined
    ? all
    : all.toSorted((one, other) => comparePlaces(one.place, other.place)).slice(0, order.limit);
}

function comparePlaces(one: PlacedRow['place'], other: PlacedRow['place']): number {
  const at = one.findIndex((part, index) => part !== other[index]);
  const [a, b] = [one[at], other[at]];
  return a === undefined || b === undefined ? 0 : a < b ? -1 : 1;
}

function promiseWithResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
