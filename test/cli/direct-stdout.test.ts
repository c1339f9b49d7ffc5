import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { useFolder } from '../desk/folder.ts';

const bin = resolve('dist/bin/quota.js');
const folder = useFolder();

const answers = [['--help'], ['user', '--help'], ['complete', '--', 'user']];

test.each(answers)('quota %s %s loads no stream to write to a pipe', (...words) => {
  const teller = folder.write(
    'teller.cjs',
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
  const fifo = folder.path('fifo');
  execFileSync('mkfifo', [fifo]);
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const filled = fill(fd);
    // What a child is given by Node is waited for: it opens the pipe itself, as its first free number.
    const opener = folder.write(
      'opener.cjs',
      `const { closeSync, constants: { O_WRONLY, O_NONBLOCK }, openSync } = require('node:fs');
       closeSync(1);
       if (openSync(${JSON.stringify(fifo)}, O_WRONLY | O_NONBLOCK) !== 1) throw new Error('not stdout');`,
    );
    const child = spawn(process.execPath, ['-r', opener, bin, '--help'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const talk = child.stderr && text(child.stderr);
    const closed = new Promise((settle) => child.on('close', settle));
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    let written = '';
    await expect
      .poll(
        () => {
          written += read(fd);
          return isClosed;
        },
        { interval: 20 },
      )
      .toBe(true);
    written += read(fd);
    expect({ code: await closed, talk: await talk }).toEqual({ code: 0, talk: '' });
    expect(written.slice(filled)).toBe(execFileSync(process.execPath, [bin, '--help'], { encoding: 'utf8' }));
  } finally {
    closeSync(fd);
  }
});

test.each(answers)('a reader of quota %s %s that has left is no error', async (...words) => {
  const child = spawn(process.execPath, [bin, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const closed = new Promise((settle) => child.on('close', settle));
  expect(await text(child.stderr)).toBe('');
  expect(await closed).toBe(0);
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
