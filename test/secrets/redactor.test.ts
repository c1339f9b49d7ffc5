import { expect, test } from 'vitest';
import { createRedactor } from '../../src/cli/redactor.ts';
import { type SecretVariable, type Setting, settingTable } from '../../src/cli/setting-table.ts';
import { readSettings } from '../../src/cli/settings.ts';

/** For each secret setting a value, and in what forms its secrets could turn up somewhere. */
const secrets: Record<SecretVariable, { value: string; forms: string[] }> = {
  DATABASE_URL: {
    value: 'postgres://ada:Wv%2F9-db-word@db.example/app?password=Wv9-in-query',
    forms: [
      'Wv%2F9-db-word',
      'Wv/9-db-word',
      'Wv9-in-query',
      Buffer.from('ada:Wv/9-db-word').toString('base64'),
    ],
  },
  QUOTA_REPLICA_URL: {
    value: 'postgres://ada:Wv9-replica-word@replica.example/app',
    forms: ['Wv9-replica-word', Buffer.from('ada:Wv9-replica-word').toString('base64')],
  },
  QUOTA_SOURCE_URL: {
    value:
      'shop=postgres://eve:Wv9-shop-word@shop.example/shop chat=postgres://eve:Wv9-chat-word@chat.example/chat',
    forms: ['Wv9-shop-word', 'Wv9-chat-word', Buffer.from('eve:Wv9-shop-word').toString('base64')],
  },
  REDIS_URL: { value: 'rediss://:Wv9-redis-word@cache', forms: ['Wv9-redis-word'] },
  VAPI_API_KEY: { value: 'Wv9+vapi/key=', forms: ['Wv9+vapi/key=', encodeURIComponent('Wv9+vapi/key=')] },
  QUOTA_ALERT_SECRET: { value: 'Wv9"hmac"secret', forms: ['Wv9"hmac"secret', 'Wv9\\"hmac\\"secret'] },
  QUOTA_ALERT_URL: {
    value: 'https://bot:Wv9-hook-word@hooks.example/services/T01/Wv9TokenOf24Characters0?sig=Wv9%20signature',
    forms: [
      'Wv9-hook-word',
      'Wv9TokenOf24Characters0',
      '/services/T01/Wv9TokenOf24Characters0?sig=Wv9%20signature',
      'Wv9 signature',
      'Wv9%20signature',
      Buffer.from('bot:Wv9-hook-word').toString('base64'),
    ],
  },
  QUOTA_PING_URL: {
    value: 'https://ping.example/Wv9-ping-key-of-ours/{job}?create=1',
    forms: ['https://ping.example/Wv9-ping-key-of-ours/', 'Wv9-ping-key-of-ours'],
  },
  QUOTA_ALERT_COMMAND: {
    value: `curl -sH 'Authorization: Bearer Wv9-bearer-of-the-pager' https://pager.example`,
    forms: [
      'Wv9-bearer-of-the-pager',
      `curl -sH 'Authorization: Bearer Wv9-bearer-of-the-pager' https://pager.example`,
    ],
  },
};

const settings = readSettings({
  env: Object.fromEntries(Object.entries(secrets).map(([variable, { value }]) => [variable, value])),
  platform: 'linux',
  cwd: '/',
});
const redact = createRedactor(settings);

test('every secret setting has its line', () => {
  const secret = (settingTable as readonly Setting[]).filter((setting) => setting.secret);
  expect(Object.keys(secrets).sort()).toEqual(secret.map(({ variable }) => variable).sort());
});

test.each(
  Object.entries(secrets).flatMap(([variable, { value, forms }]) =>
    [value, ...forms].map((form) => [variable, form] as const),
  ),
)('%s: %s is seen nowhere', (_variable, form) => {
  for (const text of [form, `it said: ${form}!`, `"${form}"`, `${form}${form}`, `https://x/${form}/y`]) {
    expect(redact(text)).not.toContain('Wv9');
    expect(redact(text)).not.toContain('Wv/9');
    expect(redact(text)).not.toContain('Wv%2F9');
    expect(redact(text)).not.toContain(form);
  }
});

test('hosts, users and what was not secret stay', () => {
  const text = 'connect to db.example, cache, hooks.example failed: ada, services, T01, Authorization, curl';
  expect(redact(text)).toBe(text);
});

test('without settings the passwords of URLs go all the same', () => {
  expect(createRedactor(undefined)('postgres://ada:Wv9@db')).toBe('postgres://ada:***@db');
});
