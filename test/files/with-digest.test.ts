import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import type { InputSource } from '../../src/files/input.ts';
import { withInput } from '../../src/files/open-input.ts';
import { withDigest } from '../../src/files/with-digest.ts';
import { refusal } from './input.ts';

const scratch = mkdtempSync(join(tmpdir(), 'quota-digest-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const text = `${'id,cost\n'.repeat(100_000)}end\n`;
const sha256 = createHash('sha256').update(text).digest('hex');
const path = join(scratch, 'bill.csv');
writeFileSync(path, text);

const readAll = (source: InputSource) =>
  withDigest(source, (again, digest) =>
    withInput(again, async (input) => {
      let read = '';
      for await (const chunk of input.chunks()) {
        read += chunk;
      }
      return { digest, isWhole: read === text, read: input.digest(), name: input.name };
    }),
  );

const kept = () => readdirSync(tmpdir()).filter((name) => /^quota-[0-9a-f]{32}$/.test(name));

test('a file, stdin and a pipe have the same digest before anything of them is read, and nothing of them stays', async () => {
  const whole = {
    digest: { sha256, bytes: text.length },
    isWhole: true,
    read: { sha256, bytes: text.length },
  };
  expect(await readAll({ path })).toEqual({ ...whole, name: path });
  const stdin = Readable.from([Buffer.from(text.slice(0, 7)), Buffer.from(text.slice(7))]);
  expect(await readAll({ path: '-', stdin })).toEqual({ ...whole, name: 'stdin' });
  const pipe = join(scratch, 'pipe');
  await new Promise((resolve) => execFile('sh', ['-c', 'mkfifo "$0"', pipe], resolve));
  const writer = execFile('sh', ['-c', 'cat "$0" > "$1"', path, pipe]);
  expect(await readAll({ path: pipe })).toEqual({ ...whole, name: pipe });
  writer.kill();
  expect(kept()).toEqual([]);
});

test('what is not there, or is a folder, is refused as where it is opened', async () => {
  expect((await refusal(readAll({ path: join(scratch, 'none.csv') }))).message).toContain(
    'there is no such file',
  );
  expect((await refusal(readAll({ path: scratch }))).message).toContain('is a folder');
  expect(kept()).toEqual([]);
});
