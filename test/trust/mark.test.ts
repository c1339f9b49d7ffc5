import { connect as connectTo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';

const desk = useDeskPerTest({}, async (arranged) => {
  await arranged.addUser({ externalId: 'ada' });
});
const marked = async () => (await desk.json('db', 'status')).mark?.environment ?? null;
const asked = expect.stringMatching(/needs a typed confirmation[\s\S]*--confirm/);

describe('quota db mark', () => {
  test('marks as production unasked, shows it, and writes it into the history', async () => {
    expect(await marked()).toBeNull();
    const { auditId } = await desk.json('db', 'mark', 'production', '--reason', 'it goes live');
    expect((await desk.json('db', 'status')).mark).toMatchObject({
      environment: 'production',
      markedBy: 'tester',
    });
    expect((await desk.run('db', 'status')).stdout).toMatch(/marked +production, by tester/);
    const { entries } = await desk.json('audit', 'log', '--action', 'database');
    expect(entries).toMatchObject([
      {
        id: auditId,
        action: 'database.marked',
        after: { environment: 'production' },
        reason: 'it goes live',
      },
    ]);
  });

  test('the mark goes only by the name of the database', async () => {
    await desk.json('db', 'mark', 'production');
    for (const environment of ['development', 'test']) {
      for (const words of [[], ['--yes'], ['--confirm', 'production']]) {
        expect((await desk.run('db', 'mark', environment, ...words)).code).toBe(5);
      }
    }
    expect(await marked()).toBe('production');
    await desk.json('db', 'mark', 'development', '--confirm', desk.name);
    expect(await marked()).toBe('development');
  });

  test('outlives db reset, which is typed', async () => {
    await desk.json('db', 'mark', 'production');
    expect(await desk.run('db', 'reset', '--yes')).toMatchObject({ code: 5, stderr: asked });
    expect((await desk.run('db', 'reset', '--confirm', desk.name)).code).toBe(0);
    expect(await marked()).toBe('production');
  });
});

describe('a database that is marked as production', () => {
  test('has every change typed, whatever the environment of the client says', async () => {
    await desk.json('db', 'mark', 'production');
    const plan = await desk.json('plan', 'show', 'voice-free');
    const plans = desk.write('plans.json', JSON.stringify({ ...plan, name: 'Another' }));
    const before = await desk.snapshot();
    for (const QUOTA_ENV of ['', 'development', 'test']) {
      const client = desk.with({ env: { QUOTA_ENV } });
      for (const words of [
        ['db', 'reset', '--yes'],
        ['db', 'rollback', '--yes', '--all'],
        ['plan', 'apply', plans, '--now', '--yes'],
        ['user', 'erase', 'ada', '--reason', 'request', '--yes'],
        ['user', 'edit', 'ada', '--name', 'Ada', '--reason', 'moved', '--yes'],
        ['jobs', 'purge', '--keep', 'job_runs=0'],
        ['jobs', 'reset-anniversaries', '--as-of', '2036-01-01T00:00:00Z'],
      ]) {
        expect(await client.run(...words), words.join(' ')).toMatchObject({ code: 5, stderr: asked });
      }
      expect(await client.run('fixtures', 'seed', '--force', '--confirm', desk.name)).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('never loaded in production'),
      });
    }
    expect(await desk.snapshot()).toEqual(before);
    expect(
      (await desk.run('user', 'edit', 'ada', '--name', 'Ada', '--reason', 'moved', '--confirm', 'ada')).code,
    ).toBe(0);
    expect((await desk.run('jobs', 'reset-anniversaries')).code).toBe(0);
  });
});

describe('QUOTA_ENV', () => {
  test.each([
    ['production', 'development'],
    ['development', 'production'],
    ['test', 'production'],
  ])('%s in the shell and %s in the file are production', async (shell, file) => {
    const envFile = desk.write('quota.env', `QUOTA_ENV=${file}\n`);
    const client = desk.with({ env: { QUOTA_ENV: shell } });
    const words = ['user', 'edit', 'ada', '--name', 'A', '--reason', 'moved', '--yes', '--env-file', envFile];
    expect(await client.run(...words)).toMatchObject({ code: 5, stderr: asked });
  });
});

describe('a database elsewhere that nobody has marked', () => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  let server: Server;
  let url = '';
  beforeAll(async () => {
    // What listens on an address of the network passes on to the socket of the server.
    server = createServer((client) => {
      const socket = new URL(desk.url.replace('quota@/', 'quota@host/')).searchParams.get('host');
      const upstream = connectTo(`${socket}/.s.PGSQL.5432`);
      client.pipe(upstream).pipe(client);
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    url = `${address}:${(server.address() as { port: number }).port}`;
  });
  afterAll(() => server.close());
  const elsewhere = () =>
    desk.with({ env: { DATABASE_URL: `postgresql://quota@${url}/${desk.name}?sslmode=disable` } });

  test('is refused what is dangerous, with the command that marks it, and nothing else', async () => {
    const refused = {
      code: 5,
      stderr: expect.stringMatching(/nobody has said whether[\s\S]*quota db mark production/),
    };
    for (const words of [
      ['db', 'reset', '--yes'],
      ['db', 'rollback', '--yes'],
      ['user', 'erase', 'ada', '--reason', 'request', '--yes'],
      ['jobs', 'reset-months', '--as-of', '2036-01-01T00:00:00Z'],
      ['jobs', 'purge', '--keep', 'usage_alerts=1'],
    ]) {
      expect(await elsewhere().run(...words), words.join(' ')).toMatchObject(refused);
    }
    expect(
      (await elsewhere().run('user', 'edit', 'ada', '--name', 'A', '--reason', 'moved', '--yes')).code,
    ).toBe(0);
    expect((await elsewhere().run('jobs', 'purge')).code).toBe(0);
    expect((await elsewhere().run('db', 'mark', 'development')).code).toBe(0);
    expect((await elsewhere().run('jobs', 'purge', '--keep', 'usage_alerts=1')).code).toBe(0);
  });

  test('is asked for once on a terminal, and what is answered stays', async () => {
    const terminal = elsewhere().with({ tty: true, input: 'test\n' });
    const { code, stderr } = await terminal.run(
      'user',
      'edit',
      'ada',
      '--name',
      'B',
      '--reason',
      'moved',
      '--yes',
    );
    expect(stderr).toContain('production, test or development?');
    expect(code).toBe(0);
    expect(await marked()).toBe('test');
    const again = await terminal.run('user', 'edit', 'ada', '--name', 'C', '--reason', 'moved', '--yes');
    expect(again.stderr).not.toContain('production, test or development?');
  });
});
