import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { QuotaError } from '../../src/errors.ts';
import { openRejectsFile } from '../../src/files/rejects-file.ts';
import { createFile, replaceFile } from '../../src/files/write-file.ts';
import { systemError } from '../../src/system-error.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-write-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const failure = async (attempt: Promise<unknown>): Promise<QuotaError> => {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(QuotaError);
  return error as QuotaError;
};

const reject = { file: 'calls.csv', line: 2, column: null, reason: 'no', suggestion: 'yes' };
const writers: Record<string, (path: string, text: string) => Promise<unknown>> = {
  replaceFile: (path, text) => replaceFile(path, (write) => write(text)),
  createFile: (path, text) => createFile(path, (write) => write(text)),
  openRejectsFile: async (path, text) => {
    const file = openRejectsFile(path);
    file.onReject(reject, text);
    file.close();
  },
};

describe.each(Object.entries(writers))('%s', (_, write) => {
  test('a new file is for its maker only, whatever the umask', async () => {
    const former = process.umask(0o000);
    try {
      await write(at('report'), 'text');
    } finally {
      process.umask(former);
    }
    expect(modeOf(at('report'))).toBe('600');
    expect(readFileSync(at('report'), 'utf8')).toContain('text');
    expect(readdirSync(folder)).toEqual(['report']);
  });

  test('never through a link, dangling or not', async () => {
    writeFileSync(at('victim'), 'untouched');
    symlinkSync(at('victim'), at('link'));
    symlinkSync(at('nowhere'), at('dangling'));
    expect([2, 5]).toContain((await failure(write(at('link'), 'text'))).exitCode);
    expect([2, 5]).toContain((await failure(write(at('dangling'), 'text'))).exitCode);
    expect(readFileSync(at('victim'), 'utf8')).toBe('untouched');
    expect(existsSync(at('nowhere'))).toBe(false);
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
  });

  test.each([
    ['no/such/folder', 2],
    [`${'n'.repeat(300)}`, 2],
    ['file/below', 2],
  ])('a place that cannot be: %s', async (name, exit) => {
    writeFileSync(at('file'), '');
    const error = await failure(write(at(name), 'text'));
    expect(error.exitCode).toBe(exit);
    expect(error.message).toContain('cannot be written');
    expect(error.suggestion).toBeDefined();
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

test('a former file keeps its mode, a new one gets the one that is asked for', async () => {
  writeFileSync(at('private'), 'old');
  chmodSync(at('private'), 0o640);
  await replaceFile(at('private'), (write) => write('new'), { mode: 0o644 });
  await replaceFile(at('metrics'), (write) => write('new'), { mode: 0o644 });
  expect([modeOf(at('private')), modeOf(at('metrics'))]).toEqual(['640', '644']);
  expect(readFileSync(at('private'), 'utf8')).toBe('new');
});

test('what fails half-way leaves the former file, and nothing of its own', async () => {
  writeFileSync(at('report'), 'old');
  const fail = async (write: (text: string) => Promise<void>) => {
    await write('half');
    throw new Error('on purpose');
  };
  await expect(replaceFile(at('report'), fail)).rejects.toThrow('on purpose');
  await expect(createFile(at('rejects'), fail)).rejects.toThrow('on purpose');
  expect(readFileSync(at('report'), 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['report']);
});

test('the name of the temporary file cannot be known before', async () => {
  const names = new Set<string>();
  for (let round = 0; round < 3; round += 1) {
    await replaceFile(at('report'), async () => {
      names.add(readdirSync(folder).find((name) => name.endsWith('.tmp')) ?? '');
    });
  }
  expect(names.size).toBe(3);
  expect(names.has('')).toBe(false);
  expect([...names].some((name) => name.includes(String(process.pid)))).toBe(false);
});

test('what is there is not overwritten by a new file', async () => {
  writeFileSync(at('rejects'), 'theirs');
  mkdirSync(at('folder'));
  expect((await failure(createFile(at('rejects'), (write) => write('ours')))).exitCode).toBe(5);
  const file = openRejectsFile(at('rejects'));
  expect(() => file.onReject(reject, 'ours')).toThrow(/exists already/);
  file.discard();
  expect(readFileSync(at('rejects'), 'utf8')).toBe('theirs');
  expect((await failure(replaceFile(at('folder'), (write) => write('ours')))).exitCode).toBe(2);
});

test('a full disk and a broken connection have words and codes; what is no error of the system has none', () => {
  const error = (code: string, more = {}) =>
    Object.assign(new Error(`${code}: it failed`), { code, ...more });
  expect(systemError(error('ENOSPC'), 'x cannot be written')).toMatchObject({
    exitCode: 75,
    message: 'x cannot be written: the disk is full',
  });
  expect(systemError(error('ECONNRESET', { address: '127.0.0.1', port: 1 }))).toMatchObject({
    exitCode: 69,
    message: '127.0.0.1:1: the connection was broken',
  });
  expect(systemError(error('ENAMETOOLONG', { path: 'long' }))?.exitCode).toBe(2);
  for (const [code, exitCode] of [
    ['ELOOP', 2],
    ['EADDRINUSE', 2],
    ['EDQUOT', 75],
    ['EMFILE', 75],
    ['ESTALE', 75],
    ['EPIPE', 69],
    ['ERR_STREAM_PREMATURE_CLOSE', 69],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 69],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 69],
  ] as const) {
    expect(systemError(error(code)), code).toMatchObject({ exitCode, suggestion: expect.any(String) });
  }
  // Whatever else the system refuses is no bug; what only a program does wrong is one.
  expect(systemError(error('EUNHEARDOF', { errno: -999, syscall: 'read' }))).toMatchObject({ exitCode: 69 });
  expect(systemError(error('EBADF', { errno: -9, syscall: 'read' }))).toBeUndefined();
  expect(systemError(error('ERR_INVALID_ARG_TYPE'))).toBeUndefined();
  expect(systemError(error('toString'))).toBeUndefined();
  expect(systemError(new Error('no code'))).toBeUndefined();
});
