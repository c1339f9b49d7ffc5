import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { Logins } from './logins.ts';

const desk = useDesk();
const logins = new Logins(desk);
const future = '2037-06-20T10:00:00Z';
let [app, operator, finance, reader, bare] = ['', '', '', '', ''];

beforeAll(async () => {
  app = await logins.add('app', 'app');
  operator = await logins.add('operator', 'operator');
  finance = await logins.add('finance', 'finance');
  reader = await logins.add('reader', 'readonly');
  bare = await logins.add('bare');
  await desk.query(`grant usage on schema quota to ${bare}`);
  // Apps go by the clock inside functions; here it is looked at from outside.
  await desk.query(`grant execute on function quota.now to quota_app, ${bare}`);
  await desk.query(`insert into quota.users (external_id) values ('ada')`);
  await desk.query(`select quota.record('ada', 'voice', 'used up', 708)`);
});

const ahead = `set quota.as_of = '${future}'`;
const isReal = `select quota.now() = now() as real`;

describe('the clock of a session', () => {
  test('stands where the owner of the schema and operators set it', async () => {
    expect(await desk.queryAt(future, isReal)).toEqual([{ real: false }]);
    expect(await logins.as(operator, ahead, isReal)).toEqual([{ real: false }]);
    expect(await logins.as(operator, isReal)).toEqual([{ real: true }]);
  });

  test('is the real one for every other login, by whatever way it is set', async () => {
    for (const login of [app, finance, reader, bare]) {
      for (const set of [
        ahead,
        `set session quota.as_of = '${future}'`,
        `select set_config('quota.as_of', '${future}', false)`,
        `set quota.as_of = 'no instant at all'`,
      ]) {
        expect(await logins.as(login, set, isReal), `${login}: ${set}`).toEqual([{ real: true }]);
      }
    }
  });

  test('is judged by the login: a role that is set makes nobody an operator', async () => {
    const both = await logins.add('both', 'operator', 'app');
    expect(await logins.as(both, 'set role quota_app', ahead, isReal)).toEqual([{ real: false }]);
    await expect(logins.as(app, 'set role quota_operator', ahead, isReal)).rejects.toMatchObject({
      code: '42501',
    });
    await desk.query(`create role ${desk.name}_maker nologin;
      grant create on schema quota to ${desk.name}_maker; grant ${desk.name}_maker to ${bare}`);
    expect(await logins.as(bare, ahead, isReal)).toEqual([{ real: true }]);
    await desk.query(`drop owned by ${desk.name}_maker; drop role ${desk.name}_maker`);
  });

  test('a function of somebody else that runs as the owner lends nobody its clock', async () => {
    await desk.query(`create function public.ask_now() returns boolean security definer
      language sql as 'select quota.now() = now()'`);
    expect(await logins.as(app, ahead, 'select public.ask_now() as real')).toEqual([{ real: true }]);
  });
});

describe('an app whose clock is ahead', () => {
  test('gets no new allowance, no session, and records nothing in the future', async () => {
    const [answer] = await logins.as(app, ahead, `select allowed, used from quota.check('ada', 'voice')`);
    expect(answer).toEqual({ allowed: false, used: '708.000' });
    const [session] = await logins.as(
      app,
      ahead,
      `select allowed from quota.start_session('ada', 'voice', 's')`,
    );
    expect(session).toEqual({ allowed: false });
    await expect(
      logins.as(app, ahead, `select quota.record('ada', 'voice', 'late', 1, p_started_at => '${future}')`),
    ).rejects.toMatchObject({ code: 'QT004' });
  });

  test('is limited and alerted as by the real clock', async () => {
    await desk.query(`insert into quota.users (external_id) values ('bob')`);
    await logins.as(app, ahead, `select quota.record('bob', 'voice', 'all', 4000, p_started_at => now())`);
    const [quota] = await desk.query(
      `select q.exhausted_at = q.exhausted_at and s.limit_enforced_at is not null as limited,
         (select count(*)::int from quota.usage_alerts a where a.user_id = q.user_id) > 0 as alerted
       from quota.usage_quotas q join quota.users u on u.id = q.user_id and u.external_id = 'bob'
       join quota.subscriptions s on s.user_id = q.user_id
       where q.meter = 'voice_seconds' and q.used > 0`,
    );
    expect(quota).toEqual({ limited: true, alerted: true });
  });
});

describe('--as-of', () => {
  const refused = { code: 78, stdout: '', stderr: expect.stringContaining('--as-of is not for the login') };

  test('is refused for a login that may not set the clock, not ignored', async () => {
    for (const login of [reader, finance]) {
      const as = desk.with({ env: { DATABASE_URL: logins.url(login) } });
      expect(await as.run('user', 'show', 'ada', '--as-of', future)).toMatchObject(refused);
      expect((await as.run('user', 'show', 'ada')).code).toBe(0);
    }
    const as = desk.with({ env: { DATABASE_URL: logins.url(operator) } });
    expect((await as.run('user', 'show', 'ada', '--as-of', future)).code).toBe(0);
  });

  test('ahead of the clock makes a job one that is typed in production', async () => {
    const production = desk.with({ env: { QUOTA_ENV: 'production' } });
    const before = await desk.snapshot();
    for (const job of ['reset-anniversaries', 'reset-months', 'enforce-limits', 'roll-up-analytics']) {
      for (const words of [[job], ['run', job]]) {
        const result = await production.run('jobs', ...words, '--as-of', future);
        expect(result, words.join(' ')).toMatchObject({ code: 5, stdout: '' });
        expect(result.stderr).toContain(`--confirm ${job}`);
      }
    }
    expect(await desk.snapshot()).toEqual(before);
    expect((await production.run('jobs', 'reset-months', '--as-of', future, '--dry-run')).code).toBe(0);
    expect((await production.run('jobs', 'reset-months')).code).toBe(0);
    const typed = ['--confirm', 'reset-months'];
    expect((await production.run('jobs', 'reset-months', '--as-of', '1 minute ago')).code).toBe(0);
    expect((await production.run('jobs', 'reset-months', '--as-of', future, ...typed)).code).toBe(0);
  });

  test('so does a purge that keeps less than every day', async () => {
    const production = desk.with({ env: { QUOTA_ENV: 'production' } });
    const less = ['jobs', 'purge', '--keep', 'job_runs=0'];
    expect((await production.run(...less)).stderr).toContain('--confirm purge');
    expect((await production.run(...less, '--dry-run')).code).toBe(0);
    expect((await production.run('jobs', 'purge', '--keep', 'job_runs=900')).code).toBe(0);
    expect((await production.run(...less, '--confirm', 'purge')).code).toBe(0);
    expect((await desk.run(...less)).code).toBe(0);
  });

  test('is shown by the doctor afterwards: runs and facts dated after now', async () => {
    expect((await desk.run('jobs', 'reset-months', '--as-of', future)).code).toBe(0);
    const report = JSON.parse((await desk.run('doctor', '--json')).stdout);
    const { findings } = report.checks.find(({ check }: { check: string }) => check === 'future');
    expect(findings).toContainEqual(
      expect.objectContaining({ what: 'run of a job', name: 'reset-months', at: '2037-06-20T10:00:00.000Z' }),
    );
    expect((await desk.run('doctor')).stdout).toMatch(/^ +what run of a job, name reset-months/m);
  });
});
