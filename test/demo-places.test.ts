import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { needs } from './desk/needs.ts';
import { runBin } from './run-cli.ts';

const asRoot = process.getuid?.() === 0;
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'quota-demo-places-'));
  chmodSync(place, 0o711); // as root, the server's account must be able to pass
});

afterEach(() => rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));

/** The words of a line that begins with `$ `, as a shell splits them. */
const shellWords = (line: string): string[] =>
  execFileSync('sh', ['-c', `printf '%s\\0' ${line.replace(/^\$ /, '')}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);

/** Runs the demo, and gives the folder that it says to look around in and the files that it says it has written. */
async function demoIn(env: Record<string, string>) {
  const { code, stdout, stderr } = await runBin(['demo'], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n');
  const after = (start: string) => lines.find((line) => line.startsWith(start)) ?? '';
  const bill = shellWords(after('$ quota reconcile --month'))[5] ?? '';
  const report = shellWords(after('$ quota reconcile report'))[6] ?? '';
  const [, dataDir = ''] = /^QUOTA_DATA_DIR=(.*)$/s.exec(shellWords(after('$ export '))[1] ?? '') ?? [];
  const database = after('database  ').slice('database  '.length);
  return { lines, bill, report, dataDir, database, files: after('files     ').slice('files     '.length) };
}

test.each([`-it's, "here"  $HOME \`id\` \\ ;&|<>*?!#~`, 'Übergröße 予算 🎧'])(
  'in a folder named %s the demo ends well, and what it prints is true and can be pasted',
  async (name) => {
    const asked = join(place, name);
    const { bill, report, dataDir, database, files } = await demoIn({ QUOTA_DATA_DIR: asked });
    expect(dataDir).toBe(join(asked, 'demo'));
    expect(files).toBe(dataDir);
    expect([bill, report].map((file) => join(file, '..'))).toEqual([dataDir, dataDir]);
    expect([bill, report, join(database, 'PG_VERSION')].map((file) => existsSync(file))).toEqual([
      true,
      true,
      true,
    ]);
    const shown = await runBin(['user', 'show', 'demo-all', '--json'], { env: { QUOTA_DATA_DIR: dataDir } });
    expect(JSON.parse(shown.stdout).user.externalId).toBe('demo-all');
  },
);

test.runIf(needs(asRoot, 'to be run as root'))(
  'under a closed home of root, files are in the home and the data where it says',
  async () => {
    const home = join(place, "root's home");
    mkdirSync(home);
    chmodSync(home, 0o700);
    const { bill, dataDir, database, files } = await demoIn({ HOME: home, QUOTA_DATA_DIR: '' });
    expect(dataDir).toBe(join(home, '.local', 'share', 'quota', 'demo'));
    expect(files).toBe(dataDir);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(existsSync(bill)).toBe(true);
    expect(database).toMatch(/^\/var\/lib\/quota\/[0-9a-f]{16}\/postgres-18$/);
    expect(existsSync(join(database, 'PG_VERSION'))).toBe(true);
    const again = await demoIn({ HOME: home, QUOTA_DATA_DIR: '' });
    expect(again.database).toBe(database);
    rmSync(join(database, '..'), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  },
);
