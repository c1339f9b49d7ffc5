import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createStyle, wantsColor } from '../../src/cli/style.ts';
import { createTalk, type TalkOptions } from '../../src/cli/talk.ts';

function talking(options: Partial<TalkOptions> & { tty?: boolean } = {}) {
  const stderr = Object.assign(new PassThrough(), options.tty ? { isTTY: true, columns: 80 } : {});
  const talk = createTalk({
    stderr,
    quiet: false,
    verbose: false,
    machine: false,
    redact: (text) => text,
    ...options,
  });
  return { talk, said: () => stderr.read()?.toString() ?? '' };
}

test.each([
  [{}, 'info\nwarning: warn\n'],
  [{ quiet: true }, 'warning: warn\n'],
  [{ machine: true }, 'warning: warn\n'],
  [{ machine: true, verbose: true }, 'info\nwarning: warn\nverbose\n'],
  [{ verbose: true }, 'info\nwarning: warn\nverbose\n'],
  [{ redact: (text: string) => text.replace('i', '*') }, '*nfo\nwarn*ng: warn\n'],
])('%o says %j', (options, expected) => {
  const { talk, said } = talking(options);
  talk.info('info');
  talk.warn('warn');
  talk.verbose('verbose');
  expect(said()).toBe(expected);
});

async function progressOf(options: Parameters<typeof talking>[0], total: number | null): Promise<string> {
  const { talk, said } = talking(options);
  const result = await talk.withProgress('Resetting', total, async (progress) => {
    progress.update(1000);
    progress.update(2000, '3 failed');
    return 'result';
  });
  expect(result).toBe('result');
  return said();
}

test('progress is a line per step without a terminal, nothing when quiet', async () => {
  expect(await progressOf({}, 5000)).toBe('Resetting: 1000 of 5000\nResetting: 2000 of 5000 (3 failed)\n');
  expect(await progressOf({}, null)).toBe('Resetting: 1000\nResetting: 2000 (3 failed)\n');
  expect(await progressOf({ machine: true }, null)).toBe('Resetting: 1000\nResetting: 2000 (3 failed)\n');
  expect(await progressOf({ quiet: true, tty: true }, 5000)).toBe('');
});

test('progress is a bar on a terminal, gone from the cursor also after a failure', async () => {
  expect(await progressOf({ tty: true }, 5000)).toMatch(/Resetting .*2000\/5000 40%.*3 failed/);
  const { talk, said } = talking({ tty: true });
  await expect(talk.withProgress('Resetting', 1, () => Promise.reject(new Error('boom')))).rejects.toThrow(
    'boom',
  );
  expect(said()).toContain('\u001b[?25h'); // the cursor is shown again
});

test.each([
  [true, {}, true, true],
  [false, {}, true, false],
  [true, { NO_COLOR: '1' }, true, false],
  [true, { NO_COLOR: '' }, true, true],
  [true, { TERM: 'dumb' }, true, false],
  [true, {}, false, false],
  [false, { FORCE_COLOR: '1' }, true, true],
  [false, { FORCE_COLOR: '0' }, true, false],
  [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
  [true, { FORCE_COLOR: '1' }, false, false],
])('terminal %s, %o, --color %s: colours %s', (isTTY, env, option, expected) => {
  expect(wantsColor(Object.assign(new PassThrough(), { isTTY }), env, option)).toBe(expected);
});

test('a style without colours changes nothing; its width is the terminal’s, else 80', async () => {
  const plain = await createStyle(false, undefined);
  expect([plain.red('x'), plain.bold('x'), plain.width]).toEqual(['x', 'x', 80]);
  const colored = await createStyle(true, 120);
  expect([colored.bold(colored.red('x')), colored.width]).toEqual([
    '\u001b[1m\u001b[31mx\u001b[39m\u001b[22m',
    120,
  ]);
});

test('as a log every line is an object with time, level and message, progress and secrets included', async () => {
  const { talk, said } = talking({
    tty: true,
    machine: true,
    json: true,
    verbose: true,
    redact: (text) => text.replace('hunter2', '***'),
  });
  talk.info('two\nlines');
  talk.warn('password hunter2');
  talk.verbose('looked');
  await talk.withProgress('Resetting', 5000, async ({ update }) => update(2000, '3 failed'));
  const lines = said()
    .trimEnd()
    .split('\n')
    .map((line: string) => JSON.parse(line));
  expect(lines).toEqual(
    [
      { level: 'info', message: 'two\nlines' },
      { level: 'warning', message: 'password ***' },
      { level: 'debug', message: 'looked' },
      { level: 'info', message: 'Resetting', done: 2000, total: 5000, note: '3 failed' },
    ].map((line) => ({ time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), ...line })),
  );
});
