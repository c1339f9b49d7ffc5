import { expect, test } from 'vitest';
import { isLoopback, plainHttpHost } from '../../src/values/transport.ts';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk({ asOf: '2026-10-05T00:00:00Z' });

test.each([
  '',
  '/run/postgresql',
  'localhost',
  'LOCALHOST',
  'db.localhost',
  '127.0.0.1',
  '127.8.9.1',
  '::1',
  '[::1]',
])('%s is this machine', (host) => expect(isLoopback(host)).toBe(true));

test.each(['db', '10.0.0.1', '127.example', 'localhost.example', '0.0.0.0', '::2', '128.0.0.1'])(
  '%s is not',
  (host) => expect(isLoopback(host)).toBe(false),
);

test('http off this machine, and nothing else, is plain', () => {
  expect(
    ['http://api.example/x', 'https://api.example', 'http://127.0.0.1:8080', 'no url'].map(plainHttpHost),
  ).toEqual(['api.example', undefined, undefined, undefined]);
});

const said = async (env: Record<string, string>, ...words: string[]) =>
  (await desk.with({ env }).run(...words)).stderr;

test('a password on the command line is warned of, and not shown', async () => {
  const url = desk.url.replace(/^(\w+:\/\/\w+)@/, '$1:Wv9-db-word@');
  const stderr = await said({}, 'user', 'list', '--database-url', url);
  expect(stderr).toContain('warning: everybody on this machine can read the password in --database-url');
  expect(stderr).not.toContain('Wv9');
  expect(await said({}, 'user', 'list', '--database-url', desk.url)).not.toContain('warning');
});

test('plain http to VAPI and to a webhook off this machine is warned of', async () => {
  const vapi = { VAPI_API_KEY: 'Wv9-vapi-key', VAPI_BASE_URL: 'http://vapi.invalid' };
  const stderr = await said(vapi, 'limits', 'sync');
  expect(stderr).toContain('warning: VAPI_API_KEY is sent to vapi.invalid unencrypted');
  expect(stderr).not.toContain('Wv9');
  const hook = { QUOTA_ALERT_URL: 'http://hooks.invalid/x', QUOTA_ALERT_SECRET: 'Wv9-hmac-secret' };
  expect(await said(hook, 'jobs', 'raise-alerts')).toContain(
    'warning: alerts are sent to hooks.invalid unencrypted',
  );
});
