import { execFile } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../desk/commands.ts';
import { useDesk } from '../desk/desk.ts';
import { needs } from '../desk/needs.ts';
import { Logins } from '../trust/logins.ts';
import { pythonWith } from './python.ts';

/** The code of docs/resilience.md, with the database there, behind a lock that is held, and away. */
const desk = useDesk();
const logins = new Logins(desk);
const run = promisify(execFile);
const page = readFileSync(join(import.meta.dirname, '../../docs/resilience.md'), 'utf8');
const block = (language: string) => page.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';
/** Where nothing listens: the discard service. */
const nowhere = 'postgres://app@127.0.0.1:9/quota';

let url = '';
beforeAll(async () => {
  url = logins.url(await logins.add('resilient', 'app'));
  symlinkSync(resolve('node_modules'), desk.path('node_modules'));
});

const steps = (user: string, key: string, startedAt: string) => ({
  js: `import { ask, tell } from './resilient.mjs';
const said = {};
for (const [service, model] of [['voice'], ['avatar'], ['chat', 'gpt-4o'], ['chat', 'claude-3-opus']]) {
  said[model ?? service] = await ask('${user}', service, model);
}
said.told = await tell({ user: '${user}', service: 'voice', key: '${key}', quantity: 30.5, startedAt: '${startedAt}' });
said.wrong = await tell({ user: '${user}', service: 'vioce', key: '${key}', quantity: 1, startedAt: '${startedAt}' })
  .then(() => 'kept', (error) => error.code);
process.stdout.write(JSON.stringify(said));`,
  python: `from resilient import ask, tell
said = {}
for service, model in [("voice", None), ("avatar", None), ("chat", "gpt-4o"), ("chat", "claude-3-opus")]:
    said[model or service] = ask("${user}", service, model)
said["told"] = tell("${user}", "voice", "${key}", 30.5, "${startedAt}")
try:
    tell("${user}", "vioce", "${key}", 1, "${startedAt}")
    said["wrong"] = "kept"
except psycopg.Error as error:
    said["wrong"] = error.sqlstate
print(json.dumps(said, default=str))
`.replace('from', 'import json, psycopg\nfrom'),
});

interface Language {
  program: string;
  /** Asks and tells in a process of its own. */
  code: 'js' | 'python';
  suffix: string;
}

async function act(
  { program, code, suffix }: Language,
  key: string,
  database: string,
  spool: string,
): Promise<Json> {
  desk.write(`resilient.${suffix}`, [block(code)]);
  const file = desk.write(`act.${suffix}`, [steps(`${code}-user`, key, minutesAgo(5))[code]]);
  const { stdout } = await run(program, [file], {
    env: { PATH: process.env.PATH ?? '', DATABASE_URL: database, SPOOL: spool },
  });
  return JSON.parse(stdout);
}
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const lines = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').length : 0);
const keys = async (user: string) =>
  (await desk.query<{ key: string }>('select key from quota.usage_history($1) order by key', [user])).map(
    ({ key }) => key,
  );

/** The lines for cron, with the program as it is built. */
async function replay(spool: string): Promise<void> {
  // Nobody else writes to the file here: it needs no wait.
  const script = `sleep() { :; }\nquota() { "${process.execPath}" "${resolve('dist/bin/quota.js')}" "$@"; }\n${block('sh')}`;
  await run('bash', ['-ec', script], { env: { ...desk.env, PATH: process.env.PATH ?? '', SPOOL: spool } });
}

const python = pythonWith('psycopg');
const languages: readonly [string, Language][] = [
  ['Node', { program: process.execPath, code: 'js', suffix: 'mjs' }],
  ['Python with psycopg', { program: python ?? '', code: 'python', suffix: 'py' }],
];

describe.each(languages)('an app in %s', (name, language) => {
  const isHere = name === 'Node' || python !== undefined;
  const user = `${language.code}-user`;
  const key = (number: number) => `${language.code}-${number}`;
  const spool = () => desk.path(`spool.${language.suffix}.jsonl`);

  test.runIf(needs(isHere, 'psycopg'))('asks and records while the database is there', async () => {
    await desk.query(`select quota.ensure_user($1, p_signup_at => now() - interval '10 days')`, [user]);
    expect(await act(language, key(1), url, spool())).toMatchObject({
      voice: { allowed: true, reason: 'ok' },
      told: { recorded: true },
      wrong: 'QT002',
    });
    expect([await keys(user), lines(spool())]).toEqual([[key(1)], 0]);
  });

  test.runIf(needs(isHere, 'psycopg'))(
    'keeps its usage while somebody holds its user, and is answered all the same',
    async () => {
      await desk.session(async (holder) => {
        await holder.query('begin');
        await holder.query(
          'select * from quota.subscriptions where user_id = quota.find_user($1) for update',
          [user],
        );
        expect(await act(language, key(2), url, spool())).toMatchObject({
          voice: { allowed: true, reason: 'ok' },
          avatar: { allowed: true, reason: 'ok' },
          told: { recorded: false, kept: true },
          wrong: 'QT002',
        });
        await holder.query('rollback');
      });
      expect([await keys(user), lines(spool())]).toEqual([[key(1)], 1]);
    },
  );

  test.runIf(needs(isHere, 'psycopg'))(
    'answers by the rule of the service while there is no database, and keeps its usage',
    async () => {
      expect(await act(language, key(3), nowhere, spool())).toMatchObject({
        voice: { allowed: true, away: true },
        avatar: { allowed: false, away: true, action: 'switch_to_static' },
        'gpt-4o': { allowed: true, away: true },
        'claude-3-opus': {
          allowed: false,
          away: true,
          action: 'block',
          message: expect.stringContaining('try again'),
        },
        told: { kept: true },
        wrong: 'kept',
      });
      expect(lines(spool())).toBe(3);
    },
  );

  test.runIf(needs(isHere, 'psycopg'))(
    'has the rest told by cron, once, and what was wrong named',
    async () => {
      await expect(replay(spool())).rejects.toMatchObject({ stderr: expect.stringContaining('line 3') });
      const waiting = join(dirname(spool()), 'replay.jsonl');
      expect([existsSync(spool()), lines(waiting), await keys(user)]).toEqual([false, 3, [key(1)]]);
      const good = readFileSync(waiting, 'utf8').trim().split('\n').slice(0, 2);
      desk.write('replay.jsonl', good);
      await replay(spool());
      expect([existsSync(waiting), await keys(user)]).toEqual([false, [key(1), key(2), key(3)]]);
      desk.write(`spool.${language.suffix}.jsonl`, good);
      await replay(spool());
      expect(await keys(user)).toEqual([key(1), key(2), key(3)]);
      expect(await desk.differences()).toEqual([]);
    },
  );
});
