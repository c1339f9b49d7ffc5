import type { Style } from '../context.ts';
import type { ResultStream } from './process-like.ts';

const widthDefault = 80;
/** In which VAPI, HeyGen, OpenAI and Anthropic bill. */
export const currencyDefault = 'USD';

/**
 * Whether a stream gets colours: `--no-color` and NO_COLOR (not empty) switch them off, FORCE_COLOR on, else a
 * terminal has them unless it is called "dumb".
 */
export function wantsColor(
  stream: ResultStream,
  env: Readonly<Record<string, string | undefined>>,
  colorOption: boolean,
): boolean {
  if (!colorOption || env.NO_COLOR) {
    return false;
  }
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '') {
    return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  }
  return stream.isTTY === true && env.TERM !== 'dumb';
}

const unchanged = (text: string) => text;

/** Loads chalk only where there are colours. */
export async function createStyle(
  color: boolean,
  width: number | undefined,
  currency: string = currencyDefault,
): Promise<Style> {
  const size = { width: width ?? widthDefault, isTerminal: width !== undefined, currency };
  if (!color) {
    const plain = unchanged;
    return { ...size, bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain };
  }
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  const { bold, dim, red, green, yellow, cyan } = chalk;
  return { ...size, bold, dim, red, green, yellow, cyan };
}
