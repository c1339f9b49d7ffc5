import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { FaultProxy } from '../desk/fault-proxy.ts';
import { type ProgramResult, run } from './clone.ts';

/** What a stage of the image has come to: a folder stands for its `/`. */
interface Stage {
  root: string;
  folder: string;
  env: Record<string, string>;
  user: string;
  health: string[];
  entrypoint: string[];
  command: string[];
}

/** Two installations and a build: a minute, and several where the machine has other work. */
const buildMsMax = 900_000;

const place = mkdtempSync(join(tmpdir(), 'quota-image-'));
let image: Stage;
const stages = new Map<string, Stage>();
let database: TestDatabase;
/** The server of tests lets in its own account alone, over its socket. */
let proxy: FaultProxy;

/** The instructions of a Dockerfile, without comments. */
const instructionsOf = (text: string): [string, string][] =>
  text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)]);

/** Paths from `/` on, inside the folder that stands for it. */
const inside = ({ root }: Stage, text: string): string => text.replace(/(?<=^|[\s=])\/(?=\w|$)/g, `${root}/`);

const ignored = new Set(readFileSync('.dockerignore', 'utf8').split('\n'));
const { stdout: cacheFolder } = run('npm', ['config', 'get', 'cache'], { cwd: process.cwd() });
const { stdout: globalConfig } = run('npm', ['config', 'get', 'globalconfig'], { cwd: process.cwd() });

/** An npm of its own, which finds what npm ci has left in the cache of this machine, and clears nothing but its own. */
function npmSettings(root: string): Record<string, string> {
  const cache = join(root, 'npm-cache');
  mkdirSync(cache);
  symlinkSync(join(cacheFolder.trim(), '_cacache'), join(cache, '_cacache'));
  return {
    npm_config_cache: cache,
    npm_config_prefix: join(root, 'usr', 'local'),
    npm_config_globalconfig: globalConfig.trim(),
    npm_config_prefer_offline: 'true',
    npm_config_fetch_retries: '1',
    HOME: root,
  };
}

function stageIn(root: string): Stage {
  mkdirSync(join(root, 'usr', 'local', 'bin'), { recursive: true });
  mkdirSync(join(root, 'tmp'));
  const env = { PATH: `${join(root, 'usr', 'local', 'bin')}:${process.env.PATH}`, ...npmSettings(root) };
  return { root, folder: root, env, user: '', health: [], entrypoint: [], command: [] };
}

/** Does what an instruction says to a stage; one that is not known here is an error, so that none is passed over. */
function follow(stage: Stage, name: string, rest: string): void {
  const words = () => JSON.parse(rest.slice(rest.indexOf('['))) as string[];
  const instructions: Record<string, () => void> = {
    WORKDIR: () => {
      stage.folder = inside(stage, rest);
      mkdirSync(stage.folder, { recursive: true });
    },
    COPY: () => {
      const [, from] = /^--from=(\S+) /.exec(rest) ?? [];
      const paths = rest.replace(/^--from=\S+ /, '').split(' ');
      const target = paths.pop() ?? '';
      const source = from === undefined ? undefined : stages.get(from);
      for (const path of paths.flatMap((one) => (one === '.' ? readdirSync('.') : [one]))) {
        const end = source === undefined ? path : '';
        const to = target.startsWith('/') ? inside(stage, target) : join(stage.folder, target);
        if (!ignored.has(path)) {
          cpSync(source === undefined ? path : inside(source, path), join(to, end), { recursive: true });
        }
      }
    },
    RUN: () => {
      const { code, stdout, stderr } = run('sh', ['-ec', inside(stage, rest)], {
        cwd: stage.folder,
        env: stage.env,
      });
      expect(code, `${rest}\n${stdout}${stderr}`).toBe(0);
    },
    ENV: () => {
      for (const [, variable = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g)) {
        stage.env[variable] = inside(stage, value);
      }
    },
    USER: () => {
      stage.user = rest;
    },
    HEALTHCHECK: () => {
      stage.health = words();
    },
    ENTRYPOINT: () => {
      stage.entrypoint = words();
    },
    CMD: () => {
      stage.command = words();
    },
  };
  const instruction = instructions[name];
  if (instruction === undefined) {
    throw new Error(`no replay of ${name}`);
  }
  instruction();
}

/** A program in the finished image, as the user that it names where we may be somebody else. */
async function inImage(
  [program = '', ...args]: readonly string[],
  env: Record<string, string> = {},
): Promise<ProgramResult> {
  const { PATH, NODE_ENV, QUOTA_DATA_DIR } = image.env;
  const [uid, gid] = image.user.split(':').map(Number);
  const child = spawn(program, args, {
    cwd: image.folder,
    env: { PATH, NODE_ENV, QUOTA_DATA_DIR, ...env },
    ...(process.getuid?.() === 0 ? { uid, gid } : {}),
  });
  const [stdout, stderr, [code]] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

beforeAll(async () => {
  chmodSync(place, 0o711);
  database = await createTestDatabase();
  proxy = await FaultProxy.start(database.url);
  for (const [name, rest] of instructionsOf(readFileSync('deploy/Dockerfile', 'utf8'))) {
    if (name === 'FROM') {
      const [, stage = 'image'] = / AS (\S+)/.exec(rest) ?? [];
      image = stageIn(join(place, stage));
      stages.set(stage, image);
    } else {
      follow(image, name, rest);
    }
  }
}, buildMsMax);

afterAll(async () => {
  await proxy.stop();
  await database.drop();
  rmSync(place, { recursive: true, force: true });
});

test('the image has the tool, without the embedded server and the packages of its development', () => {
  const packages = readdirSync(join(image.root, 'opt', 'quota', 'node_modules'));
  expect(packages).toEqual(expect.arrayContaining(Object.keys(packageJson.dependencies)));
  expect(packages.filter((name) => /embedded|vitest|typescript|esbuild/.test(name))).toEqual([]);
  expect(readdirSync(image.root).filter((name) => name === 'packed')).toEqual([]);
});

test('without words it explains itself, and with some it does what they say', async () => {
  const help = await inImage([...image.entrypoint, ...image.command]);
  expect([help.code, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toContain('Usage: quota');
  expect((await inImage([...image.entrypoint, '--version'])).stdout).toBe(`${packageJson.version}\n`);
  const lost = await inImage([...image.entrypoint, 'db', 'status']);
  expect([lost.code, lost.stderr]).toEqual([78, expect.stringContaining('set DATABASE_URL')]);
});

test('its health is that of its database', async () => {
  const ask = (url: string) => inImage(image.health, { DATABASE_URL: url });
  expect(await ask(proxy.url(database.url))).toMatchObject({ code: 0, stderr: '' });
  expect(await ask('postgres://nobody@127.0.0.1:9/none')).toMatchObject({ code: 69, stdout: '' });
});

test('every CronJob of Kubernetes runs in it, and writes nothing into it', async () => {
  const files = () =>
    readdirSync(image.root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => `${join(parentPath, name)} ${statSync(join(parentPath, name)).mtimeMs}`)
      .sort();
  const before = files();
  const env = { DATABASE_URL: proxy.url(database.url), VAPI_API_KEY: 'unused', QUOTA_ALERT_COMMAND: 'cat' };
  const cronJobs = parseAllDocuments(readFileSync('deploy/kubernetes/cronjobs.yaml', 'utf8'))
    .map((document) => document.toJS().spec)
    .filter(({ suspend }) => !suspend);
  expect(cronJobs.length).toBeGreaterThan(5);
  for (const { jobTemplate } of cronJobs) {
    const [{ args }] = jobTemplate.spec.template.spec.containers;
    const run = await inImage([...image.entrypoint, ...args], env);
    expect(run, args.join(' ')).toEqual({ code: 0, stdout: '', stderr: '' });
  }
  expect(files()).toEqual(before);
});
