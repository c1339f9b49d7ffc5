import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { findPager } from '../../src/cli/find-pager.ts';
import { useDesk } from '../desk/desk.ts';
import { needs } from '../desk/needs.ts';
import { keys, onTerminal } from '../desk/terminal.ts';
import { fakeProcess } from '../run-cli.ts';

const hasScript = spawnSync('script', ['--version']).status === 0;

describe('which pager', () => {
  const pager = (env: Record<string, string>, { tty = true, wanted = true } = {}) => {
    const { process } = fakeProcess([], { env, tty });
    return findPager({ ...process, stdout: Object.assign(process.stdout, tty ? { rows: 24 } : {}) }, wanted);
  };

  test('the one of QUOTA_PAGER, else of PAGER, else less, which is told what to do unless it is told already', () => {
    expect(pager({ QUOTA_PAGER: 'sort -r', PAGER: 'sed p' })?.command).toBe('sort -r');
    expect(pager({ PAGER: 'sed p' })?.command).toBe('sed p');
    expect(pager({ PAGER: '/opt/my pager' })?.command).toBe('/opt/my pager');
    expect(pager({ QUOTA_PAGER: 'sort' })?.env).toMatchObject({ LESS: 'FRX' });
    expect(pager({ QUOTA_PAGER: 'sort', LESS: 'R' })?.env).toMatchObject({ LESS: 'R' });
  });

  test.each([
    ['no terminal', { QUOTA_PAGER: 'sort' }, { tty: false }],
    ['--no-pager', { QUOTA_PAGER: 'sort' }, { wanted: false }],
    ['an empty variable', { QUOTA_PAGER: '', PAGER: 'sort' }, {}],
    ['cat', { PAGER: 'cat' }, {}],
    ['a program that is not there', { PAGER: 'no-such-program --really' }, {}],
    ['a terminal that can do nothing', { QUOTA_PAGER: 'sort', TERM: 'dumb' }, {}],
  ])('none with %s', (_why, env, how) => {
    expect(pager(env, how)).toBeUndefined();
  });
});

describe.runIf(needs(hasScript, 'script, of util-linux'))('a long list on a terminal', () => {
  const desk = useDesk();
  let noisy = '';
  beforeAll(async () => {
    await desk.query(
      `insert into quota.users (external_id, timezone, created_at)
       select 'user-' || to_char(i, 'FM000'), 'UTC', '2026-01-01' from generate_series(1, 40) i`,
    );
    await desk.json('jobs', 'run', 'reap-stale');
    await desk.query(`update quota.job_runs set started_at = started_at - interval '2 days'`);
    noisy = desk.write('pager', ['#!/bin/sh', 'head -n 3', 'echo "left, $LESS"']);
    chmodSync(noisy, 0o755);
  });
  const list = (words: readonly string[], rows: number, env: Record<string, string> = {}) =>
    onTerminal(words, { env: { ...desk.env, ...env }, answers: [], size: { rows, columns: 80 } });

  test('goes through the pager; left early it is no error, and what comes after the list comes after the pager', async () => {
    const { code, screen } = await list(['user', 'list', '--limit', '30'], 20, { QUOTA_PAGER: noisy });
    expect(screen).toMatch(/user-002\s+left, FRX\s+There are more/);
    expect(screen).not.toMatch(/user-003|EPIPE|error/);
    expect(code).toBe(0);
  });

  test('the exit code is that of the command', async () => {
    const words = ['jobs', 'list', '--check'];
    const plain = await list([...words, '--no-pager'], 5, { QUOTA_PAGER: noisy });
    const paged = await list(words, 5, { QUOTA_PAGER: noisy });
    expect([plain.code, paged.code]).toEqual([3, 3]);
    expect(plain.screen).not.toContain('left, FRX');
    expect(paged.screen).toContain('left, FRX');
  });

  test('what fits is written as ever, and so is what is no table', async () => {
    expect((await list(['user', 'list'], 60, { QUOTA_PAGER: noisy })).screen).toContain('user-040');
    const json = await list(['user', 'list', '--json'], 20, { QUOTA_PAGER: noisy });
    expect(json.screen).toContain('"externalId": "user-040"');
  });

  test.runIf(needs(spawnSync('less', ['-V']).status === 0, 'less'))(
    'less shows a page, goes on, and is left with q, not with Ctrl-C',
    async () => {
      const { code, screen } = await onTerminal(['user', 'list'], {
        env: desk.env,
        size: { rows: 20, columns: 80 },
        // Each time less has come to its prompt: what is typed before Ctrl-C is read, the terminal throws away. It rings at
        // once, but where it has its prompt out and does not read yet, it shows nothing until the next key, which is lost.
        answers: [
          [/user-01\d[\s\S]*\n:$/, keys.interrupt],
          [/\u0007/, 'r'],
          [/user-01\d[\s\S]*\n:$/, ' '],
          [/user-030[\s\S]*\n:$/, 'q'],
        ],
      });
      expect(screen).not.toContain('user-040');
      expect(code).toBe(0);
    },
  );
});
