import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Input } from '../../src/files/input.ts';
import { openInput, withInput } from '../../src/files/open-input.ts';
import { refusal, withText } from './input.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quota-input-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function text(input: Input): Promise<string> {
  let all = '';
  for await (const chunk of input.chunks()) {
    all += chunk;
  }
  return all;
}

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const long = Array.from({ length: 40_000 }, (_, i) => `line ${i} äöü €😀`).join('\n');

describe('openInput', () => {
  it('reads a file with its digest', async () => {
    const path = await file('long.txt', long);
    await withInput({ path }, async (input) => {
      expect(() => input.digest()).toThrow('has not been read');
      expect(await text(input)).toBe(long);
      expect(input.digest()).toEqual({ sha256: sha256(long), bytes: Buffer.byteLength(long) });
    });
  });

  it.each([1, 2, 3, 5, 1000, 70_000])(
    'reads stdin in pieces of %i bytes, characters cut apart',
    async (pieceBytes) => {
      const sample = pieceBytes < 1000 ? long.slice(0, 2000) : long;
      expect(await withText(sample, text, pieceBytes)).toBe(sample);
    },
  );

  it('recognises gzip by its first bytes, and digests the file as it is', async () => {
    const zipped = gzipSync(long);
    const path = await file('plain-name.csv', zipped);
    await withInput({ path }, async (input) => {
      expect(await text(input)).toBe(long);
      expect(input.digest()).toEqual({ sha256: sha256(zipped), bytes: zipped.length });
    });
    expect(await withText(zipped, text, 100)).toBe(long);
  });

  it('reads gzip files that were appended to each other, and digests what follows them', async () => {
    const joined = Buffer.concat([gzipSync('a,b\n'), gzipSync('1,2\n')]);
    expect(await withText(joined, text)).toBe('a,b\n1,2\n');
    const padded = Buffer.concat([gzipSync(long), Buffer.alloc(300_000)]);
    await withText(
      padded,
      async (input) => {
        expect(await text(input)).toBe(long);
        expect(input.digest().sha256).toBe(sha256(padded));
      },
      1000,
    );
  });

  it('drops a byte order mark, and keeps the digest of the file with it', async () => {
    const marked = `\ufeffa,b\n1,2\n`;
    await withText(marked, async (input) => {
      expect(input.sample).toBe('a,b\n1,2\n');
      expect(await text(input)).toBe('a,b\n1,2\n');
      expect(input.digest().sha256).toBe(sha256(marked));
    });
  });

  it('gives a sample without losing text', async () => {
    await withText(
      long,
      async (input) => {
        expect(input.sample).toBe(long.slice(0, 64 * 1024));
        expect(input.sampleIsAll).toBe(false);
        expect(await text(input)).toBe(long);
      },
      4096,
    );
    await withText('short', async (input) => expect(input.sampleIsAll).toBe(true));
  });

  it('closes a file that is not read to its end', async () => {
    const path = await file('unread.txt', long);
    const input = await openInput({ path });
    await input.close();
    await input.close();
    for await (const chunk of (await openInput({ path })).chunks()) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });
});

describe('what is no text', () => {
  const utf16 = Buffer.from('\ufeffid,cost\n1,2\n', 'utf16le');
  const utf32 = Buffer.concat(
    [...'\ufeffid,cost\n1,2\n'].map((one) =>
      Buffer.from([one.charCodeAt(0) & 255, one.charCodeAt(0) >> 8, 0, 0]),
    ),
  );
  it.each([
    ['an empty file', '', 'the file is empty'],
    ['blank lines only', '\n\n  \n', 'the file is empty'],
    ['an empty gzip', gzipSync(''), 'the file is empty'],
    ['UTF-16 with a mark', utf16, 'UTF-16'],
    ['UTF-16 without a mark', utf16.subarray(2), 'UTF-16'],
    ['big-endian UTF-16', Buffer.from(utf16).swap16(), 'UTF-16'],
    ['UTF-32 with a mark', utf32, 'the text is UTF-32, not UTF-8'],
    ['UTF-32 without a mark', utf32.subarray(4), 'UTF-32'],
    ['big-endian UTF-32', Buffer.from(utf32).swap32(), 'UTF-32'],
    ['big-endian UTF-32 without a mark', Buffer.from(utf32).swap32().subarray(4), 'UTF-32'],
    ['a spreadsheet', Buffer.from('PK\u0003\u0004rest of it'), 'spreadsheet (xlsx)'],
    ['a PDF', '%PDF-1.7 …', 'a PDF'],
    ['gzip in gzip', gzipSync(gzipSync('id\n')), 'compressed twice'],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2]), 'zstd'],
    ['Latin-1', Buffer.from('id,name\n1,M\xfcller\n', 'latin1'), 'line 2, column 4: not valid UTF-8'],
    [
      'a cut character at the end',
      Buffer.from('id\nM\u00fc').subarray(0, 5),
      'line 2, column 2: not valid UTF-8',
    ],
    ['a NUL byte', 'id,cost\n1,2\n3,\u00004\n', 'line 3, column 3: a NUL byte'],
    ['damaged gzip', damage(gzipSync(long)), 'the gzip data is damaged'],
    ['truncated gzip', gzipSync(long).subarray(0, 20_000), 'truncated'],
    ['a gzip header alone', gzipSync(long).subarray(0, 12), 'truncated'],
  ])('refuses %s', async (_, content, reason) => {
    const error = await refusal(withText(content, text));
    expect(error.exitCode).toBe(65);
    expect(error.message).toContain(reason);
    expect(error.message).toContain('stdin');
  });

  it('finds a fault deep in a file, whatever the pieces', async () => {
    const broken = Buffer.concat([Buffer.from(`${long}\nabc é`), Buffer.from([0xff]), Buffer.from('x\n')]);
    for (const pieceBytes of [999, 65_536, Number.POSITIVE_INFINITY]) {
      const error = await refusal(withText(broken, text, pieceBytes));
      expect(error.message).toBe('stdin, line 40001, column 6: not valid UTF-8');
    }
  });

  it.each([
    ['missing.csv', 'there is no such file'],
    ['.', 'is a folder'],
  ])('refuses the path %s', async (name, reason) => {
    const path = join(folder, name);
    const error = await refusal(openInput({ path }));
    expect(error.exitCode).toBe(65);
    expect(error.message).toBe(`${path}: ${error.message.slice(path.length + 2)}`);
    expect(error.message).toContain(reason);
  });
});

function damage(bytes: Buffer): Buffer {
  bytes.fill(0xaa, bytes.length - 8, bytes.length - 4);
  return bytes;
}
