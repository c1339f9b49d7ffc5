import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Argument, Command, Option } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { shellLine } from '../../src/shell-word.ts';
import { useDesk } from '../desk/desk.ts';
import { wholeTree } from '../whole-tree.ts';
import { hostileFiles, hostileTexts } from './hostile.ts';

const desk = useDesk({ vapi: { assistants: 2 } });

/** What the tool itself draws with: colours, moves within the line, a bar that does not wrap, hiding of the cursor. */
const drawing = /\u001b(?:[78]|\[(?:[0-9;]*m|\?(?:7|25)[hl]|[0-9]*[GKABCD]))/g;
const acting =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]|[\u{e0000}-\u{e007f}]/u;

const expectTame = (said: string, what: string) => {
  const rest = said.replace(drawing, '');
  const at = rest.search(acting);
  if (at !== -1) {
    throw new Error(`${what}: ${JSON.stringify(rest.slice(Math.max(0, at - 60), at + 40))}`);
  }
};

/** These run until they are stopped, have a server of their own, or end what the others need. */
const elsewhere = [
  'demo',
  'db start',
  'db stop',
  'db psql',
  'db backup',
  'db restore',
  'db reset',
  'db rollback',
  'db mark',
  'db partition',
  'fixtures serve-vapi',
  'fixtures seed',
  'fixtures clear',
  'user erase',
  'complete',
];
const isElsewhere = (path: string) =>
  elsewhere.some((words) => path === words || path.startsWith(`jobs run `));

/** What an argument is when it is not the hostile one. */
const meant: Record<string, string> = {
  user: 'ada',
  users: 'ada',
  plan: 'voice-free',
  from: 'voice-free',
  to: 'voice-free',
  meter: 'voice_seconds',
  quantity: '1',
  key: 'call-0',
  job: 'purge',
  shell: 'bash',
  topic: 'exit-codes',
  environment: 'test',
};
const nameOf = (argument: Argument) => argument.name().toLowerCase();
const takesFile = (name: string) => /file|export|report|rejects|state|original/i.test(name);

let turn = 0;
const nextText = () => hostileTexts[turn++ % hostileTexts.length] ?? '';
const nextFile = (extension: string): string => {
  const path = desk.path(`hostile-${turn++}${extension}`);
  writeFileSync(path, hostileFiles[turn % hostileFiles.length] ?? '');
  return path;
};
const extensions = ['.yaml', '.json', '.csv', '.ndjson', '.txt', '.parquet', '.gz'];
/** What is written is called as strangely, and lies in the folder of the test: never where a text would have it. */
const writesFile = (name: string, flags: string) =>
  /report|rejects|metrics|html|^to$/i.test(name) ||
  (/<(?:file|path|folder|directory)/i.test(flags) && !/export|expect|original|state/i.test(name));
const hostile = (name: string, flags = '') => {
  if (writesFile(name, flags)) {
    return desk.path(
      `w${nextText()
        .replaceAll(/[/.|\0]/g, '_')
        .slice(0, 100)}`,
    );
  }
  return takesFile(name) && turn % 4 !== 0
    ? nextFile(extensions[turn % extensions.length] ?? '')
    : nextText();
};

interface Line {
  path: string;
  words: readonly string[];
}

/** Each argument and each option of each command once with something hostile, the others as they are meant. */
function linesOf(path: string, command: Command): Line[] {
  const own = path.split(' ');
  const args = (spoilt?: number) =>
    command.registeredArguments.flatMap((argument, at) =>
      at === spoilt ? ['HOSTILE'] : argument.required ? [meant[nameOf(argument)] ?? 'ada'] : [],
    );
  const required = (except?: Option) =>
    command.options
      .filter((option) => option.mandatory && option !== except)
      .flatMap((option) => [option.long ?? '', meant[option.attributeName()] ?? '1']);
  const agreed = ['--reason', '--yes', '--dry-run'].flatMap((flag) => {
    const known =
      command.options.some(({ long }) => long === flag) && (flag !== '--dry-run' || turn % 2 === 0);
    return !known ? [] : flag === '--reason' ? [flag, 'a test'] : [flag];
  });
  const filled = (words: readonly string[], name: string): Line => ({
    path,
    words: words.map((word) => (word === 'HOSTILE' ? hostile(name) : word)),
  });
  const byArgument = command.registeredArguments.map((argument, at) =>
    filled([...own, ...required(), ...agreed, '--', ...args(at)], nameOf(argument)),
  );
  const byOption = command.options
    .filter((option) => (option.required || option.optional) && option.long !== '--database-url')
    .map((option) =>
      filled(
        [
          ...own,
          ...args(),
          ...required(option),
          ...agreed.filter(
            (word, at) =>
              option.long !== '--reason' || (word !== '--reason' && agreed[at - 1] !== '--reason'),
          ),
          `${option.long}=HOSTILE`,
        ].map((word) =>
          word.endsWith('=HOSTILE')
            ? `${option.long}=${hostile(option.attributeName(), option.flags)}`
            : word,
        ),
        option.attributeName(),
      ),
    );
  return [...byArgument, ...byOption];
}

async function commandLines(): Promise<Line[]> {
  const { root } = await wholeTree();
  const lines: Line[] = [];
  const walk = (command: Command, words: readonly string[]) => {
    for (const child of command.commands) {
      const path = [...words, child.name()].join(' ');
      if (child.commands.length > 0) {
        walk(child, [...words, child.name()]);
      } else if (!isElsewhere(path)) {
        lines.push(...linesOf(path, child));
      }
    }
  };
  walk(root, []);
  return lines;
}

beforeAll(async () => {
  const [assistant] = desk.vapi.assistants();
  await desk.addUser({ externalId: 'ada', assistants: assistant ? [assistant.id] : [] });
  await desk.query(`select quota.record('ada', 'voice', 'call-0', 590)`);
});

/** Ends well or with one of the codes that have a meaning, says no stack, and no byte that a terminal acts upon. */
async function expectHeld({ path, words }: Line, mayBeAsked = true): Promise<void> {
  // A terminal that is read from like a file has no end.
  const isAsked = mayBeAsked && !words.some((word) => word === '-' || word.endsWith('=-'));
  const { code, stdout, stderr } = await desk
    .with({
      cwd: desk.path('.'),
      env: { NO_COLOR: '1', VAPI_RATE: '1000' },
      tty: isAsked,
      // Whoever is asked again for what is wrong gives up.
      input: isAsked ? 'no\r\u0003' : '',
    })
    .run(...words);
  const what = `quota ${path}: ${JSON.stringify(words.slice(-3)).slice(0, 300)}`;
  expect([0, 2, 3, 4, 5, 65, 69, 75, 78, 130], `${what}: ${code}: ${stderr.slice(0, 2000)}`).toContain(code);
  expect(stderr, what).not.toMatch(/^\s+at .*:\d+:\d+|bug of quota/m);
  expect(stderr.length, what).toBeLessThan(30_000);
  expectTame(stdout + stderr, what);
}

describe('every argument and every option of every command holds', () => {
  test('against what nobody means well by', async () => {
    const lines = await commandLines();
    expect(lines.length).toBeGreaterThan(hostileTexts.length);
    const faults: string[] = [];
    for (const line of lines) {
      await expectHeld(line).catch((error: Error) => faults.push(error.message.slice(0, 1500)));
    }
    process.stdout.write(`${lines.length} command lines of ${hostileTexts.length} texts\n`);
    expect(faults).toEqual([]);
  });

  test('against files that are none', async () => {
    const readers: readonly (readonly string[])[] = [
      ['plan', 'apply', 'FILE', '--dry-run'],
      ['meter', 'apply', 'FILE', '--dry-run'],
      ['import', 'users', 'FILE', '--dry-run'],
      ['import', 'call-logs', 'FILE', '--dry-run'],
      ['reconcile', 'run', '--month', '2026-10', '--provider', 'vapi', '--export', 'FILE', '--dry-run'],
      ['limits', 'sync', '--limited-state', 'FILE', '--dry-run'],
      ['audit', 'verify', '--expect', 'FILE'],
      ['user', 'list', '--env-file', 'FILE'],
    ];
    const faults: string[] = [];
    for (const [at, content] of hostileFiles.entries()) {
      for (const [reader, words] of readers.entries()) {
        // All of them through what reads YAML and rows, the others in turn.
        if (reader > 2 && (at + reader) % 3 !== 0) {
          continue;
        }
        const path = desk.path(`file-${at}-${reader}${extensions[(at + reader) % extensions.length]}`);
        writeFileSync(path, content);
        const line = words.map((word) => (word === 'FILE' ? path : word));
        await expectHeld({ path: words.slice(0, 2).join(' '), words: line }, false).catch((error: Error) =>
          faults.push(`file ${at}: ${error.message.slice(0, 1500)}`),
        );
      }
    }
    expect(faults).toEqual([]);
  });
});

describe('what strangers have put into the database acts on no terminal', () => {
  const names = hostileTexts.slice(0, 18).map((text, at) => `${at}${text}`.replaceAll('\ud800', ''));
  beforeAll(async () => {
    await desk.query(
      `insert into quota.users (external_id, email, name) select n, n || '@x', n from unnest($1::text[]) n`,
      [names],
    );
    await desk.query(
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, assistant_id, model, status, started_at,
         duration_seconds, cost, error_message, metadata)
       select id, 'voice', external_id, external_id, external_id, external_id, 'error', now(), 590, 1, external_id,
         jsonb_build_object(external_id, external_id)
       from quota.users`,
    );
    await desk.query(
      `insert into quota.assistants (user_id, provider_assistant_id, name) select id, external_id, external_id from quota.users`,
    );
    await desk.query(
      `insert into quota.grants (user_id, meter, quantity, reason) select id, 'voice_seconds', 1, external_id from quota.users`,
    );
    await desk.query(
      `insert into quota.audit_log (action, actor, user_id, subject, reason, after)
       select external_id, external_id, id, external_id, external_id, jsonb_build_object('x', external_id) from quota.users`,
    );
    await desk.query(
      `insert into quota.job_runs (job, status, error) select external_id, 'failed', external_id from quota.users`,
    );
  });

  test.each(['table', 'json', 'ndjson', 'csv'])('in the format %s', async (format) => {
    const person = names[0] ?? '';
    for (const words of [
      ['user', 'list'],
      ['user', 'show', person],
      ['user', 'explain', person, '--service', 'voice'],
      ['user', 'history', person],
      ['user', 'edit', person, '--name', 'x', '--reason', 'x', '--dry-run'],
      ['user', 'reset', person, '--reason', 'x', '--dry-run'],
      ['user', 'set-plan', person, 'voice-free', '--reason', 'x', '--dry-run'],
      ['grants', 'list'],
      ['jobs', 'history'],
      ['audit', 'log'],
      ['limits', 'status'],
      ['alerts', 'list'],
      ['usage', 'analytics'],
      ['usage', 'sessions'],
      ['doctor'],
    ]) {
      await expectHeld({ path: words.join(' '), words: [...words, '--output', format] });
    }
  });

  test('through the real program, byte by byte', async () => {
    const person = names[0] ?? '';
    for (const words of [
      ['user', 'list'],
      ['user', 'show', person],
      ['user', 'reset', person, '--reason', 'x'],
      ['user', 'show', `nobody${names[1]}`],
      ['plan', 'apply', nextFile('.yaml'), '--yes'],
      ['import', 'users', nextFile('.csv')],
      ['audit', 'log', '--output', 'csv'],
    ]) {
      const { code, bytes } = await onPseudoTerminal(words);
      expect([0, 2, 3, 4, 5, 65, 78], `${words}: ${bytes.slice(0, 2000)}`).toContain(code);
      expectTame(bytes, `on a terminal: ${words[0]} ${words[1]}`);
      expect(bytes).not.toMatch(/^\s+at .*:\d+:\d+/m);
    }
  });
});

/** What the built program writes to a terminal, as it is; its questions are answered with no. */
async function onPseudoTerminal(words: readonly string[]): Promise<{ code: number | null; bytes: string }> {
  const command = shellLine([process.execPath, resolve('dist/bin/quota.js'), ...words]);
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { PATH: process.env.PATH, QUOTA_ACTOR: 'tester', TERM: 'xterm', NO_COLOR: '1', ...desk.env },
    stdio: 'pipe',
  });
  let bytes = '';
  child.stdin.on('error', () => {}); // It has ended before it was answered.
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    bytes += text;
    if (/\? \S*[?(]/.test(bytes)) {
      child.stdin.write('n\r');
    }
  });
  const code = await new Promise<number | null>((settle, reject) => {
    child.on('error', reject);
    child.on('close', settle);
  });
  return { code, bytes };
}
