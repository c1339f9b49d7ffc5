import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { type Fault, FaultProxy } from '../desk/fault-proxy.ts';
import { needs } from '../desk/needs.ts';
import { mountSmallDisk } from '../desk/small-disk.ts';
import { callHeader, ImportDesk } from '../imports/import-desk.ts';
import { type CliResult, startBin } from '../run-cli.ts';

const desk = perFile(new ImportDesk());
const count = 8_000;

/** Calls of two users, of which every fifth cannot be used. */
let calls = '';
beforeAll(() => {
  const lines = Array.from({ length: count }, (_, index) => {
    const startedAt = new Date(Date.UTC(2026, 7, 1) + index * 100_000).toISOString();
    const user = index % 2 === 0 ? 'ada' : 'bob';
    return `call-${index},assistant-of-${user},${user},${startedAt},,1,${index % 5 === 0 ? 'x' : '0.01'},completed`;
  });
  calls = desk.write('calls.csv', [callHeader, ...lines]);
});

const load = (rejects: string) => ['import', 'call-logs', calls, '--skip-invalid', '--rejects', rejects];

describe('a connection that breaks in the middle of COPY', () => {
  const outcomes = new Map<string, CliResult & { rejects: string }>();

  // All at once: each has a proxy of its own.
  beforeAll(async () => {
    const faults = [
      ['up', 200_000, 'reset'],
      ['up', 500_000, 'close'],
      ['up', 200_000, 'stall'],
      ['down', 40_000, 'reset'],
      ['down', 40_000, 'close'],
      ['down', 40_000, 'stall'],
    ] as const satisfies [string, number, Fault][];
    await Promise.all(
      faults.map(async ([direction, afterBytes, fault]) => {
        const name = `${fault} on the way ${direction}`;
        const proxy = await FaultProxy.start(desk.url);
        proxy.strike({ direction, afterBytes, fault });
        const rejects = desk.path(`rejects-${direction}-${fault}`);
        const run = startBin(load(rejects), { env: { DATABASE_URL: proxy.url(desk.url) } });
        if (fault === 'stall') {
          await vi.waitFor(() => expect(proxy.struck).toBe(1), { timeout: 30_000 });
          run.kill('SIGTERM');
        }
        outcomes.set(name, { ...(await run.result), rejects });
        expect(proxy.struck, name).toBe(1);
        await proxy.stop();
      }),
    );
  });

  test('is no bug: 69, and the end of a signal where it stands still; no half file is left', () => {
    expect(outcomes.size).toBe(6);
    for (const [name, { code, stdout, stderr, rejects }] of outcomes) {
      const isStalled = name.startsWith('stall');
      expect({ code, stdout }, `${name}: ${stderr}`).toEqual({ code: isStalled ? 143 : 69, stdout: '' });
      expect(stderr, name).toMatch(isStalled ? /interrupted/ : /the connection (?:to the database )?was/);
      expect(existsSync(rejects), name).toBe(false);
    }
  });
});

describe('what the system refuses', () => {
  /** Where no file can be, by what is the matter. */
  const nowhere: [string, string, RegExp][] = [
    ['a folder that is not there', 'nowhere/x', /no such file/],
    ['a file in place of a folder', 'file/x', /not a folder|no such file/],
    ['a name of 300 characters', 'n'.repeat(300), /name is too long/],
    ['a link to itself', 'circle/x', /circle/],
  ];
  beforeAll(() => {
    writeFileSync(desk.path('file'), '{}');
    mkdirSync(desk.path('folder'));
    symlinkSync('circle', desk.path('circle'));
  });

  test.each(nowhere)(
    'to read from %s is told in words, by every command that reads a file',
    async (_what, name, words) => {
      const path = desk.path(name);
      for (const line of [
        ['import', 'users', path],
        ['reconcile', '--month', '2026-10', '--export', path],
        ['plan', 'apply', path, '--dry-run'],
        ['user', 'list', '--env-file', path],
        ['limits', 'sync', '--limited-state', path],
        ['db', 'restore', path, '--reason', 'moved', '--dry-run'],
      ]) {
        const { code, stderr } = await desk.run(...line);
        expect([2, 65, 78], `${line}: ${stderr}`).toContain(code);
        expect(stderr, line.join(' ')).toMatch(/^error: /);
        expect(stderr, line.join(' ')).toMatch(
          new RegExp(`${words.source}|ENOENT|ENOTDIR|ENAMETOOLONG|ELOOP`),
        );
      }
    },
  );

  test('--env-file is read by quota, not by the Node that runs it', () => {
    const run = (...words: string[]) =>
      spawnSync(resolve('dist/bin/quota.js'), words, {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, QUOTA_ACTOR: 'shell' },
      });
    const missing = run('config', '--env-file', desk.path('nowhere'));
    expect({ code: missing.status, told: missing.stderr }).toEqual({
      code: 78,
      told: expect.stringContaining('--env-file'),
    });
    const file = desk.write('settings.env', ['QUOTA_ACTOR=file', 'QUOTA_COMPANY=Acme']);
    const settings = JSON.parse(run('config', `--env-file=${file}`, '--json').stdout);
    const of = (name: string) =>
      settings.find(({ variable }: { variable: string }) => variable === name)?.source;
    expect([of('QUOTA_ACTOR'), of('QUOTA_COMPANY')]).toEqual(['QUOTA_ACTOR', `QUOTA_COMPANY in ${file}`]);
  });

  test('a device that never ends is no bill', async () => {
    const { code, stderr } = await desk.run('reconcile', '--month', '2026-10', '--export', '/dev/zero');
    expect({ code, stderr }).toMatchObject({ code: 65, stderr: expect.stringContaining('is a device') });
  });

  test.each([...nowhere, ['a folder', 'folder', /folder|exists/] as const])(
    'to write to %s is told before the work, by every command that writes a file',
    async (_what, name, words) => {
      const path = desk.path(name);
      const before = await desk.query('select count(*)::int from quota.job_runs');
      for (const line of [load(path), ['jobs', 'purge', '--metrics-file', path]]) {
        const { code, stdout, stderr } = await desk.run(...line);
        expect([2, 5], `${line}: ${stderr}`).toContain(code);
        expect(stdout).toBe('');
        expect(stderr, line.join(' ')).toMatch(words);
      }
      expect(await desk.query('select count(*)::int from quota.job_runs')).toEqual(before);
    },
  );
});

const disk = mountSmallDisk(64);
afterAll(() => disk?.remove());

describe.runIf(needs(disk !== undefined, 'root, to mount a small disk'))('a full disk, made by root', () => {
  const place = disk?.place ?? '';

  test('ends an import with 75 and leaves no half file of what could not be used', async () => {
    const { code, stderr } = await desk.run(...load(join(place, 'rejects')));
    expect({ code, stderr }).toMatchObject({ code: 75, stderr: expect.stringContaining('the disk is full') });
    expect(readdirSync(place)).toEqual([]);
    expect(await desk.query('select count(*)::int as calls from quota.call_logs')).toEqual([{ calls: 0 }]);
  });

  test('takes nothing from a job that is done: it is told as done, and its figures as not written', async () => {
    const metrics = join(place, 'purge.prom');
    expect((await desk.run('jobs', 'purge', '--metrics-file', metrics)).code).toBe(0);
    writeFileSync(join(place, 'full'), '', { flag: 'a' });
    fill(join(place, 'full'));
    const full = await desk.run('jobs', 'purge', '--metrics-file', metrics, '--json');
    expect(full.code).toBe(0);
    expect(JSON.parse(full.stdout)).toMatchObject({ done: 0 });
    expect(full.stderr).toMatch(/the figures of the run are not written: .* the disk is full/);
    expect(readdirSync(place).sort()).toEqual(['full', 'purge.prom']);
  });

  test('ends a backup with 75, and takes away what it began', async () => {
    const { code, stderr } = await desk.run('db', 'backup', join(place, 'backup'), '--method', 'copy');
    expect({ code, stderr }).toMatchObject({ code: 75, stderr: expect.stringContaining('the disk is full') });
    expect(readdirSync(place).sort()).toEqual(['full', 'purge.prom']);
  });
});

function fill(path: string): void {
  try {
    for (;;) {
      writeFileSync(path, Buffer.alloc(1024), { flag: 'a' });
    }
  } catch {} // Full.
}
