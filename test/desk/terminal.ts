import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'vitest';
import { shellLine } from '../../src/shell-word.ts';

/** How a key is written on a terminal. */
export const keys = { enter: '\r', up: '\u001b[A', down: '\u001b[B', interrupt: '\u0003' };

export interface Conversation {
  env: Record<string, string>;
  /** What is typed once its question stands on the screen, in this order. */
  answers: readonly (readonly [question: RegExp, typed: string])[];
  /** Of the terminal, in characters; without one it does not say how large it is. */
  size?: { rows: number; columns: number };
}

/**
 * Runs the built bin on a terminal of its own, which `script` makes, and answers its questions.
 * @returns its exit code and what has been shown, without colours and moves of the cursor
 */
export async function onTerminal(
  args: readonly string[],
  { env, answers, size }: Conversation,
): Promise<{ code: number | null; screen: string }> {
  const sized = size === undefined ? '' : `stty rows ${size.rows} columns ${size.columns}; exec `;
  const command = sized + shellLine([process.execPath, resolve('dist/bin/quota.js'), ...args]);
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { PATH: process.env.PATH, QUOTA_ACTOR: 'tester', TERM: 'xterm', ...env },
    stdio: 'pipe',
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  const code = new Promise<number | null>((settle, reject) => {
    child.on('error', reject);
    child.on('close', settle);
  });
  let hasEnded = false;
  const ended = code.finally(() => {
    hasEnded = true;
  });
  let shown = 0;
  const until = (what: string, isSo: (text: string) => boolean) =>
    expect
      .poll(
        () => {
          const text = stripVTControlCharacters(screen.slice(shown));
          return hasEnded || isSo(text) ? 'come' : text;
        },
        { interval: 10, message: `${what}, of quota ${args.join(' ')}` },
      )
      .toBe('come');
  try {
    for (const [question, typed] of answers) {
      await until(`the question ${question}`, (text) => question.test(text));
      shown = screen.length;
      child.stdin.write(typed);
    }
    await until('the end', () => false);
  } finally {
    child.kill(); // What asks something else would wait for its answer: the screen tells what it is.
  }
  return { code: await ended, screen: stripVTControlCharacters(screen) };
}
