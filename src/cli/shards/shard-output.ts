import type { Column, Output, Report, Row } from '../../context.ts';
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

  /** Writes what was kept, once all have ended. `outcomes` say how, in the order of the shards. */
  async finish(outcomes: readonly { shard: string; exitCode: number; error?: object }[]): Promise<void> {
    if (this.#streaming !== undefined) {
      await this.#streaming;
      return;
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
      await this.#writeAsOne(parts);
    }
  }

  async #writeUnderNames(parts: readonly ShardPart[]): Promise<void> {
    for (const { shard, reports } of parts.filter((part) => part.reports.length > 0)) {
      await this.#outer.write({ data: shard, text: (_data, style) => style.bold(shard) });
      for (const report of reports) {
        await this.#outer.write(report);
      }
    }
  }

  async #writeAsOne(parts: readonly ShardPart[]): Promise<void> {
    const reports = parts.flatMap(({ shard, reports: own }) => own.map((report) => ({ shard, report })));
    const [first] = reports;
    if (first !== undefined) {
      const rows = reports.flatMap(({ shard, report }) =>
        reportRows(report).map((row) => ({ shard, ...row })),
      );
      await this.#outer.write({ data: rows, rows, columns: withShard(reportColumns(first.report)) });
    }
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

function promiseWithResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
