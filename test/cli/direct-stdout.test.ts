import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const bin = resolve('dist/bin/quota.js');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-test-stdout-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const answers = [['--help'], ['user', '--help'], ['complete', '--', 'user']];

test.each(answers)('quota %s %s loads no stream to write to a pipe', (...words) => {
  const teller = join(folder, 'teller.cjs');
  writeFileSync(
    teller,
    `process.on('exit', () => require('node:fs').writeSync(2, process.moduleLoadList.join('\\n')))`,
  );
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-r', teller, bin, ...words], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout.length).toBeGreaterThan(50);
  const loaded = stderr.split('\n');
  expect(loaded).toContain('NativeModule fs');
  expect(loaded).not.toContain('NativeModule stream');
  expect(loaded).not.toContain('NativeModule net');
});

test('a pipe that is full and not waited for gets the whole of it all the same', async () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const filled = fill(fd);
    // What a child is given by Node is waited for: it opens the pipe itself, as its first free number.
    const opener = join(folder, 'opener.cjs');
    writeFileSync(
      opener,
      `const { closeSync, constants: { O_WRONLY, O_NONBLOCK }, openSync } = require('node:fs');
       closeSync(1);
       if (openSync(${JSON.stringify(fifo)}, O_WRONLY | O_NONBLOCK) !== 1) throw new Error('not stdout');`,
    );
    const child = spawn(process.execPath, ['-r', opener, bin, '--help'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let talk = '';
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      talk += text;
    });
    const closed = new Promise((settle) => child.on('close', settle));
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    let text = '';
    await expect
      .poll(
        () => {
          text += read(fd);
          return isClosed;
        },
        { interval: 20 },
      )
      .toBe(true);
    text += read(fd);
    expect({ code: await closed, talk }).toEqual({ code: 0, talk: '' });
    expect(text.slice(filled)).toBe(execFileSync(process.execPath, [bin, '--help'], { encoding: 'utf8' }));
  } finally {
    closeSync(fd);
  }
});

test.each(answers)('a reader of quota %s %s that has left is no error', async (...words) => {
  const child = spawn(process.execPath, [bin, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let talk = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    talk += text;
  });
  expect(await new Promise((settle) => child.on('close', settle))).toBe(0);
  expect(talk).toBe('');
});

/** Until it takes no more; how many bytes it took. */
function fill(fd: number): number {
  let filled = 0;
  try {
    for (;;) {
      filled += writeSync(fd, 'x'.repeat(1024));
    }
  } catch (error) {
    expect(error).toMatchObject({ code: 'EAGAIN' });
  }
  return filled;
}

/** All that is there. */
function read(fd: number): string {
  const bytes = Buffer.alloc(65_536);
  let text = '';
  try {
    for (;;) {
      text += bytes.toString('utf8', 0, readSync(fd, bytes));
    }
  } catch (error) {
    expect(error).toMatchObject({ code: 'EAGAIN' });
  }
  return text;
}
