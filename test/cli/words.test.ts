import type { Command } from 'commander';
import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';
import { wholeTree } from '../whole-tree.ts';

const tree = await wholeTree();
const desk = useDesk({
  asOf: '2026-11-15T12:00:00Z',
  vapi: { assistants: 2 },
  env: { QUOTA_CURRENCY: 'EUR' },
});

beforeAll(async () => {
  const folder = desk.path('bill');
  const differences = 'unlogged=1,duration_mismatch=2,cost_mismatch=1';
  await desk.run(
    'fixtures',
    'seed',
    '--users',
    '40',
    '--export',
    'vapi-calls',
    '--export-dir',
    folder,
    '--differences',
    differences,
  );
  const bill = `${folder}/vapi-calls-2026-10.json`;
  const plan = await desk.run('plan', 'show', 'chat-free');
  desk.write('plan.yaml', plan.stdout.replace('limit: 100', 'limit: 40'));
  desk.write('users.csv', 'external_id,plan\nnew-user,voice-free\n');
  for (const words of [
    ['reconcile', '--month', '2026-10', '--provider', 'vapi', '--export', bill],
    ['user', 'grant', 'demo-warning', 'voice_seconds', '90s', '--reason', 'outage', '--yes', '--no-sync'],
    ['user', 'grant', 'demo-chat-99', 'messages', '1', '--reason', 'outage', '--yes'],
    ['user', 'adjust', 'demo-warning', 'voice_seconds', '-1m', '--reason', 'dropped', '--yes', '--no-sync'],
    ['service', 'set', 'all', '--max-daily-cost', '1', '--keep-details', 'none', '--yes'],
    ['service', 'set', 'chat', '--keep-details', '1d', '--yes'],
    ['db', 'mark', 'test', '--yes'],
    ['jobs', 'reset-months'],
    ['jobs', 'roll-up-analytics'],
    ['jobs', 'enforce-limits'],
    ['jobs', 'raise-alerts'],
    ['audit', 'verify', '--seal'],
    ['usage', 'record', 'demo-fresh', '--service', 'chat', '--quantity', '1', '--key', 'k1', '--yes'],
  ]) {
    const { code, stderr } = await desk.run(...words);
    expect([0, 3, 75, 78], `${words.join(' ')}: ${stderr}`).toContain(code);
  }
}, 120_000);

/** Commands that read, as a person types them, and what else is worth a look; each runs on the seed. */
const lines = [
  'user list',
  'user show demo-exceeded',
  'user show demo-avatar-cost',
  'user show demo-all',
  'user explain demo-avatar-cost',
  'user explain demo-chat-99',
  'user explain demo-warning',
  'user history demo-late',
  'grants list',
  'alerts list',
  'jobs list',
  'jobs history',
  'plan list',
  'plan simulate FOLDER/plan.yaml --from 2026-10-01 --to 2026-11-01',
  'meter list',
  'service list',
  'usage check demo-exceeded --service voice',
  'usage check demo-avatar-cost --service avatar',
  'usage check demo-all --service chat',
  'usage analytics',
  'usage analytics --by user',
  'usage sessions',
  'limits status',
  'limits status --check',
  'adopt status',
  'reconcile list',
  'reconcile show --month 2026-10',
  'reconcile show --month 2026-10 --kind cost_mismatch',
  'login list',
  'audit log',
  'audit verify',
  'doctor',
  'config',
  'version',
  'db status',
  // Of what changes something, what it says before and after.
  'user grant demo-warning voice_seconds 15m --reason test --dry-run',
  'user grant demo-chat-99 messages 1 --reason test --dry-run',
  'user adjust demo-chat-99 messages -1 --reason test --dry-run',
  'user reset demo-warning --reason test --dry-run',
  'user set-plan demo-avatar-monthly avatar-lifetime --reason test --dry-run',
  'user set-plan demo-avatar-monthly avatar-monthly --cost-limit avatar_seconds=7 --reason test --dry-run',
  'user add new-user --plan voice-free --reason test --dry-run',
  'user edit demo-all --timezone Europe/Rome --reason test --dry-run',
  'user erase demo-all --reason test --dry-run',
  'grants revoke 1 --reason test --dry-run',
  'alerts ack --user demo-exceeded --reason test --dry-run',
  'service set all --max-daily-cost 2 --dry-run',
  'plan apply FOLDER/plan.yaml --dry-run',
  'plan apply FOLDER/plan.yaml --now --dry-run',
  'plan move avatar-lifetime avatar-monthly --reason test --dry-run',
  'limits apply demo-warning --reason test --dry-run',
  'limits restore demo-exceeded --reason test --dry-run',
  'limits sync --dry-run',
  'reconcile close --month 2026-10 --force --reason test --dry-run',
  'reconcile backfill --month 2026-10 --dry-run',
  'reconcile resolve --month 2026-10 --kind duration_mismatch --as accepted --reason test --dry-run',
  'import users FOLDER/users.csv --dry-run',
  'db reset --reason test --dry-run',
  'db backup FOLDER/backup --dry-run',
  'fixtures clear --dry-run',
  ...(tree
    .find(tree.find(tree.root, 'jobs') ?? tree.root, 'run')
    ?.commands.map((job) => `jobs ${job.name()} --dry-run`) ?? []),
];

/** What a person is not to read, each with its place. */
const faults = (text: string): string[] =>
  [
    /.*\b(?:true|false|null|undefined|NaN|\[object Object\])(?![\w"]).*/,
    // Names of the JSON; VAPI has its own.
    /^(?! {2}(?:firstMessage|endCallPhrases|maxDurationSeconds): ).*(?<![\w/.-])[a-z]+[A-Z]\w*(?![\w(]).*/,
    // Instants for machines, but in what is to be pasted.
    /^(?!.*(?:--as-of|--after|--from)).*\d{4}-\d\d-\d\dT\d\d:.*/,
    /.*(?<![\d:.,\w-])1 (?!(?:is|was|has|this|as|less|plus|status)\b)(?:[a-z]+ )?[a-z]{2,}(?<!ss)s\b(?! of).*/,
    // Money without its currency.
    /.*\bcost (?:of )?\d[\d.]*(?![\d.]| [A-Z]{3}).*/,
    // Quantities as they are stored.
    /.*(?<!:\d)\d\.000\b(?!.* [A-Z]{3}$).*/,
    /.*(?<![:\d.])\d+(?:\.\d+)? (?:of [a-z]+_seconds|seconds)\b.*/,
    // Prepositions before how far it is.
    /.*\b(?:until|since|on|at) (?:in (?:an? )?\w+ (?:second|minute|hour|day|month|year)|(?:an?|\d+) \w+ ago).*/,
  ].flatMap((pattern) => text.match(new RegExp(pattern, 'gm')) ?? []);

test('the faults are known', () => {
  for (const fault of [
    'live  true',
    'maxDailyCost',
    'due 2026-11-01T00:00:00Z',
    '1 calls',
    'cost 5 of',
    '900 of voice_seconds',
    'until in 3 days',
  ]) {
    expect(faults(fault), fault).not.toEqual([]);
  }
  for (const fine of [
    '1 call, 21 calls',
    'cost 5.00 EUR of 6.00 EUR',
    '15:00 minutes of voice_seconds',
    'at 2026-11-01 00:00Z (in 3 days)',
  ]) {
    expect(faults(fine), fine).toEqual([]);
  }
});

const namesOf = (command: Command): string[] =>
  command.commands.length === 0
    ? [[...ancestors(command)].reverse().slice(1).join(' ')]
    : command.commands.flatMap(namesOf);
function* ancestors(command: Command): Generator<string> {
  for (let one: Command | null = command; one !== null; one = one.parent) {
    yield one.name();
  }
}

test('amounts in the history are told by their meter', async () => {
  const { stdout } = await desk.run('audit', 'log', '--action', 'grant.added', '--action', 'service.changed');
  expect(stdout).toContain('granted 0:00 → 1:30, quantity 1:30');
  expect(stdout).toContain('max daily cost 1.00 EUR');
});

/** Not tables of facts: scripts, servers, files, what other tests read whole. */
const others =
  /^(?:complete|completion|help|demo|db (?:start|stop|url|psql|rollback|migrate|restore|mark|partition)|fixtures (?:seed|serve-vapi)|adopt .*|jobs (?:run .*|reopen)|shards .*|usage (?:import|record|settle)|user export|plan show|meter (?:show|apply)|import .*|login .*|reconcile (?:run|report|reopen|alias))$/;

test('every command is looked at, or known to be something else', () => {
  const missing = namesOf(tree.root).filter(
    (name) => !others.test(name) && !lines.some((line) => line === name || line.startsWith(`${name} `)),
  );
  expect(missing).toEqual([]);
});

test('every list, look and plan is in words', async () => {
  const found: string[] = [];
  for (const line of lines) {
    const words = line.replaceAll('FOLDER', desk.path('.')).split(' ');
    const { code, stdout, stderr } = await desk.run(...words);
    if (![0, 3, 5].includes(code ?? 1)) {
      found.push(`${line}: ${code} ${stderr}`);
    }
    found.push(...faults(`${stdout}\n${stderr}`).map((fault) => `${line}: ${fault}`));
  }
  expect(found).toEqual([]);
}, 120_000);
