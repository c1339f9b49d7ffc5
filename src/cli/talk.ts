import type { Progress, Talk } from '../context.ts';
import { printable, printableLines } from '../printable.ts';
import { type LogLevel, logLine } from './log-line.ts';
import type { TerminalStream } from './process-like.ts';
import { wrappedFor } from './wrap-text.ts';

export interface TalkOptions {
  stderr: TerminalStream;
  quiet: boolean;
  verbose: boolean;
  /** A program reads this: only progress, warnings and the error are for it. */
  machine: boolean;
  /** A log of JSON lines, for whatever collects them: progress is lines of it, too. */
  json?: boolean;
  /** Takes the secrets out of every line. */
  redact: (text: string) => string;
}

/** The only writer of stderr, apart from prompts and the final error; what is silent does not even ask for it. */
export function createTalk(options: TalkOptions): Talk {
  const { quiet, verbose, json = false, redact } = options;
  const say = (level: LogLevel, text: string, more?: Record<string, unknown>) => {
    const prefix = level === 'warning' ? 'warning: ' : '';
    const lines = () => wrappedFor(options.stderr, printableLines(redact(prefix + text)), 2);
    options.stderr.write(json ? redact(logLine(level, text, more)) : `${lines()}\n`);
  };
  return {
    isQuiet: quiet,
    info: (message) => {
      if (!quiet && (json || verbose || !options.machine)) {
        say('info', message);
      }
    },
    warn: (message) => say('warning', message),
    verbose: (message) => {
      if (verbose) {
        say('debug', message);
      }
    },
    async withProgress(label, total, use) {
      if (quiet) {
        return use({ update: () => {} });
      }
      if (json) {
        return use({ update: (done, note) => say('info', label, { done, total, ...(note && { note }) }) });
      }
      if (options.stderr.isTTY !== true) {
        return use(lines(label, total, (text) => say('info', text)));
      }
      const bar = await createBar(label, total, options.stderr);
      try {
        return await use(bar);
      } finally {
        bar.stop();
      }
    },
  };
}

function lines(label: string, total: number | null, line: (text: string) => void): Progress {
  return {
    update(done, note) {
      const of = total === null ? '' : ` of ${total}`;
      line(`${label}: ${done}${of}${note === undefined ? '' : ` (${note})`}`);
    },
  };
}

async function createBar(label: string, total: number | null, stderr: TerminalStream) {
  const { default: cliProgress } = await import('cli-progress');
  const format =
    total === null
      ? `${label} {value} {note}`
      : `${label} {bar} {value}/{total} {percentage}% eta {eta_formatted} {note}`;
  const bar = new cliProgress.SingleBar(
    { format, stream: stderr, hideCursor: true, clearOnComplete: false, barsize: 30, gracefulExit: false },
    cliProgress.Presets.shades_grey,
  );
  bar.start(total ?? 0, 0, { note: '' });
  return {
    update: (done: number, note = '') => bar.update(done, { note: printable(note) }),
    stop: () => bar.stop(),
  };
}
