import { expect, test } from 'vitest';
import { type Setting, settingTable } from '../../src/cli/setting-table.ts';
import { readSettings } from '../../src/cli/settings.ts';
import { useDesk } from '../desk/desk.ts';

const desk = useDesk();
const secretVariables = (settingTable as readonly Setting[])
  .filter(({ secret }) => secret)
  .map(({ variable }) => variable);
const exampleOf = (variable: string) => (/URL/.test(variable) ? 'https://h/x' : 'Wv9-value');

test.each(secretVariables)('%s_FILE names a file with the value', async (variable) => {
  const value = ['DATABASE_URL', 'QUOTA_REPLICA_URL', 'QUOTA_SOURCE_URL'].includes(variable)
    ? 'postgres://u:p@h/d'
    : variable === 'REDIS_URL'
      ? 'redis://h'
      : exampleOf(variable);
  const besides = variable === 'QUOTA_REPLICA_URL' ? { DATABASE_URL: value } : {};
  const read = (env: Record<string, string>) =>
    readSettings({ env: { ...besides, ...env }, platform: 'linux', cwd: '/' });
  for (const [name, content] of [
    ['plain', value],
    ['unix', `${value}\n`],
    ['windows', `${value}\r\n`],
  ] as const) {
    const { databaseNamedBy, ...settings } = read({ [`${variable}_FILE`]: desk.write(name, content) });
    const expected = read({ [variable]: value });
    expect({ ...settings, databaseNamedBy: expected.databaseNamedBy }).toEqual(expected);
    expect(databaseNamedBy?.text).toBe(
      variable === 'DATABASE_URL' ? 'DATABASE_URL_FILE' : expected.databaseNamedBy?.text,
    );
  }
});

test('the database is found by a file, also by one that an env file names, relative to where the command runs', async () => {
  const path = desk.write('url', `${desk.url}\n`);
  const env = { DATABASE_URL: '', DATABASE_URL_FILE: path };
  expect((await desk.with({ env }).run('user', 'list')).code).toBe(0);
  const envFile = desk.write('env', 'DATABASE_URL_FILE=url\n');
  const cwd = desk.path('.');
  expect(
    (await desk.with({ env: { DATABASE_URL: '' }, cwd }).run('user', 'list', '--env-file', envFile)).code,
  ).toBe(0);
});

test('what cannot be used is said, without a byte of it, and nothing is done: exit 78', async () => {
  const cases: [name: string, content: string | null, words: string][] = [
    ['missing', null, 'cannot be read: ENOENT'],
    ['empty', '', 'is empty'],
    ['newline', '\n', 'is empty'],
    ['spaces', '  \n', 'is empty'],
    ['two lines', 'Wv9-one\nWv9-two\n', 'does not hold one line of text'],
    ['binary', 'Wv9\u0000x', 'does not hold one line of text'],
  ];
  for (const [name, content, words] of cases) {
    const path = content === null ? desk.path(name) : desk.write(name, content);
    for (const variable of secretVariables) {
      const env = { [`${variable}_FILE`]: path, ...(variable === 'DATABASE_URL' && { DATABASE_URL: '' }) };
      const { code, stderr } = await desk.with({ env }).run('user', 'list');
      expect({ code, stderr }).toEqual({
        code: 78,
        stderr: expect.stringContaining(`the file of ${variable}_FILE ${words}`),
      });
      expect(stderr).not.toContain('Wv9');
    }
  }
  const folder = await desk.with({ env: { VAPI_API_KEY_FILE: '/tmp' } }).run('user', 'list');
  expect(folder).toMatchObject({ code: 78, stderr: expect.stringContaining('EISDIR') });
});

test('both ways at once are refused; only secrets have a file', async () => {
  const path = desk.write('key', 'Wv9-key');
  const both = await desk.with({ env: { VAPI_API_KEY: 'x', VAPI_API_KEY_FILE: path } }).run('user', 'list');
  expect(both).toMatchObject({ code: 78, stderr: expect.stringContaining('both set') });
  const { code } = await desk.with({ env: { QUOTA_ENV_FILE: '/nonexistent' } }).run('user', 'list');
  expect(code).toBe(0);
});
