import { jsonLine } from './formats/json.ts';
import { readClock } from './read-clock.ts';

export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/** A line of the log that `--log-format json` makes of stderr: `{time, level, message, …}`, time in UTC. */
export const logLine = (level: LogLevel, message: string, more: Record<string, unknown> = {}): string =>
  `${jsonLine({ time: readClock().toISOString(), level, message, ...more })}\n`;
