import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { type CliResult, runCli } from '../run-cli.ts';
import { wholeTree } from '../whole-tree.ts';

/** Pages in the order of a reader; each goes on where the one before ended, on the same database. Others come after. */
const readFirst = ['docs/install.md', 'docs/first-hour.md'];

/** Pages whose lines a test of their own runs. */
const runElsewhere = {
  'docs/resilience.md': 'test/products/resilience.test.ts',
  'docs/backup.md': 'test/db',
  'docs/scale.md': 'test/shards',
};

/** Lines that need what is not here, or end what the others work on; in front of them what tries them elsewhere. */
const triedElsewhere: readonly (readonly [test: string, line: RegExp])[] = [
  ['test/packaging/install.test.ts', /^(?:npm|npx|git|man) /],
  ['test/packaging/deploy.test.ts', /^(?:docker|kubectl|systemctl|cp|install) /],
  ['test/demo.test.ts', /^quota demo/],
  ['test/db/embedded.test.ts', /^quota db (?:start|stop)|"\$\(quota db url\)"|^quota db psql/],
  ['test/db/rollback.test.ts', /^quota db (?:rollback(?! --dry-run)|reset)/],
  ['test/db/backup.test.ts', /^quota db (?:backup|restore)/],
  ['test/fixtures/seed.test.ts', /^quota fixtures seed|demo-exceeded/],
  ['test/callers/logins.test.ts', /^quota login (?:allow (?!quota_app)|bind)/],
  ['test/allowances/set-plan.test.ts', /--moved-by RUN/],
  ['test/reconcile/working-through.test.ts', /^quota reconcile close/],
  ['test/db/servers', /^export DATABASE_URL=/],
  ['test/reconcile/from-api.test.ts', /--from-api/],
];

const desk = useDesk({ vapi: {} });
const program = (await wholeTree()).root;

/** `sh` blocks of a page, line by line, without those that are tried elsewhere. */
const linesOf = (page: string): string[] =>
  [...readFileSync(page, 'utf8').matchAll(/^```sh\n(.*?)^```/gms)]
    .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .filter((line) => !triedElsewhere.some(([, pattern]) => pattern.test(line)));

const pages = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)]
  .filter((page) => page.endsWith('.md') && !(page in runElsewhere) && linesOf(page).length > 0)
  .sort((a, b) => place(a) - place(b));

function place(page: string): number {
  const at = readFirst.indexOf(page);
  return at === -1 ? readFirst.length : at;
}

/** As a person would answer: yes to what is shown, with a reason. */
function agreed(line: string): string {
  const [, words = '', comment = ''] = /^(quota .*?)(\s+#.*)?$/.exec(line) ?? [];
  let command = program;
  for (const word of words.split(' ').slice(1)) {
    command = command.commands.find((one) => one.name() === word) ?? command;
  }
  const missing = (long: string) =>
    command.options.some((option) => option.long === long) && !words.includes(long);
  if (words === '' || words.includes('--dry-run') || /[|>]/.test(words)) {
    return line;
  }
  const yes = missing('--yes') ? ' --yes' : '';
  const reason = missing('--reason') ? ' --reason "as the page says"' : '';
  return `${words}${yes}${reason}${comment}`;
}

/** What a line may end with: done, or differences found; or as it says itself. */
const codesOf = (line: string): number[] => {
  const told = /# .*\bexit (\d+)/.exec(line)?.[1];
  return told === undefined ? [0, 3] : [0, Number(told)];
};

interface Ran {
  line: string;
  code: number | null;
  said: string;
}

/** Lines of quota alone run in this process; what wants a shell gets one. */
async function runPage(page: string): Promise<Ran[]> {
  const ran: Ran[] = [];
  for (const line of linesOf(page).map(agreed)) {
    const [words = ''] = line.split(/\s+#/);
    const { code, stdout, stderr } = /^quota [^|><$&;~*(]*$/.test(words)
      ? await runCli(wordsOf(words).slice(1).map(placed), { env: environment(), cwd: desk.path('.') })
      : await runShell(words);
    ran.push({ line, code, said: stdout + stderr });
  }
  return ran;
}

const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, one, other, plain]) => one ?? other ?? plain ?? '',
  );

/** Files of the pages lie in the folder of the desk. */
const placed = (word: string): string =>
  /^[\w.-]+\.(?:csv|gz|jsonl|yaml|html|prom)$/.test(word) ? desk.path(word) : word;

const environment = () => ({ ...desk.env, HOME: desk.path('.'), QUOTA_ACTOR: 'ulf' });

async function runShell(line: string): Promise<CliResult> {
  const child = spawn('sh', ['-c', line], {
    cwd: desk.path('.'),
    env: { ...environment(), PATH: `${desk.path('bin')}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      result[name] += text;
    });
  }
  const code = await new Promise<number | null>((settle) => child.on('close', settle));
  return { code, ...result };
}

beforeAll(async () => {
  mkdirSync(desk.path('bin'));
  for (const [name, content] of Object.entries(files)) {
    desk.write(name, content);
  }
  chmodSync(desk.path('bin/quota'), 0o755);
});

const month = 'fixtures/voice-2026-10';
const files = {
  'bin/quota': `#!/bin/sh\nexec ${process.execPath} ${resolve('dist/bin/quota.js')} "$@"\n`,
  ...Object.fromEntries(
    ['users.csv', 'assistants.csv', 'vapi-calls.jsonl'].map((name) => [
      name,
      readFileSync(`${month}/${name}`),
    ]),
  ),
  'call_logs.csv.gz': gzipSync(readFileSync(`${month}/call_logs.csv`)),
  'export.csv':
    'Call ID,user_external_id,service,started_at,duration_seconds,Notes\nx-1,ada,voice,2026-10-03T10:00:00Z,5,none\n',
};

/** What the pages look at and correct, once the first of them has made the user. */
async function useSomething(): Promise<void> {
  const [ada] = await desk.query<{ id: string }>(`select id from quota.users where external_id = 'ada'`);
  if (ada !== undefined) {
    const at = new Date().toISOString();
    await desk.addCalls({ userId: ada.id, at, seconds: '400' });
    const before = new Date(Date.now() - 35 * 86_400_000).toISOString();
    await desk.addCalls({ userId: ada.id, at, service: 'chat' });
    await desk.addCalls({ userId: ada.id, at: before, asOf: at, service: 'chat' });
  }
}

describe.each(pages)('the lines of %s', (page) => {
  test('run', async () => {
    await useSomething();
    const ran = await runPage(page);
    const failed = ran.filter(({ line, code }) => !codesOf(line).includes(code ?? -1));
    expect(failed, failed.map(({ line, said }) => `${line}\n${said}`).join('\n')).toEqual([]);
  });
});
