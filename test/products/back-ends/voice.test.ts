import { createClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PostgrestServer, tokenOf } from '../../callers/postgrest-server.ts';
import type { Json } from '../../desk/commands.ts';
import { useDesk } from '../../desk/desk.ts';
import { serveHandler } from '../endpoint.ts';
import { type Answer, ok, refuse } from './back-end.ts';

/** Ten minutes a month and three assistants: a back end of routes on Supabase, whose calls VAPI reports by a webhook. */
const desk = useDesk({ vapi: { assistants: 6 } });
const secret = 'the secret of the webhook';
const ann = 'a4cb0000-0000-4000-8000-0000000000a1';
const bob = 'a4cb0000-0000-4000-8000-0000000000b2';

let supabase: PostgrestServer;
let webhook = { url: '', stop: async () => {} };
const client = (token: string) =>
  createClient(supabase.url, token, { auth: { persistSession: false } }).schema('quota');
const ofUser = (user: string) => client(tokenOf({ role: 'authenticated', sub: user }));
const service = () => client(tokenOf({ role: 'service_role' }));

const routes = {
  'POST /api/assistants': async (user: string, body: Json): Promise<Answer> => {
    const { data, error } = await ofUser(user).rpc('add_assistant', {
      p_user: user,
      p_assistant_id: body.id,
      p_name: body.name,
    });
    if (error) {
      return refuse(error.code === 'QT006' ? 403 : 422, { error: error.message, code: error.code });
    }
    return ok(data.allowed ? { assistant: body.id, count: data.assistants } : { error: data.message });
  },
  'DELETE /api/assistants': async (user: string, body: Json): Promise<Answer> => {
    const { data, error } = await ofUser(user).rpc('remove_assistant', {
      p_user: user,
      p_assistant_id: body.id,
    });
    return error ? refuse(422, { error: error.message }) : ok(data);
  },
  'GET /api/usage': async (user: string): Promise<Answer> => {
    const { data, error } = await ofUser(user).rpc('check', { p_user: user, p_service: 'voice' });
    const colours: Record<string, string> = { warning: 'yellow', critical: 'orange', exceeded: 'red' };
    return error
      ? refuse(error.code === 'QT006' ? 403 : 500, { error: error.message })
      : ok({
          minutes: Number(data.used) / 60,
          color: colours[data.state] ?? 'green',
          resetsAt: data.resets_at,
        });
  },
};
const webhookRoute = async (request: Request): Promise<Response> => {
  if (request.headers.get('x-vapi-secret') !== secret) {
    return new Response(null, { status: 401 });
  }
  const { data, error } = await service().rpc('gate', { p_provider: 'vapi', p_body: await request.json() });
  return Response.json(data ?? { code: error?.code }, { status: error ? 422 : 200 });
};

beforeAll(async () => {
  supabase = await PostgrestServer.start(desk);
  webhook = await serveHandler(webhookRoute);
  desk.vapi.setWebhook({ url: webhook.url, secret });
  for (const user of [ann, bob]) {
    const signedUp = new Date(Date.now() - 10 * 86_400_000).toISOString();
    const { data } = await service().rpc('ensure_user', { p_user: user, p_signup_at: signedUp });
    expect(data).toMatchObject({ external_id: user, created: true });
  }
});
afterAll(async () => {
  await webhook.stop();
  await supabase.stop();
});

const assistant = (index: number) => desk.vapi.assistants()[index]?.id ?? '';
const add = (user: string, index: number) =>
  routes['POST /api/assistants'](user, { id: assistant(index), name: 'Reception' });
const usage = async (user: string) => (await routes['GET /api/usage'](user)).body;
let calls = 0;
const talk = async (index: number, seconds: number, id = `call-${++calls}`) => {
  const startedAt = new Date(Date.now() - seconds * 1000).toISOString();
  const message = {
    type: 'end-of-call-report',
    call: { id, assistantId: assistant(index) },
    startedAt,
    endedAt: new Date().toISOString(),
    durationSeconds: seconds,
    cost: 0.11,
    endedReason: 'customer-ended-call',
  };
  const answer = await fetch(webhook.url, {
    method: 'POST',
    headers: { 'x-vapi-secret': secret, 'content-type': 'application/json' },
    body: JSON.stringify({ message }),
  });
  return answer.status;
};
const lengthOf = (index: number) => desk.vapi.assistants()[index]?.maxDurationSeconds;

test('three assistants are made; the fourth gets 200 with an error object, until one is removed', async () => {
  expect(await usage(ann)).toEqual({ minutes: 0, color: 'green', resetsAt: expect.any(String) });
  for (const index of [0, 1, 2]) {
    expect(await add(ann, index)).toEqual({
      status: 200,
      body: { assistant: assistant(index), count: index + 1 },
    });
  }
  expect(await add(ann, 3)).toEqual({
    status: 200,
    body: { error: 'The plan "Voice Free" includes 3 assistants.' },
  });
  expect((await routes['DELETE /api/assistants'](ann, { id: assistant(2) })).body).toEqual({
    removed: true,
    assistants: 2,
  });
  expect((await add(ann, 3)).body).toMatchObject({ count: 3 });
  expect((await add(bob, 4)).body).toMatchObject({ count: 1 });
});

test("a webhook without the secret is 401, one of nobody's assistant or without an id is refused, and nothing is written", async () => {
  expect((await fetch(webhook.url, { method: 'POST', body: '{}' })).status).toBe(401);
  expect(await talk(5, 30)).toBe(422);
  const body = JSON.stringify({ message: { type: 'end-of-call-report', call: {} } });
  const answer = await fetch(webhook.url, { method: 'POST', headers: { 'x-vapi-secret': secret }, body });
  expect([answer.status, await answer.json()]).toEqual([422, { code: 'QT003' }]);
  expect(await desk.query('select 1 from quota.call_logs')).toEqual([]);
});

test('calls add up: yellow at 8 minutes, orange at 9, red beyond 10, and a webhook that comes twice counts once', async () => {
  const seen = [];
  for (const [seconds, id] of [
    [240, 'v1'],
    [240, 'v2'],
    [240, 'v2'],
    [60, 'v3'],
    [90, 'v4'],
  ] as const) {
    expect(await talk(0, seconds, id)).toBe(200);
    const { minutes, color } = await usage(ann);
    seen.push([minutes, color]);
  }
  expect(seen).toEqual([
    [4, 'green'],
    [8, 'yellow'],
    [8, 'yellow'],
    [9, 'orange'],
    [10.5, 'red'],
  ]);
  const { data } = await ofUser(ann).rpc('alerts', { p_user: ann });
  expect(data.map(({ threshold }: { threshold: number }) => threshold).sort()).toEqual([100, 80, 90]);
});

test('all assistants of the user are limited at VAPI, once in the cycle, also one that is added; nobody else is', async () => {
  await desk.json('limits', 'sync', '--rate', '1000');
  expect([0, 1, 3, 4].map(lengthOf)).toEqual([10, 10, 10, desk.vapi.assistants()[4]?.maxDurationSeconds]);
  expect(lengthOf(4)).not.toBe(10);
  const patches = desk.vapi.patches().length;
  await talk(1, 10);
  await desk.json('limits', 'sync', '--rate', '1000');
  expect(desk.vapi.patches()).toHaveLength(patches);
  await routes['DELETE /api/assistants'](ann, { id: assistant(3) });
  expect((await add(ann, 2)).body).toMatchObject({ count: 3 });
  await desk.json('jobs', 'enforce-limits', '--rate', '1000');
  expect(lengthOf(2)).toBe(10);
});

test('the cron job that dies in the middle of the anniversary restores what was there when it runs again', async () => {
  const { resetsAt } = await usage(ann);
  const at = desk.at(new Date(resetsAt).toISOString());
  // The database part is done, the provider part was not begun.
  await at.json('jobs', 'reset-anniversaries', '--no-sync');
  expect(lengthOf(0)).toBe(10);
  await at.json('jobs', 'reset-anniversaries', '--rate', '1000');
  expect([0, 1, 2].map(lengthOf)).not.toContain(10);
  const { subscriptions } = await at.json('user', 'show', ann);
  expect(subscriptions[0]).toMatchObject({ limitEnforcedAt: null, quotas: [{ used: '0.000', state: 'ok' }] });
});

test('a user asks for itself: another is 403, the assistant of another 422, a token that is none or over 401', async () => {
  const { error } = await ofUser(bob).rpc('usage_history', { p_user: ann });
  expect(error).toMatchObject({ code: 'QT006' });
  expect((await ofUser(bob).rpc('usage_history', { p_user: bob })).data).toEqual([]);
  const checked = await ofUser(bob).rpc('check', { p_user: ann, p_service: 'voice' });
  expect(checked.error).toMatchObject({ code: 'QT006' });
  expect((await add(bob, 0)).status).toBe(422);
  expect((await routes['DELETE /api/assistants'](bob, { id: assistant(0) })).status).toBe(422);
  for (const token of [
    'nothing',
    tokenOf({ role: 'authenticated', sub: ann, exp: 1 }),
    tokenOf({ role: 'service_role' }).slice(0, -2),
  ]) {
    expect((await client(token).rpc('check', { p_user: ann, p_service: 'voice' })).status).toBe(401);
  }
  const operatorsAct = { p_user: ann, p_reason: 'mine' };
  expect((await ofUser(ann).rpc('reset_usage', operatorsAct)).error).toMatchObject({ code: '42501' });
  expect(await desk.differences()).toEqual([]);
});
