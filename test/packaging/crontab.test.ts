import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

/** The crontab as cron reads it, each line run as cron runs it: by its shell, with its variables and no others. */
const desk = useDesk({ vapi: {} });

interface Entry {
  user: string;
  command: string;
}

/** Lines of /etc/cron.d: `NAME=value`, or five fields, the account and what the shell gets, up to an unescaped %. */
function readCrontab(text: string): { variables: Record<string, string>; entries: Entry[] } {
  const variables: Record<string, string> = {};
  const entries: Entry[] = [];
  for (const line of text.split('\n').filter((one) => one.trim() !== '' && !one.startsWith('#'))) {
    const [, name, value = ''] = /^([A-Z_]+)\s*=\s*(.*)$/.exec(line) ?? [];
    const [, , user = '', command = ''] = /^((?:[\d*,/-]+\s+){5})(\S+)\s+(.+)$/.exec(line) ?? [];
    if (name !== undefined) {
      variables[name] = value;
    } else {
      expect([line, user]).toEqual([line, 'quota']);
      expect(command, 'cron takes % for the end of a line').not.toContain('%');
      entries.push({ user, command });
    }
  }
  return { variables, entries };
}

const { variables, entries } = readCrontab(readFileSync('deploy/crontab', 'utf8'));
const settings = '/etc/quota.env';

beforeAll(async () => {
  const bin = desk.path('bin');
  mkdirSync(bin);
  writeFileSync(
    `${bin}/quota`,
    `#!/bin/sh\nexec '${process.execPath}' '${resolve('dist/bin/quota.js')}' "$@"\n`,
  );
  chmodSync(`${bin}/quota`, 0o755);
  const lines = { ...desk.env, QUOTA_ALERT_COMMAND: 'cat >/dev/null' };
  desk.write(
    'quota.env',
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  chmodSync(desk.path('quota.env'), 0o600);
  await desk.addUser({ externalId: 'ada' });
});

/** With the account's own home, nothing of ours in the environment, and our folder in place of /usr/local/bin. */
function runAsCron(command: string) {
  const { SHELL = '', PATH = '', ...rest } = variables;
  return spawnSync(SHELL, ['-c', command.replace(settings, desk.path('quota.env'))], {
    cwd: desk.path('.'),
    encoding: 'utf8',
    env: {
      ...rest,
      SHELL,
      PATH: PATH.replace('/usr/local/bin', desk.path('bin')),
      HOME: desk.path('.'),
      LOGNAME: 'quota',
      USER: 'quota',
    },
  });
}

test('every line of the crontab works as cron runs it, and says nothing that cron would mail', async () => {
  expect(Object.keys(variables)).toEqual(['SHELL', 'PATH', 'CRON_TZ', 'MAILTO']);
  expect(entries.length).toBeGreaterThan(8);
  for (const { command } of entries) {
    expect(command).toContain(settings);
    for (const turn of ['first', 'again']) {
      const { status, stdout, stderr } = runAsCron(command);
      expect({ command, turn, status, stdout, stderr }).toEqual({
        command,
        turn,
        status: 0,
        stdout: '',
        stderr: '',
      });
    }
  }
  const runs = await desk.query<{ job: string; status: string; runs: number }>(
    'select job, status, count(*)::int as runs from quota.job_runs group by job, status order by job',
  );
  const jobs = entries.map(({ command }) => command.split(/ +/)[2] ?? '').sort();
  expect(runs).toEqual(jobs.map((job) => ({ job, status: 'completed', runs: 2 })));
});
