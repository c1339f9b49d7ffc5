import { PassThrough } from 'node:stream';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkGlobalOptions } from '../../src/cli/global-options.ts';
import { createOutput } from '../../src/cli/output.ts';
import { readWords } from '../../src/cli/read-words.ts';
import { useDesk } from '../desk/desk.ts';
import { wholeTree } from '../whole-tree.ts';

const desk = useDesk({ asOf: '2026-10-15T12:00:00Z' });
const tree = await wholeTree();
beforeAll(async () => {
  const ada = await desk.addUser({ externalId: 'ada', email: 'ada@example.com' });
  await desk.query(
    `insert into quota.subscriptions (user_id, service, plan) values ($1, 'voice', 'voice-free')`,
    [ada],
  );
  await desk.addUser({ externalId: 'b\u001b[2Job' });
});

const grants = () => desk.query('select 1 from quota.grants');

describe('--json with fields', () => {
  test.each([
    ['user list --json externalId', 'user list --json=externalId'],
    ['user list --json externalId,percent --limit 3', 'user list --json=externalId,percent --limit 3'],
    ['user show --json ada', 'user show --json= ada'],
    ['user show --json ada --quiet', 'user show --json= ada --quiet'],
    ['user show ada --json plan', 'user show --json=plan ada'],
    ['user show --json plan,service ada', 'user show --json=plan,service ada'],
    ['user show --json=plan ada', 'user show --json=plan ada'],
    ['--json user list', 'user list --json='],
    ['limits status --json ada', 'limits status --json= ada'],
    ['limits status --json user,status', 'limits status --json=user,status'],
    ['reconcile --month 2026-10 --json id', 'reconcile run --month 2026-10 --json=id'],
    ['reconcile --json show', 'reconcile show --json='],
    ['user reset ada --json --dry-run', 'user reset ada --json= --dry-run'],
  ])('quota %s is read as %s', async (line, wanted) => {
    const { ordered, unknown } = await readWords(tree, line.split(' '));
    expect([...ordered].sort()).toEqual(wanted.split(' ').sort());
    expect(unknown).toBeUndefined();
  });

  test('of a page those of its elements, of an object its own', async () => {
    const listed = await desk.run('user', 'list', '--json', 'externalId,email');
    expect(JSON.parse(listed.stdout)).toContainEqual({ externalId: 'ada', email: 'ada@example.com' });
    expect(JSON.parse((await desk.run('user', 'list', '--json', 'next')).stdout)).toEqual({ next: null });
    const shown = await desk.run('user', 'show', 'ada', '--json', 'plan,service');
    expect(JSON.parse(shown.stdout)).toContainEqual({ plan: 'voice-free', service: 'voice' });
  });

  test('one that is not there is refused, with those that are', async () => {
    const { code, stdout, stderr } = await desk.run('user', 'list', '--json', 'externalId,percnt');
    expect([code, stdout]).toEqual([2, '']);
    const { error } = JSON.parse(stderr);
    expect(error.message).toBe('there is no field "percnt"');
    expect(error.detail).toContain('externalId');
    expect(error.detail).toContain('percent');
  });

  test('nothing is changed for somebody who cannot be shown it', async () => {
    const grant = ['user', 'grant', 'ada', 'voice_seconds', '60', '--reason', 'promo', '--yes'];
    expect((await desk.run(...grant, '--json', 'grantIdd')).code).toBe(2);
    expect((await desk.run(...grant, '--jq', '.grantId |')).code).toBe(2);
    expect((await desk.run(...grant, '--template', '{{grantId')).code).toBe(2);
    expect(await grants()).toEqual([]);
    const given = await desk.run(...grant, '--json', 'meter,quantity');
    expect(JSON.parse(given.stdout)).toEqual({ meter: 'voice_seconds', quantity: '60' });
    expect(await grants()).toHaveLength(1);
  });
});

describe('--jq', () => {
  test('texts as they are, anything else as JSON on a line', async () => {
    const { stdout } = await desk.run(
      'user',
      'list',
      '--jq',
      '.users[0] | .externalId, {email}, (.service | length)',
    );
    expect(stdout.split('\n')).toEqual([
      'ada',
      '{"email":"ada@example.com"}',
      expect.stringMatching(/^\d+$/),
      '',
    ]);
  });

  test('nothing of it acts upon a terminal, and of this machine it sees nothing', async () => {
    const { stdout } = await desk.run('user', 'list', '--search', 'ob', '--jq', '.users[0].externalId');
    expect(stdout).toBe('bob\n');
    const env = await desk.run('user', 'list', '--jq', '$ENV | has("DATABASE_URL"), has("QUOTA_DATA_DIR")');
    expect(env.stdout).toBe('false\nfalse\n');
  });

  test('what is wrong is said with the words of jq', async () => {
    const broken = await desk.run('user', 'list', '--jq', '.users[');
    expect(broken).toMatchObject({ code: 2, stdout: '' });
    expect(broken.stderr).toContain('--jq: syntax error, unexpected end of file');
    const unfit = await desk.run('user', 'list', '--jq', '.users.externalId');
    expect(unfit).toMatchObject({ code: 2, stdout: '' });
    expect(unfit.stderr).toContain('--jq: Cannot index array with string ("externalId")');
  });
});

describe('--template', () => {
  test('a line of each', async () => {
    const template =
      '{{#each users}}{{pad externalId 6}}|{{padStart service 14}}{{#if email}} {{email}}{{/if}}\\n{{/each}}';
    const { stdout } = await desk.run('user', 'list', '--search', 'ada', '--template', template);
    expect(stdout.split('\n')).toContain('ada   |         voice ada@example.com');
  });

  test('a field that is not there is refused, in each or outside', async () => {
    const { code, stderr } = await desk.run(
      'user',
      'list',
      '--template',
      '{{#each users}}{{externalID}}{{/each}}',
    );
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('--template: there is no field "externalID"'),
    ]);
    expect((await desk.run('user', 'list', '--template', '{{constructor.name}}')).code).toBe(2);
  });
});

test('only one of them, and no other format', () => {
  expect(() => checkGlobalOptions({ jq: '.', template: 'x' })).toThrow('contradict');
  expect(() => checkGlobalOptions({ jq: '.', output: 'csv' })).toThrow('contradict');
  expect(() => checkGlobalOptions({ json: ['a'], output: 'table' })).toThrow('contradict');
  expect(checkGlobalOptions({ template: 'x' }).output).toBe('json');
});

test('a list that is streamed has its fields, or is given to jq as a whole', async () => {
  async function* rows() {
    yield { id: 1, name: 'a' };
    yield { id: 2, name: 'b' };
  }
  const streamed = async (shape: { fields: string[]; jq: string | undefined }) => {
    const stdout = new PassThrough();
    const output = createOutput({
      format: 'json',
      stdout,
      color: false,
      shape: { template: undefined, ...shape },
    });
    await output.stream([], rows());
    return String(stdout.read());
  };
  expect(JSON.parse(await streamed({ fields: ['name'], jq: undefined }))).toEqual([
    { name: 'a' },
    { name: 'b' },
  ]);
  expect(await streamed({ fields: [], jq: 'map(.id) | add' })).toBe('3\n');
  await expect(streamed({ fields: ['nam'], jq: undefined })).rejects.toThrow('there is no field "nam"');
});
