import { readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { needs } from '../desk/needs.ts';
import { Logins } from '../trust/logins.ts';
import { serveHandler, startEndpoint } from './endpoint.ts';
import { pythonWith } from './python.ts';

/** Calls that are let in one by one: the webhook, the length of the call, its report. */
const desk = useDesk({ vapi: { assistants: 8 } });
const logins = new Logins(desk);
const secret = 'a-shared-secret';
const page = readFileSync(join(import.meta.dirname, '../../docs/gate.md'), 'utf8');
const block = (language: string) => page.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';

let login = '';
let stop = async () => {};
beforeAll(async () => {
  login = await logins.add('gate', 'app');
  symlinkSync(resolve('node_modules'), desk.path('node_modules'));
  const endpoint = await startEndpoint(process.execPath, desk.write('gate.mjs', [block('js')]), {
    DATABASE_URL: logins.url(login),
    VAPI_SERVER_SECRET: `the-former-one ${secret}`,
  });
  stop = endpoint.stop;
  desk.vapi.setWebhook({ url: endpoint.url, secret });
});
afterAll(() => stop());

const assistant = (index: number) => desk.vapi.assistants()[index]?.id ?? '';
const gated = (user: string, index: number, numbers: string[]) =>
  desk.query(`select * from quota.add_assistant($1, $2, p_gated => true, p_numbers => $3)`, [
    user,
    assistant(index),
    numbers,
  ]);
const used = async (user: string) =>
  (
    await desk.query(`select used::text, remaining::text from quota.get_user_plan_limits($1, 'voice')`, [
      user,
    ])
  )[0];
const plans = () =>
  desk
    .query(
      `insert into quota.plans (key, service, name, max_session_seconds) values ('voice-minute', 'voice', 'Minute', 60)
     on conflict do nothing`,
    )
    .then(() =>
      desk.query(
        `insert into quota.plan_limits (plan, meter, limit_quantity, reset_every) values ('voice-minute', 'voice_seconds', 600, '1 month')
       on conflict do nothing`,
      ),
    );

test('a call is as long as what is left, its report settles it, and the next one hears a sentence', async () => {
  await gated('ada', 0, ['number-ada', '+4930111']);
  const first = await desk.vapi.receiveCall({ phoneNumberId: 'number-ada' });
  expect(first).toMatchObject({
    status: 'in-progress',
    assistantId: assistant(0),
    assistantOverrides: { maxDurationSeconds: 600 },
  });
  await desk.vapi.endCall(first.id, { seconds: 250.5 });
  expect(await used('ada')).toEqual({ used: '250.500', remaining: '349.500' });

  const second = await desk.vapi.receiveCall({ phoneNumberId: 'unknown', number: '+4930111' });
  expect(second.assistantOverrides).toEqual({ maxDurationSeconds: 349 });
  await desk.vapi.endCall(second.id, { seconds: 5000 });
  expect(desk.vapi.call(second.id)).toMatchObject({ endedReason: 'exceeded-max-duration' });
  expect(await used('ada')).toEqual({ used: '599.500', remaining: '0.500' });

  expect(await desk.vapi.receiveCall({ phoneNumberId: 'number-ada' })).toMatchObject({
    status: 'ended',
    endedReason: 'assistant-request-returned-error',
    endedMessage: expect.stringContaining('call again later'),
  });
  expect(desk.vapi.patches()).toEqual([]);
  expect(await desk.differences()).toEqual([]);
});

test('50 calls of one user at once never get more than what is left', async () => {
  await plans();
  await gated('bob', 1, ['number-bob']);
  await desk.query(`select quota.set_plan('bob', 'voice-minute', 'test')`);
  const calls = await Promise.all(
    Array.from({ length: 50 }, () => desk.vapi.receiveCall({ phoneNumberId: 'number-bob' })),
  );
  const admitted = calls.filter(({ status }) => status === 'in-progress');
  expect(admitted.map((call) => call.assistantOverrides)).toEqual(
    Array.from({ length: 10 }, () => ({ maxDurationSeconds: 60 })),
  );
  await Promise.all(admitted.map(({ id }) => desk.vapi.endCall(id, { seconds: 3600 })));
  expect(await used('bob')).toEqual({ used: '600.000', remaining: '0.000' });
  const refused = await desk.query(
    `select sum(refused)::integer as refused from quota.refusals where plan = 'voice-minute'`,
  );
  expect(refused).toEqual([{ refused: 40 }]);
});

/** The same call, behind another endpoint. */
async function callsBehind(url: string, user: string, index: number) {
  const former = desk.vapi.deliveries()[0]?.url ?? '';
  desk.vapi.setWebhook({ url, secret });
  await gated(user, index, [`number-${user}`]);
  const call = await desk.vapi.receiveCall({ phoneNumberId: `number-${user}` });
  expect(call.assistantOverrides).toEqual({ maxDurationSeconds: 600 });
  await desk.vapi.endCall(call.id, { seconds: 9000 });
  expect(await used(user)).toEqual({ used: '600.000', remaining: '0.000' });
  const { endedReason } = await desk.vapi.receiveCall({ phoneNumberId: `number-${user}` });
  expect(endedReason).toBe('assistant-request-returned-error');
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401);
  desk.vapi.setWebhook({ url: former, secret });
}

const python = pythonWith('psycopg');
test.runIf(needs(python !== undefined, 'psycopg'))('the endpoint of Python, with psycopg', async () => {
  const endpoint = await startEndpoint(python ?? '', desk.write('gate.py', [block('python')]), {
    DATABASE_URL: logins.url(login),
    VAPI_SERVER_SECRET: `the-former-one ${secret}`,
  });
  await callsBehind(endpoint.url, 'pia', 6).finally(endpoint.stop);
});

test('the edge function', async () => {
  const env: Record<string, string> = { VAPI_SERVER_SECRET: `the-former-one ${secret}` };
  let serve: (request: Request) => Promise<Response> = () => Promise.reject();
  const rpc = async (name: string, given: Record<string, unknown>) => {
    const names = Object.keys(given).map((key, index) => `${key} => $${index + 1}`);
    const [row] = await desk.query(`select quota.${name}(${names}) as data`, Object.values(given));
    return { data: row?.data, error: null };
  };
  Object.assign(globalThis, {
    Deno: { env: { get: (key: string) => env[key] }, serve: (handler: typeof serve) => (serve = handler) },
    createClient: () => ({ schema: () => ({ rpc }) }),
  });
  const code = block('ts').replace(/^import .*$/m, '');
  await import(/* @vite-ignore */ desk.write('edge.mjs', [code]));
  const endpoint = await serveHandler((request) => serve(request));
  await callsBehind(endpoint.url, 'quinn', 7).finally(() => {
    // What shares this process is not to take it for another runtime.
    Reflect.deleteProperty(globalThis, 'Deno');
    return endpoint.stop();
  });
});

describe('an assistant that is limited', () => {
  const limit = async (index: number) =>
    (
      await desk.query(
        `select l.desired, l.status from quota.assistants a left join quota.assistant_limits l on l.assistant_id = a.id
       where a.provider_assistant_id = $1`,
        [assistant(index)],
      )
    )[0];

  test('is restored when its calls are let in one by one, and limited again when they are not', async () => {
    // What began before midnight is of no period of somebody who came after it.
    await desk.query(
      `insert into quota.users (external_id, created_at) values ('cleo', now() - interval '40 days')`,
    );
    await desk.query(`select quota.add_assistant('cleo', $1)`, [assistant(2)]);
    await desk.query(`select quota.record('cleo', 'voice', 'cleo-1', 700)`);
    await desk.json('limits', 'sync', '--rate', '1000');
    expect(await limit(2)).toEqual({ desired: 'limited', status: 'applied' });
    await gated('cleo', 2, ['number-cleo']);
    expect(await limit(2)).toEqual({ desired: 'original', status: 'pending' });
    await desk.json('limits', 'sync', '--rate', '1000');
    expect(await limit(2)).toEqual({ desired: 'original', status: 'restored' });
    await desk.json('jobs', 'enforce-limits', '--rate', '1000');
    expect(await limit(2)).toEqual({ desired: 'original', status: 'restored' });
    expect((await desk.run('doctor', '--user', 'cleo')).code).toBe(0);
    await desk.query(`select quota.add_assistant('cleo', $1, p_gated => false)`, [assistant(2)]);
    expect(await limit(2)).toEqual({ desired: 'limited', status: 'pending' });
    await desk.json('limits', 'sync', '--rate', '1000');
  });

  test('a limit by hand is put on no assistant, and lets no call in until it is lifted', async () => {
    await gated('dora', 3, ['number-dora']);
    await desk.json('limits', 'apply', 'dora', '--reason', 'abuse', '--rate', '1000', '--yes');
    expect(await limit(3)).toEqual({ desired: null, status: null });
    expect((await desk.vapi.receiveCall({ phoneNumberId: 'number-dora' })).status).toBe('ended');
    await desk.json('limits', 'restore', 'dora', '--reason', 'cleared', '--rate', '1000', '--yes');
    expect((await desk.vapi.receiveCall({ phoneNumberId: 'number-dora' })).status).toBe('in-progress');
  });
});

describe('what comes late, twice or never', () => {
  const gate = async (message: object) =>
    (await desk.query(`select quota.gate('vapi', $1) as answer`, [JSON.stringify({ message })]))[0]?.answer;
  const request = (id: string) => ({ type: 'assistant-request', call: { id, assistantId: assistant(4) } });
  const report = (id: string, seconds: number, more: object = {}) => ({
    type: 'end-of-call-report',
    durationSeconds: seconds,
    startedAt: new Date(Date.now() - seconds * 1000).toISOString(),
    cost: 0.25,
    endedReason: 'customer-ended-call',
    call: { id, assistantId: assistant(4) },
    ...more,
  });
  const stored = (id: string) =>
    desk.query(
      `select status, duration_seconds::text as seconds, cost::text, error_message from quota.call_logs where provider_call_id = $1`,
      [id],
    );

  test('a request that is repeated gets the same answer and reserves once', async () => {
    await gated('eve', 4, []);
    const answer = await gate(request('eve-1'));
    expect(await gate(request('eve-1'))).toEqual(answer);
    expect(await used('eve')).toEqual({ used: '0.000', remaining: '0.000' });
    await gate(report('eve-1', 30));
    await gate(report('eve-1', 30));
    expect(await used('eve')).toEqual({ used: '30.000', remaining: '570.000' });
    expect(await stored('eve-1')).toEqual([
      { status: 'completed', seconds: '30.000', cost: '0.25', error_message: null },
    ]);
  });

  test('a call that was given up, or has little left, is not let in again, and loses nothing by being asked about', async () => {
    await desk.query(`select quota.add_assistant('hal', 'hal-voice', p_gated => true)`);
    const body = (id: string) => ({ type: 'assistant-request', call: { id, assistantId: 'hal-voice' } });
    const later = new Date(Date.now() + 906_000).toISOString();
    const gateLater = async (message: object) =>
      (await desk.queryAt(later, `select quota.gate('vapi', $1) as answer`, [JSON.stringify({ message })]))[0]
        ?.answer;
    await gate(body('hal-1'));
    // Its lease is over, and then it is settled; and somebody puts the clock back.
    expect(await gateLater(body('hal-1'))).toEqual({ error: expect.any(String) });
    await desk.at(later).json('jobs', 'reap-stale', '--user', 'hal');
    const settled = await stored('hal-1');
    expect(settled).toMatchObject([{ status: 'error', seconds: '600.000' }]);
    expect([await gateLater(body('hal-1')), await gate(body('hal-1'))]).toEqual(
      Array.from({ length: 2 }, () => ({ error: expect.any(String) })),
    );
    expect(await stored('hal-1')).toEqual(settled);
    await gate({ ...report('hal-1', 40), call: { id: 'hal-1', assistantId: 'hal-voice' } });
    expect(await used('hal')).toEqual({ used: '40.000', remaining: '560.000' });

    await gate(body('hal-2'));
    await desk.query(`select quota.record('hal', 'voice', 'hal-3', 555)`);
    await desk.query(`select quota.touch_session('hal', 'hal-2', 0, 'vapi')`);
    expect(await gate(body('hal-2'))).toEqual({ error: expect.any(String) });
    expect(await stored('hal-2')).toMatchObject([{ status: 'active' }]);
    await gate({ ...report('hal-2', 4), call: { id: 'hal-2', assistantId: 'hal-voice' } });
    expect(await used('hal')).toEqual({ used: '599.000', remaining: '1.000' });
  });

  test('a report without a request is recorded; one of a fault keeps its reason', async () => {
    await gate(report('eve-2', 12.5, { endedReason: 'call.in-progress.error-vapifault-worker-died' }));
    expect(await stored('eve-2')).toEqual([
      {
        status: 'error',
        seconds: '12.500',
        cost: '0.25',
        error_message: 'call.in-progress.error-vapifault-worker-died',
      },
    ]);
  });

  test('a call that never connected gives back what it had reserved', async () => {
    const before = await used('eve');
    await gate(request('eve-3'));
    await gate({
      type: 'end-of-call-report',
      endedReason: 'customer-did-not-answer',
      endedAt: new Date().toISOString(),
      call: { id: 'eve-3', assistantId: assistant(4) },
    });
    expect(await used('eve')).toEqual(before);
  });

  test('less than the shortest call leaves nothing behind', async () => {
    await desk.query(`select quota.record('eve', 'voice', 'eve-4', remaining - 9.5)
      from quota.get_user_plan_limits('eve', 'voice')`);
    const before = await used('eve');
    expect(await gate(request('eve-5'))).toEqual({ error: expect.any(String) });
    expect([await used('eve'), await stored('eve-5')]).toEqual([before, []]);
    expect(await desk.differences()).toEqual([]);
  });

  test('a plan without a limit gets no override', async () => {
    await desk.query(`insert into quota.plans (key, service, name) values ('voice-all', 'voice', 'All')`);
    await desk.query(`select quota.set_plan('eve', 'voice-all', 'test')`);
    expect(await gate(request('eve-6'))).toEqual({ assistantId: assistant(4) });
  });

  test('other messages, and reports of calls that nobody took, are passed over', async () => {
    const before = await desk.snapshot();
    expect(await gate({ type: 'status-update', status: 'ringing' })).toEqual({});
    expect(
      await gate({
        type: 'end-of-call-report',
        endedReason: 'assistant-request-returned-error',
        call: { id: 'x' },
      }),
    ).toEqual({});
    expect(await desk.snapshot()).toEqual(before);
  });

  test.each<[() => unknown, string, string]>([
    [() => null, 'QT003', 'no body of a webhook'],
    [() => [], 'QT003', 'no body of a webhook'],
    [() => 'text', 'QT003', 'no body of a webhook'],
    [() => ({}), 'QT003', 'no body of a webhook'],
    [() => ({ message: [] }), 'QT003', 'no body of a webhook'],
    [() => ({ message: { type: 7 } }), 'QT003', 'no body of a webhook'],
    [() => ({ message: { type: 'assistant-request' } }), 'QT003', 'no id'],
    [() => ({ message: { type: 'assistant-request', call: 'c' } }), 'QT003', 'no id'],
    [() => ({ message: { type: 'assistant-request', call: { id: 5 } } }), 'QT003', 'no id'],
    [() => ({ message: { type: 'assistant-request', call: { id: '' } } }), 'QT003', 'characters'],
    [
      () => ({ message: { type: 'assistant-request', call: { id: 'x'.repeat(1_000_000) } } }),
      'QT003',
      'characters',
    ],
    [() => ({ message: { ...request('eve-1') } }), 'QT003', 'eve-1'],
    [() => ({ message: report('eve-7', -3) }), 'QT003', 'negative'],
    [() => ({ message: report('eve-7', 3, { cost: -1 }) }), 'QT003', 'negative'],
    [() => ({ message: report('eve-7', 3, { cost: 'free' }) }), 'QT003', 'not a number'],
    [() => ({ message: report('eve-7', 3, { durationSeconds: 1e300 }) }), 'QT003', 'not a number'],
    [() => ({ message: report('eve-7', 999_999) }), 'QT003', '7 days'],
    [() => ({ message: report('eve-7', 3, { startedAt: 'yesterday' }) }), 'QT003', 'not an instant'],
    [
      () => ({ message: report('eve-7', 3, { startedAt: '2026-13-45T00:00:00Z' }) }),
      'QT003',
      'not an instant',
    ],
    [() => ({ message: report('eve-7', 3, { startedAt: '2999-01-01T00:00:00Z' }) }), 'QT004', 'future'],
    [
      () => ({ message: report('eve-7', 3, { call: { id: 'q', assistantId: 'nobody' } }) }),
      'QT001',
      "nobody's",
    ],
  ])('what cannot be (%#) is refused and writes nothing', async (body, code, words) => {
    const before = await desk.snapshot();
    const failure = await desk
      .query(`select quota.gate('vapi', $1)`, [JSON.stringify(body())])
      .catch((error: { code: string; message: string }) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
    expect((failure as { message: string }).message.length).toBeLessThan(300);
    expect(await desk.snapshot()).toEqual(before);
  });

  test('another provider is refused, and a login of one user lets in no call of another', async () => {
    await expect(desk.query(`select quota.gate('twilio', '{}')`)).rejects.toMatchObject({ code: 'QT003' });
    const login = await logins.add('frank');
    await desk.query(`grant quota_app to ${login}`);
    await desk.query(`select quota.ensure_user('frank')`);
    await desk.json('login', 'bind', login, '--user', 'frank', '--reason', 'test', '--yes');
    for (const message of [
      request('eve-8'),
      { ...request('eve-8'), call: { id: 'z', assistantId: 'none' } },
    ]) {
      const body = JSON.stringify({ message });
      await expect(logins.as(login, `select quota.gate('vapi', '${body}')`)).rejects.toMatchObject({
        code: 'QT006',
      });
    }
  });
});

test('a number is that of one assistant, and whoever is erased or removed takes no calls', async () => {
  await gated('gus', 5, ['number-gus']);
  await expect(gated('gus', 6, ['number-gus'])).rejects.toMatchObject({ code: 'QT003' });
  await expect(gated('gus', 6, ['a\nb'])).rejects.toMatchObject({ code: 'QT003' });
  await desk.query(`select quota.remove_assistant('gus', $1)`, [assistant(5)]);
  const outcome = async () => (await desk.vapi.receiveCall({ phoneNumberId: 'number-gus' })).endedReason;
  expect(await outcome()).toBe('assistant-request-returned-error');
  await gated('gus', 5, ['number-gus']);
  await desk.json('user', 'erase', 'gus', '--reason', 'asked to', '--yes');
  expect(await outcome()).toBe('assistant-request-returned-error');
});

test('whoever does not know the secret gets nothing', async () => {
  desk.vapi.setWebhook({ url: desk.vapi.deliveries()[0]?.url ?? '', secret: 'guessed' });
  expect((await desk.vapi.receiveCall({ phoneNumberId: 'number-dora' })).endedReason).toBe(
    'assistant-request-failed',
  );
});

test('an endpoint whose secret nobody has set lets nobody in', async () => {
  const file = desk.path('gate.mjs');
  const env = { DATABASE_URL: logins.url(login) };
  await expect(startEndpoint(process.execPath, file, env)).rejects.toThrow('ended with 1');
  const endpoint = await startEndpoint(process.execPath, file, { ...env, VAPI_SERVER_SECRET: '' });
  const post = (headers: Record<string, string>) =>
    fetch(endpoint.url, { method: 'POST', headers, body: '{}' });
  const answers = await Promise.all([post({}), post({ 'x-vapi-secret': '' })]).finally(endpoint.stop);
  expect(answers.map(({ status }) => status)).toEqual([401, 401]);
});
