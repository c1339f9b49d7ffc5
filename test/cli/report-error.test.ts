import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { wantsJsonErrors, wantsJsonLog } from '../../src/cli/global-options.ts';
import { createRedactor } from '../../src/cli/redactor.ts';
import { type ErrorReporting, reportError } from '../../src/cli/report-error.ts';
import { redactUrls } from '../../src/db/redact-url.ts';
import { exitCodes, notFoundError } from '../../src/errors.ts';

function report(error: unknown, reporting: Partial<ErrorReporting> = {}) {
  const stderr = new PassThrough();
  const code = reportError(error, {
    stderr,
    json: false,
    redact: redactUrls,
    interrupted: undefined,
    ...reporting,
  });
  return { code, text: stderr.read()?.toString() ?? '' };
}

const known = notFoundError('no user "ad"', {
  detail: 'nearest:\nada\u001b[2J',
  suggestion: 'quota user list',
});

test('a known error: message, detail, hint', () => {
  expect(report(known)).toEqual({
    code: 4,
    text: 'error: no user "ad"\n  nearest:\n  ada\nhint: quota user list\n',
  });
  expect(report(notFoundError('no user'))).toEqual({ code: 4, text: 'error: no user\n' });
});

test('as JSON: one line, always the same four fields', () => {
  const { code, text } = report(known, { json: true });
  expect(code).toBe(4);
  expect(text).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(text)).toEqual({
    error: {
      code: 'not_found',
      message: 'no user "ad"',
      detail: 'nearest:\nada\u001b[2J',
      suggestion: 'quota user list',
    },
  });
  expect(JSON.parse(report(notFoundError('x'), { json: true }).text)).toEqual({
    error: { code: 'not_found', message: 'x', detail: null, suggestion: null },
  });
});

test('anything else is a bug and keeps its stack', () => {
  const { code, text } = report(new TypeError('x is not a function'));
  expect(code).toBe(exitCodes.bug);
  expect(text).toMatch(/^error: TypeError: x is not a function\n\s+at .*report-error\.test\.ts/);
  expect(JSON.parse(report(new TypeError('x'), { json: true }).text).error).toMatchObject({
    code: 'bug',
    message: 'x',
  });
  expect(report('thrown text')).toMatchObject({ code: 1, text: expect.stringContaining('thrown text') });
});

test('an interruption has the code of its signal, whatever was thrown on the way out', () => {
  expect(report(new Error('Connection terminated'), { interrupted: 130 })).toEqual({
    code: 130,
    text: 'interrupted\n',
  });
  expect(report(Object.assign(new Error('closed'), { name: 'ExitPromptError' }))).toEqual({
    code: 130,
    text: '',
  });
});

test.each([
  ['postgres://ada:hunter22@db:5432/app', 'postgres://ada:***@db:5432/app'],
  ['at postgres://ada:hun/ter@22@db/app?x=1 now', 'at postgres://ada:***@db/app?x=1 now'],
  ['postgresql://quota@/quota?host=/run&port=5432', 'postgresql://quota@/quota?host=/run&port=5432'],
  ['redis://:hunter22@cache:6379', 'redis://:***@cache:6379'],
  [
    'postgres:///app?user=ada&password=hunter22&sslmode=require',
    'postgres:///app?user=ada&password=***&sslmode=require',
  ],
  ["host=db password='hunter 22' user=ada", 'host=db password=*** user=ada'],
  ['https://api.vapi.ai/call and 10:30 a@b', 'https://api.vapi.ai/call and 10:30 a@b'],
])('%s is shown as %s', (text, shown) => {
  expect(redactUrls(text)).toBe(shown);
});

test('known secrets are taken out wherever they are, common words are left', () => {
  const redact = createRedactor({
    environment: 'test',
    databaseUrl: 'postgres://ada:s%40cret-word@db/app',
    replicaUrl: undefined,
    dataDir: '/data',
    sourceUrls: {},
    redisUrl: 'redis://:short@cache',
    vapiApiKey: 'vapi-0123456789',
    alertUrl: undefined,
    alertSecret: undefined,
    alertCommand: undefined,
    schedules: {},
    pingUrl: 'https://hc-ping.com/0b5f-secret/{job}',
    vapiBaseUrl: 'https://api.vapi.ai',
    shardsFile: undefined,
    limitedStateFile: undefined,
    actor: 'ada',
    company: undefined,
    currency: 'USD',
  });
  expect(
    redact('key vapi-0123456789, s@cret-word, s%40cret-word, short, https://hc-ping.com/0b5f-secret/x'),
  ).toBe('key ***, ***, ***, short, ***x');
});

test('in a log the error is one more line of it, also where the result would be JSON', () => {
  for (const json of [true, false]) {
    const { code, text } = report(known, { json, isLog: true });
    expect(code).toBe(4);
    expect(text).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(text)).toEqual({
      time: expect.stringMatching(/Z$/),
      level: 'error',
      message: 'no user "ad"',
      error: {
        code: 'not_found',
        message: 'no user "ad"',
        detail: 'nearest:\nada\u001b[2J',
        suggestion: 'quota user list',
      },
    });
  }
});

test.each([
  [['jobs', 'run', '--log-format', 'json'], true],
  [['--log-format=json', 'jobs'], true],
  [['--log-format', 'json', '--log-format=text'], false],
  [['-o', 'json'], false],
  [[], false],
])('%j asks for a log: %s', (argv, expected) => {
  expect(wantsJsonLog(argv)).toBe(expected);
});

test.each([
  [['-ojson'], true],
  [['-o=ndjson'], true],
  [['--output', 'JSON'], true],
  [['--json=externalId'], true],
  [['--output=table'], false],
  [['--log-format', 'json'], false],
])('%j asks for errors as JSON: %s', (argv, expected) => {
  expect(wantsJsonErrors(argv)).toBe(expected);
});
