import type pg from 'pg';

/**
 * What a command is given. Types only: every layer may import this file, and none of them reads argv, the
 * environment, the clock, the terminal or the network in any other way.
 */
export interface Context {
  readonly settings: Settings;
  /** Every setting with where it came from. */
  settingOrigins(): Promise<SettingOrigin[]>;
  /** Who is named in audit rows. */
  readonly actor: string;
  /** The instant of `--as-of`, ISO 8601 UTC, or null for the real clock. */
  readonly asOf: string | null;
  readonly output: Output;
  readonly talk: Talk;
  /** Takes the secrets of the settings out of a text that goes to the database, a file or another program. */
  readonly redact: (text: string) => string;
  /** What `-` in place of a file reads from; breaks off when `signal` is aborted. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Aborted by SIGINT and SIGTERM: stop at the next point where everything is consistent. */
  readonly signal: AbortSignal;
  /** The process is over some seconds after so long, whatever hangs: a last resort, for what knows its deadline. */
  endWithin(ms: number): void;
  /** Now, or the instant of `--as-of`. */
  now(): Date;
  /**
   * Asks for leave to change something. `false` on a dry run: nothing is asked, nothing may be changed.
   * @param database that is to be changed: what it says that it is adds to the guard of the settings
   * @throws refusedError when it is declined, or cannot be asked for want of a terminal.
   */
  confirm(change: Change, options: ChangeOptions, database: GuardedDatabase): Promise<boolean>;
  /** Whether somebody is there to be asked: a terminal, and no `--no-input`. */
  readonly canAsk: boolean;
  /** Whether somebody is led through what a command line lacks: can be asked, and reads tables, without `--quiet`. */
  readonly canGuide: boolean;
  /**
   * Asks a person for a line of text.
   * @param problemOf why a text is none of those that are wanted: then it is asked for again; undefined where it is
   */
  ask(question: string, problemOf?: (text: string) => string | undefined): Promise<string>;
  /** Asks a person for one of several answers; `initial` is what is proposed. */
  choose<T extends string>(question: string, choices: readonly Choice<T>[], initial: T): Promise<T>;
  /** Asks a person for one of many answers. */
  search(question: string, search: Search): Promise<string>;
  /** Opens the database of the settings for the time of `use`, and closes it whatever happens. */
  withDatabase<T>(use: (database: Database) => Promise<T>, options?: DatabaseOptions): Promise<T>;
}

export interface Choice<T extends string = string> {
  /** What is shown. */
  name: string;
  value: T;
}

/** Of many answers those that fit what is typed. */
export interface Search {
  find(typed: string): Promise<readonly Choice[]>;
  /** What counts as typed at first. */
  typed?: string;
}

export type Environment = 'development' | 'test' | 'production';
export type OutputFormat = 'table' | 'json' | 'ndjson' | 'csv';

/** What names a server: a URL or service by its setting, variables of libpq, a flag, or something without a default. */
export interface NamedBy {
  text: string;
  by: 'url' | 'variables' | 'flag' | 'other';
}

/** Parsed and checked configuration. `databaseUrl`, `replicaUrl`, `sourceUrls`, `redisUrl`, `vapiApiKey`, `alertUrl`, `alertSecret`, `alertCommand` and `pingUrl` are secrets: never print them. */
export interface Settings {
  readonly environment: Environment;
  /** Undefined: the embedded server in `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** What says so, for advice. */
  readonly databaseNamedBy?: NamedBy | undefined;
  /** A standby of it, which commands ask that only list and report. */
  readonly replicaUrl: string | undefined;
  readonly dataDir: string;
  /** File that lists the shards: databases that each have some of the users. */
  readonly shardsFile: string | undefined;
  /** What it says, for commands that ask others than the one they are on. */
  readonly shards?: readonly Shard[];
  /** The shard that `databaseUrl` is, where it is one. */
  readonly shard?: { name: string; number: number };
  /** Databases with the tables of adopted products, by product; `*`: of all others. */
  readonly sourceUrls: Readonly<Record<string, string>>;
  readonly redisUrl: string | undefined;
  readonly vapiApiKey: string | undefined;
  /** Where alerts are POSTed, signed with `alertSecret`. */
  readonly alertUrl: string | undefined;
  readonly alertSecret: string | undefined;
  /** Shell command that takes alerts on its stdin. */
  readonly alertCommand: string | undefined;
  readonly vapiBaseUrl: string;
  /** When jobs are expected to run, where that is not their own schedule: by name, as in a crontab, or `off`. */
  readonly schedules: Readonly<Record<string, string>>;
  /** Monitor that is told of runs; `{job}` in it stands for the name of the job. */
  readonly pingUrl: string | undefined;
  /** File with the fields of a limited assistant; undefined: the built-in ones. */
  readonly limitedStateFile: string | undefined;
  readonly actor: string;
  /** Whose reports are made, as it is to stand on them. */
  readonly company: string | undefined;
  /** Of prices and costs, by its code of three letters. Bills have their own. */
  readonly currency: string;
}

/** One whole database among several: it has everything of its users. */
export interface Shard {
  name: string;
  /** 0 to 63: ids made here are this number plus a multiple of 64, plus 1. */
  number: number;
  /** Holds the password: never print it. */
  url: string;
  /** Users who are new belong here when their bucket is from `from` to `to`, both included. */
  buckets: { from: number; to: number };
}

/** A setting as it stands, for people: `***` is a secret that is set, null what is not. */
export interface SettingOrigin {
  variable: string;
  value: string | null;
  /** The flag, the variable, the variable and its file, or `default`. */
  source: string;
  isSecret: boolean;
}

/** What is about to be changed, for the question and for the typed confirmation in production. */
export interface Change {
  /** A sentence without its full stop: "Reset voice usage of alice@example.com". */
  action: string;
  /** What has to be typed in production: the user's external id, the database's name. */
  name: string;
  /** Has to be typed outside production too, for what no environment should do by habit. */
  typed?: boolean;
  /** Takes away what does not come back: refused on a database elsewhere that nobody has said anything about. */
  isDangerous?: boolean;
  /** Only adds to the guard: nobody is asked. */
  isGuard?: boolean;
}

/** The options that every changing command has. */
export interface ChangeOptions {
  dryRun?: boolean;
  yes?: boolean;
  confirm?: string;
  reason?: string;
}

export interface DatabaseOptions {
  /** `current` (default) refuses a database whose schema this version does not fit; `any` takes it as it is. */
  schema?: 'current' | 'any';
  /**
   * What an interruption does to a running statement. `cancel` (default): it fails, its transaction rolls back.
   * `finish`: it is left alone for two seconds, in which the command that watches the signal itself ends its batch.
   */
  onAbort?: 'cancel' | 'finish';
  /** Ends it as an interruption does: a deadline. What waits for the database then fails with its reason, if that is an error. */
  until?: AbortSignal | undefined;
}

/** What the guard in front of a change knows of a database. */
export interface GuardedDatabase {
  readonly client: pg.Client;
  /** What it says that it is (`quota db mark`); null: nobody has said. */
  readonly mark: Environment | null;
  /** On this machine: the embedded server, a socket, a loopback address. */
  readonly isLocal: boolean;
}

/** One open connection with the settings of the session (`quota.as_of`, `quota.actor`, UTC) in place. */
export interface Database extends GuardedDatabase {
  /** Holds the password: never print it. */
  readonly url: string;
  /** The instant of `--as-of` lies ahead of the server's clock. */
  readonly isAheadOfTime: boolean;
  /** What the clock of the server said when the session was opened. */
  readonly serverNow: Date;
  /** Opens one more connection with the same session settings for the time of `use`. */
  connect<T>(use: (client: pg.Client) => Promise<T>): Promise<T>;
}

export interface Output {
  readonly format: OutputFormat;
  /** Only some fields are wanted (`--json externalId,percent`). */
  readonly hasFields: boolean;
  /** What is written becomes a part of what several databases answer. */
  readonly isPart?: boolean;
  /**
   * Refuses names of fields that data of this shape does not have: for whoever changes something first.
   * @throws usageError
   */
  refuseUnknownFields(data: unknown): void;
  /** Writes the result of the command. Call it once; in the format `table` a long story may come in parts. */
  write<T>(report: Report<T>): Promise<void>;
  /** Writes a long list as it comes, in bounded memory. Call it once, instead of `write`. */
  stream(columns: readonly Column[], rows: AsyncIterable<Row>): Promise<void>;
}

/** The result of a command, for every format. */
export interface Report<T = unknown> {
  /** The JSON contract: camelCase, quantities and money as strings, instants as ISO 8601 UTC. */
  data: T;
  /** What ndjson and csv print line by line, and table as a table. Default: `data`, or its elements. */
  rows?: readonly Row[];
  /** Default: the keys of the rows. */
  columns?: readonly Column[];
  /** What a person reads in place of a table. `data` comes with its control characters removed. */
  text?: (data: T, style: Style) => string;
  /** The text is a file, or is for a line of the shell: as it is, however wide the terminal. */
  isVerbatim?: boolean;
  /** Where the rows stand in an order that those of several databases have in common. */
  order?: RowOrder;
}

/** By it a page of each of several databases becomes one page. */
export interface RowOrder {
  /** Of each row: compared from the first on, numbers as numbers, texts by their characters. */
  places: readonly (readonly (number | string)[])[];
  /** Of each row: what `--after` is given to go on behind it. */
  afters: readonly string[];
  /** So many rows are a page. */
  limit: number;
  /** There are more rows than these. */
  hasMore: boolean;
}

export type Row = Readonly<Record<string, unknown>>;

export interface Column {
  key: string;
  /** Heading of the table; csv uses `key`. */
  title?: string;
  align?: 'left' | 'right';
  /** Left out later than columns further left, where a terminal is too narrow for all. */
  isKept?: boolean;
  /** Left out first. */
  isExtra?: boolean;
  /** Tells nothing when it is cut: an instant. */
  isWhole?: boolean;
}

/** Colours, where they are wanted, the width of the terminal, and in what money is told. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
  /** In characters; 80 where there is no terminal. */
  readonly width: number;
  /** Whether a person watches: then text is folded to the width, and bars are drawn. */
  readonly isTerminal: boolean;
  /** Of prices and costs, `USD`. Bills have their own. */
  readonly currency: string;
}

/** Everything for people on stderr. */
export interface Talk {
  /** `--quiet` */
  readonly isQuiet: boolean;
  info(message: string): void;
  warn(message: string): void;
  /** Only with `--verbose`. */
  verbose(message: string): void;
  /** A bar on a terminal, one line per step elsewhere, nothing with `--quiet`. `total` null: not known. */
  withProgress<T>(label: string, total: number | null, use: (progress: Progress) => Promise<T>): Promise<T>;
}

export interface Progress {
  /** `done` since the start, not since the last call. */
  update(done: number, note?: string): void;
}
