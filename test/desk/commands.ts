import { expect } from 'vitest';
import { type BinRun, type CliOptions, type CliResult, runCli, startBin } from '../run-cli.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a command answers is what the tests are about
export type Json = any;

export interface CommandOptions extends CliOptions {
  /** The instant at which commands work, where their words name none; null is the real clock. */
  asOf?: string | null;
  /** What command lines get besides, such as a rate. */
  besides?: (words: readonly string[]) => readonly string[];
}

/** Words of a command line; in front of them the exit code that it must have, if that is not 0. */
export type Words = readonly string[] | readonly [code: number, ...words: string[]];

/** The command line, with the environment, the clock and the input that the options tell. */
export class Commands {
  readonly #options: () => CommandOptions;

  constructor(options: () => CommandOptions) {
    this.#options = options;
  }

  /** The same command line with other options; variables are added to the environment. */
  with(options: CommandOptions): Commands {
    return new Commands(() => {
      const own = this.#options();
      return { ...own, ...options, env: { ...own.env, ...options.env } };
    });
  }

  /** The same command line at another instant. */
  at(asOf: string): Commands {
    return this.with({ asOf });
  }

  /** Runs a command in this process. */
  run(...words: readonly string[]): Promise<CliResult> {
    return runCli(this.#whole(words), this.#options());
  }

  /** Runs a command for its JSON, without progress. */
  async answer(...words: readonly string[]): Promise<{ code: number | null; data: Json; stderr: string }> {
    const { code, stdout, stderr } = await this.run(...asJson(words));
    return { code, data: stdout === '' ? undefined : JSON.parse(stdout), stderr };
  }

  /** The JSON of a command that must end well and warn of nothing; of one that must fail, what it says on stderr. */
  async json(...words: Words): Promise<Json> {
    const [first] = words;
    const [wanted, rest] = typeof first === 'number' ? [first, words.slice(1)] : [0, words];
    const { code, data, stderr } = await this.answer(...(rest as readonly string[]));
    const said = `quota ${rest.join(' ')}: ${stderr}`;
    expect(code, said).toBe(wanted);
    if (data === undefined) {
      return JSON.parse(stderr);
    }
    expect(stderr, said).toBe('');
    return data;
  }

  /** Starts the built bin. */
  start(...words: readonly string[]): BinRun {
    return startBin(this.#whole(words), this.#options());
  }

  /** Runs the built bin to its end. */
  bin(...words: readonly string[]): Promise<CliResult> {
    return this.start(...words).result;
  }

  #whole(words: readonly string[]): readonly string[] {
    const { asOf, besides } = this.#options();
    const clock = asOf == null || words.includes('--as-of') ? [] : ['--as-of', asOf];
    return [...words, ...clock, ...(besides?.(words) ?? [])];
  }
}

const asJson = (words: readonly string[]) =>
  words.includes('--verbose') || words.includes('--quiet')
    ? [...words, '--json']
    : [...words, '--json', '--quiet'];
