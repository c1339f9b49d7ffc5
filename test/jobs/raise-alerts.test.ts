import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
let server: Server;
let url: string;
let status = 200;
const received: { headers: IncomingHttpHeaders; body: string }[] = [];
const secret = 'a-secret-of-the-receiver';

beforeAll(async () => {
  const ada = await desk.addUser({ externalId: 'ada', createdAt: '2026-10-01T00:00:00Z' });
  await desk.addCalls({ userId: ada, at: '2026-10-05T00:00:00Z', seconds: '500' });
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(status).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=of-the-receiver`;
});
afterAll(async () => {
  server.close();
});

async function raise(asOf: string, env: Record<string, string>, ...more: string[]) {
  const { code, data, stderr } = await desk.with({ asOf, env }).answer('jobs', 'raise-alerts', ...more);
  return { code, stderr, report: data ?? null };
}
const webhook = () => ({ QUOTA_ALERT_URL: url, QUOTA_ALERT_SECRET: secret });
const deliveries = () =>
  desk.query(
    'select threshold, status, attempts, last_error, target from quota.alert_deliveries order by threshold',
  );

test('a receiver that fails: visible, exit 75, tried again after a while, never marked done', async () => {
  status = 503;
  const first = await raise('2026-10-05T00:01:00Z', webhook());
  expect(first).toMatchObject({ code: 75, report: { done: 1, delivered: 0, failedAttempts: 1, left: 1 } });
  expect(await deliveries()).toMatchObject([
    { threshold: 80, status: 'failed', attempts: 1, last_error: 'the webhook answered 503' },
  ]);
  const tooEarly = await raise('2026-10-05T00:01:30Z', webhook());
  expect(tooEarly).toMatchObject({ code: 75, report: { due: 0, left: 1 } });
  expect(received).toHaveLength(1);
  const gone = await raise('2026-10-05T00:02:00Z', {
    ...webhook(),
    QUOTA_ALERT_URL: 'http://127.0.0.1:9099/',
  });
  expect(gone.code).toBe(75);
  expect(await deliveries()).toMatchObject([
    { attempts: 2, last_error: expect.stringContaining('ECONNREFUSED') },
  ]);
});

test('delivered once, signed over time and body, with the same id in every attempt', async () => {
  status = 200;
  const asOf = '2026-10-05T00:04:00Z';
  expect(await raise(asOf, webhook())).toMatchObject({ code: 0, report: { delivered: 1, left: 0 } });
  const [before, last] = received;
  expect(received).toHaveLength(2);
  expect(last?.headers['quota-delivery']).toBe(before?.headers['quota-delivery']);
  const [, time, signed] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(last?.headers['quota-signature'])) ?? [];
  expect(Number(time)).toBe(Date.parse(asOf) / 1000);
  expect(signed).toBe(createHmac('sha256', secret).update(`${time}.${last?.body}`).digest('hex'));
  expect(JSON.parse(last?.body ?? '')).toMatchObject({
    type: 'usage.alert',
    level: 'warning',
    threshold: 80,
    percent: '83.33',
    user: { externalId: 'ada' },
    meter: 'voice_seconds',
    plan: 'voice-free',
    used: '500.000',
    limit: '600.000',
    crossedAt: '2026-10-05T00:00:00.000Z',
  });
  expect(await raise(asOf, webhook())).toMatchObject({ code: 0, report: { due: 0 } });
  expect(received).toHaveLength(2);
});

test('a command takes it on stdin; what it says when it fails is recorded', async () => {
  const [ada] = await desk.query<{ id: string }>('select id from quota.users');
  await desk.addCalls({ userId: ada?.id ?? '', at: '2026-10-06T00:00:00Z', seconds: '45' });
  const failing = await raise('2026-10-06T00:01:00Z', { QUOTA_ALERT_COMMAND: 'echo no pager >&2; exit 3' });
  expect(failing.code).toBe(75);
  expect((await deliveries())[1]).toMatchObject({ last_error: 'the command ended with 3' });
  const path = desk.path('alert.json');
  const taken = await raise('2026-10-06T01:00:00Z', { QUOTA_ALERT_COMMAND: `cat > ${path}` });
  expect(taken.code).toBe(0);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ level: 'critical', threshold: 90 });
  expect((await deliveries())[1]).toMatchObject({ status: 'delivered', target: 'command' });
});

test('two at once send each alert once; what is too old is not sent', async () => {
  const [ada] = await desk.query<{ id: string }>('select id from quota.users');
  await desk.addCalls({ userId: ada?.id ?? '', at: '2026-10-07T00:00:00Z', seconds: '60' });
  const sent = received.length;
  const runs = await Promise.all([1, 2].map(() => raise('2026-10-07T00:01:00Z', webhook())));
  expect(runs.map(({ code }) => code).sort()).toEqual(expect.arrayContaining([0]));
  expect(received).toHaveLength(sent + 1);
  await desk.query(`update quota.alert_deliveries set status = 'pending' where threshold = 80`);
  const late = await raise('2026-11-07T00:00:00Z', webhook());
  expect(late).toMatchObject({ code: 0, report: { expired: 1, delivered: 0 } });
  expect(received).toHaveLength(sent + 1);
});

test('without a target, or with a webhook and no secret, nothing is tried: exit 78', async () => {
  expect(await raise('2026-10-08T00:00:00Z', {})).toMatchObject({ code: 78, report: null });
  expect((await raise('2026-10-08T00:00:00Z', { QUOTA_ALERT_URL: url })).code).toBe(78);
  const dry = await raise('2026-10-08T00:00:00Z', {}, '--dry-run');
  expect(dry).toMatchObject({ code: 0, report: { due: 0 } });
});
