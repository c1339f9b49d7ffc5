import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PostgrestServer, tokenOf } from '../callers/postgrest-server.ts';
import { Desk } from '../desk/desk.ts';
import { needs } from '../desk/needs.ts';
import { pythonWith } from './python.ts';

/** The page of examples, run in each language on a database of its own: the same story, the same answers. */
const run = promisify(execFile);
const page = readFileSync(join(import.meta.dirname, '../../docs/app-examples.md'), 'utf8');
const [preamble = '', ...sections] = page.split(/^### /m);
const [, headTs = '', headPython = '', headRpc = ''] = blocksOf(preamble);
const examples = sections.map((section) => {
  const [, sql = '', ts = '', python = '', rpc = ''] = blocksOf(section);
  return { name: section.split('\n')[0] ?? '', sql, ts, python, rpc };
});

/** What stands between fences; the first is what stands before them. */
function blocksOf(text: string): string[] {
  return ['', ...[...text.matchAll(/```\w+\n(.*?)```/gs)].map((match) => match[1] ?? '')];
}

interface Story {
  desk: Desk;
  login: string;
  operator: string;
}
const stories: Story[] = [];

/** A database where nobody is known, with a login of the app and one of a back office. */
async function begin(): Promise<Story> {
  const desk = await new Desk().open();
  const story = { desk, login: `${desk.name}_app`, operator: `${desk.name}_office` };
  stories.push(story);
  await desk.query(`create role ${story.login} login in role quota_app`);
  await desk.query(`create role ${story.operator} login in role quota_operator`);
  await desk.json('login', 'allow', story.login, '--reason', 'test', '--yes');
  symlinkSync(resolve('node_modules'), desk.path('node_modules'));
  return story;
}
afterAll(async () => {
  for (const { desk, login, operator } of stories) {
    await desk.query(`drop owned by ${login}, ${operator}; drop role ${login}, ${operator}`);
    await desk.close();
  }
});

const urlOf = ({ desk }: Story, login: string) => desk.url.replace(/\/\/(?:[^/@]*@)?/, `//${login}@`);

/** Runs a program of examples that prints its answers as JSON. */
async function answersOf(story: Story, program: string, file: string, env: Record<string, string> = {}) {
  const { stdout } = await run(program, [file], {
    env: {
      PATH: process.env.PATH ?? '',
      DATABASE_URL: urlOf(story, story.login),
      BACK_OFFICE_URL: urlOf(story, story.operator),
      ...env,
    },
  });
  return comparable(JSON.parse(stdout));
}

/** Ids and times are other ones in each database; numbers are text, decimals or numbers. */
const isOwn = /(^|_)(id|at)$|^(month|day|last_reset|reset_every|period_start|period_end)$/;
const isNumber = (value: unknown) =>
  typeof value !== 'boolean' && value !== '' && !Number.isNaN(Number(value));

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(comparable);
  }
  if (value === null || value === '') {
    return null;
  }
  if (typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [
        key,
        isOwn.test(key) ? field !== null : comparable(field),
      ]),
    );
  }
  return typeof value === 'string' && /\d\d\d\d-\d\d-\d\d/.test(value)
    ? 'dated'
    : isNumber(value)
      ? Number(value)
      : value;
}

let expected: unknown;
beforeAll(async () => {
  const story = await begin();
  const answers = [];
  for (const { name, sql } of examples) {
    const login = isOfOperator(name) ? story.operator : story.login;
    const client = new pg.Client({ connectionString: urlOf(story, login) });
    await client.connect();
    const { rows } = await client.query(sql);
    answers.push(bare(name, JSON.parse(JSON.stringify(rows))));
    await client.end();
  }
  expected = comparable(answers);
});

const isOfOperator = (name: string) => page.indexOf(`### ${name}\n`) > page.indexOf('## From a back office');
/** The answer of a function that has one value stands in a column of its name. */
const bare = (name: string, rows: unknown) =>
  ['gate', 'count_refusal', 'warm_up'].includes(name)
    ? (rows as Record<string, unknown>[]).map((row) => row[name])
    : rows;

test('every function of the page of apps has its example, and the other way about', () => {
  const apps = readFileSync(join(import.meta.dirname, '../../docs/apps.md'), 'utf8');
  const told = [...apps.matchAll(/^\| `quota\.([a-z_]+)\(/gm)].map((match) => match[1] ?? '');
  const ours = examples.map(({ name }) => name);
  expect([...ours].sort()).toEqual([...new Set([...told, 'gate', 'refusals_by_day'])].sort());
  for (const { name, ...languages } of examples) {
    for (const code of Object.values(languages)) {
      expect(code, name).toContain(name);
    }
  }
});

test('in SQL the story goes as it is told', () => {
  const story = Object.fromEntries(
    examples.map(({ name }, index) => [name, (expected as unknown[][])[index]]),
  );
  expect(story).toMatchObject({
    ensure_user: [{ created: true }],
    check: [{ allowed: true, remaining: 1800 }],
    start_session: [{ allowed: true, cap_seconds: 1500 }],
    touch_session: [{ running: true, remaining: 1200 }],
    end_session: [{ recorded: true, remaining: 300, cost: 0.15 }],
    record: [{ recorded: true }],
    get_user_plan_limits: [
      { meter: 'messages', used: 1 },
      { meter: 'premium_messages', used: 1 },
    ],
    check_concurrent_processing_limit: [{ can_process: true, active: 0, max_concurrent: 1 }],
    usage_history: [{ key: 'message-1', model: 'claude-3-opus' }],
    alerts: [{ threshold: 80, level: 'warning' }],
    acknowledge_alert: [{ threshold: 80, acknowledged_at: true }],
    add_assistant: [{ allowed: true, added: true, assistants: 1 }],
    remove_assistant: [{ removed: true, assistants: 0 }],
    gate: [{ error: expect.any(String) }],
    set_plan: [{ plan_before: 'transcription-free', plan: 'transcription-pro', changed: true }],
    grant_allowance: [{ granted: 50, remaining: 149 }],
    reset_usage: [{ meter: 'messages', used_after: 0 }, { meter: 'premium_messages' }],
    refusals_by_day: [{ plan: 'chat-free', reason: 'quota_exceeded' }],
  });
});

test('TypeScript with pg', async () => {
  const story = await begin();
  const code = `${headTs}const answers = [];
    ${examples.map(({ ts }) => `{ ${ts}\n answers.push(rows); }`).join('\n')}
    process.stdout.write(JSON.stringify(answers)); await app.end(); await backOffice.end();`;
  const file = story.desk.write('examples.mjs', (await transform(code, { loader: 'ts' })).code);
  const answers = (await answersOf(story, process.execPath, file)) as unknown[];
  expect(answers.map((rows, index) => bare(examples[index]?.name ?? '', rows))).toEqual(expected);
});

const python = pythonWith('psycopg');
test.runIf(needs(python !== undefined, 'psycopg'))('Python with psycopg', async () => {
  const story = await begin();
  const code = `${headPython}
answers = []
${examples.map((example) => `${example.python}answers.append(rows)`).join('\n')}
import json
print(json.dumps(answers, default=str))
`;
  const answers = (await answersOf(story, python ?? '', story.desk.write('examples.py', code))) as unknown[];
  expect(answers.map((rows, index) => bare(examples[index]?.name ?? '', rows))).toEqual(expected);
});

test('supabase-js, as PostgREST answers it', async () => {
  const story = await begin();
  const server = await PostgrestServer.start(story.desk);
  const ofOffice = headRpc.split('\n').find((line) => line.startsWith('const quota')) ?? '';
  const code = `${headRpc}
    const backOffice = ${ofOffice.replace('const quota = ', '').replace('SUPABASE_KEY', 'BACK_OFFICE_KEY')}
    const answers = [];
    const keep = (data, error) => { if (error) { throw new Error(JSON.stringify(error)); } answers.push([data].flat()); };
    ${examples
      .map(({ name, rpc }) => (isOfOperator(name) ? rpc.replace('quota.rpc', 'backOffice.rpc') : rpc))
      .map((rpc) => `{ ${rpc}\n keep(data, error); }`)
      .join('\n')}
    process.stdout.write(JSON.stringify(answers));`;
  try {
    const file = story.desk.write('examples.mjs', (await transform(code, { loader: 'ts' })).code);
    const answers = await answersOf(story, process.execPath, file, {
      SUPABASE_URL: server.url,
      SUPABASE_KEY: tokenOf({ role: 'service_role' }),
      BACK_OFFICE_KEY: tokenOf({ role: 'back_office' }),
    });
    expect(answers).toEqual(expected);
  } finally {
    await server.stop();
  }
});
