import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import Papa from 'papaparse';
import { beforeAll, describe, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

interface Call {
  id: string;
  seconds: number | null;
  cost: number;
  assistant?: string;
}

/** A line as VAPI bills it; its platform fee is 0.06 a minute, where the price list says 0.05. */
const line = ({ id, seconds, cost, assistant = 'as-own' }: Call) =>
  JSON.stringify({
    id,
    orgId: 'o',
    assistantId: assistant,
    createdAt: '2026-08-12T09:59:59Z',
    ...(seconds === null ? {} : { startedAt: '2026-08-12T10:00:00Z' }),
    endedAt: new Date(Date.parse('2026-08-12T10:00:00Z') + (seconds ?? 0) * 1000).toISOString(),
    status: 'ended',
    cost,
    ...(seconds === null ? {} : { costBreakdown: { vapi: seconds / 1000, total: cost } }),
  });

const billed: Call[] = [
  { id: 'twice', seconds: 60, cost: 0.4 },
  { id: 'twice', seconds: 60, cost: 0.4 },
  { id: 'dearer', seconds: 100, cost: 1.25 },
  { id: 'longer', seconds: 90, cost: 0.9 },
  { id: 'costless', seconds: 70, cost: 0.7 },
  { id: 'unlogged', seconds: 30, cost: 0.75 },
  { id: 'foreign', seconds: 30, cost: 1.5, assistant: 'as-nobodys' },
  { id: 'never', seconds: null, cost: 0.05 },
  { id: 'nearly', seconds: 60, cost: 0.302 },
];

/** id, seconds, cost; null: not known. */
const logged: [string, number, number | null][] = [
  ['twice', 60, 0.4],
  ['dearer', 100, 1],
  ['longer', 60, 0.6],
  ['costless', 50, null],
  ['unbilled', 200, 2.2],
  ['nearly', 60, 0.3],
];

const desk = perFile(new MonthDesk());
const month = ['--month', '2026-08'];

async function csv(...args: string[]): Promise<Record<string, string>[]> {
  const { stdout } = await desk.run(...args, '--output', 'csv');
  return Papa.parse<Record<string, string>>(stdout, { header: true, skipEmptyLines: true }).data;
}

/** The report as it is written, and its first paragraph without marks. */
async function report(company = 'Fjord & Co <Oslo>') {
  const path = `${desk.write('place.txt', '')}.html`;
  const made = await desk
    .with({ env: { QUOTA_COMPANY: company } })
    .run('reconcile', 'report', ...month, '-o', path);
  expect(made.code, made.stderr).toBe(0);
  const page = readFileSync(path, 'utf8');
  const [, first = ''] = /<p[^>]*>(.*?)<\/p>/s.exec(page) ?? [];
  return { page, first: first.replace(/<[^>]+>/g, '').replace(/\s+/g, ' ') };
}

beforeAll(async () => {
  await desk.query(
    `with added as (insert into quota.users (external_id, created_at) values ('kari', '2025-01-01Z') returning id)
     insert into quota.assistants (user_id, provider_assistant_id) select id, 'as-own' from added`,
  );
  for (const [id, seconds, cost] of logged) {
    await desk.query(
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, assistant_id, status, started_at, ended_at, duration_seconds, cost)
       select user_id, 'voice', 'vapi', $1, 'as-own', 'completed', '2026-08-12 10:00Z', '2026-08-12 10:00Z'::timestamptz + $2 * interval '1 second', $2, $3
       from quota.assistants`,
      [id, seconds, cost],
    );
  }
});

describe('a month with something of everything', () => {
  const parts = [
    { kind: 'duplicate_line', cause: 'billed-again', sureness: 'certain', count: 1, amount: '0.4' },
    { kind: 'unlogged', cause: 'never-began', sureness: 'certain', count: 1, amount: '0.05' },
    { kind: 'unlogged', cause: 'not-ours', sureness: 'check', count: 1, amount: '1.5' },
    { kind: 'unlogged', cause: 'not-logged', sureness: 'check', count: 1, amount: '0.75' },
    { kind: 'duration_mismatch', cause: 'duration', sureness: 'check', count: 1, amount: '0.3' },
    { kind: 'cost_mismatch', cause: 'cost', sureness: 'check', count: 1, amount: '0.25' },
  ];

  test('splits what differs by its side, and tells a dry run the same', async () => {
    const path = desk.write('august.jsonl', billed.map(line));
    const trial = await desk.json(3, 'reconcile', ...month, '--export', path, '--dry-run');
    const { differences, totals, currency } = await desk.json(3, 'reconcile', ...month, '--export', path);
    expect(totals).toEqual({ billed: '5.852', logged: '4.5', difference: '1.352' });
    expect(currency).toBe('USD');
    expect(differences).toMatchObject({
      overBilled: '3.25',
      underBilled: '2.2',
      billedAgain: '0.4',
      notCompared: { count: 1, billed: '0.7', logged: '0' },
      open: 8,
      claim: { amount: '3.25', certain: '0.45', toCheck: '2.80', disputed: '0', accepted: '0' },
    });
    expect(differences.kinds.unbilled).toEqual({ overBilled: '0', underBilled: '2.2' });
    expect(differences.claim.parts).toEqual(parts.map((part) => expect.objectContaining(part)));
    expect(trial.differences).toEqual(differences);
    const shown = await desk.json('reconcile', 'show', ...month);
    expect(shown.differences).toEqual(differences);
    const [listed] = await desk.json('reconcile', 'list');
    expect(listed).toMatchObject({ currency: 'USD', differences });
  });

  test('the terminal has the currency, one scale in all columns, and the headline at its end', async () => {
    const { stdout } = await desk.run('reconcile', ...month);
    expect(stdout).toMatch(
      /kind +count +billed USD +logged USD +difference +over-billed +under-billed +meaning/,
    );
    expect(stdout).toMatch(/^duplicate_line +1 +0\.400 +0\.000 +0\.400 +0\.400 +0\.000 /m);
    expect(stdout).toMatch(/^total +5\.852 +4\.500 +1\.352 +3\.250 +2\.200 /m);
    expect(stdout).toContain('billed 5.852, logged 4.500, difference 1.352 USD\n');
    expect(stdout).toContain(
      'the difference: 3.250 over-billed, -2.200 under-billed, 0.700 of which one side states no cost, 0.002 in what agrees, -0.400 billed before',
    );
    expect(stdout).toContain(
      'platform fee: 0.05 USD a minute. For the 440 s on the bill that is 0.366666 USD; 0.44 USD was billed, 0.073334 USD more: 0.06 a minute in place of 0.05.',
    );
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(lines.findIndex((one) => one.startsWith('Claim back')))).toEqual([
      'Claim back 3.25 USD from VAPI for August 2026: 0.45 USD is certain, 2.80 USD is to be checked first.',
      'Certain, by the bill itself: 1 line billed more than once, 0.40 USD; 1 call charged that never began, 0.05 USD.',
      'To be checked first, since only our own records say so: 1 call of an assistant that nobody here has, 1.50 USD; 1 call that our records do not have, 0.75 USD; 1 call billed for longer than we logged, 0.30 USD; 1 call billed at a higher cost than we logged, 0.25 USD.',
      'The other way round, 2.20 USD of what we logged was not billed, or billed lower; it may still be charged.',
      '1 difference cannot be judged in money: one side does not say what the call cost.',
      'The price is not that of the price list (platform fee): 0.06 USD a minute was billed in place of 0.05, which for 440 s is 0.073334 USD more.',
      'The month is open: 8 differences are unresolved.',
    ]);
  });

  test('a spreadsheet has them in columns of their own', async () => {
    const kinds = await csv('reconcile', 'show', ...month);
    expect(kinds.find(({ kind }) => kind === 'cost_mismatch')).toMatchObject({
      ...{ billed: '1.25', logged: '1', difference: '0.25' },
      ...{ currency: 'USD', overBilled: '0.25', underBilled: '0' },
    });
    const [listed] = await csv('reconcile', 'list');
    expect(listed).toMatchObject({
      currency: 'USD',
      overBilled: '3.25',
      underBilled: '2.2',
      toClaim: '3.25',
    });
    const [entry] = await csv('reconcile', 'show', ...month, '--kind', 'duplicate_line');
    expect(entry).toMatchObject({ difference: '0.4', currency: 'USD' });
  });

  test('the report begins with it, under the name of the company', async () => {
    const { page, first } = await report();
    expect(first).toMatch(/^Claim back 3\.25 USD from VAPI for August 2026: 0\.45 USD is certain/);
    expect(first).toContain('The month is open: 8 differences are unresolved.');
    expect(page).toContain('<div class="company">Fjord &amp; Co &lt;Oslo&gt;</div>');
    expect(page).toContain(
      '<title>Fjord &amp; Co &lt;Oslo&gt;: VAPI bill of August 2026, reconciled</title>',
    );
    expect(page).toContain('Amounts are exact, nothing is rounded.');
    expect(page).toContain('a minute, not');
    expect(page.match(/>(?:Billed|Logged|Difference|Over-billed|Under-billed)<\/th>/g)).toBeNull();
    const cells = (caption: string) =>
      [
        ...((page.split(`<caption class="hidden">${caption}</caption>`)[1] ?? '')
          .split('</table>')[0]
          ?.matchAll(/class="number">([^<]*)</g) ?? []),
      ].map(([, text = '']) => text);
    expect(cells('What to claim back, and how sure that is')).toEqual(
      expect.arrayContaining(['0.40', '0.05', '1.50', '0.75', '0.30', '0.25', '0.45', '2.80', '3.25']),
    );
    expect(cells('From over-billed and under-billed to the difference').slice(1)).toEqual([
      '+3.250',
      '-2.200',
      '+0.700',
      '+0.002',
      '-0.400',
      '+1.352',
    ]);
  });

  test('what is accepted is claimed no more, what is disputed is told, a closed month by whom it was closed', async () => {
    const as = (kind: string, resolution: string) =>
      desk.json(
        'reconcile',
        'resolve',
        ...month,
        '--kind',
        kind,
        '--as',
        resolution,
        '--reason',
        'asked',
        '--yes',
      );
    await as('cost_mismatch', 'accepted');
    const resolved = await as('duplicate_line', 'disputed');
    expect(resolved).toMatchObject({
      currency: 'USD',
      totals: { before: { difference: '1.352' }, after: null },
    });
    const { differences } = await desk.json('reconcile', 'show', ...month);
    expect(differences).toMatchObject({
      overBilled: '3.25',
      open: 6,
      claim: { amount: '3.00', certain: '0.45', toCheck: '2.55', disputed: '0.4', accepted: '0.25' },
    });
    await desk.json('reconcile', 'close', ...month, '--force', '--reason', 'year end', '--yes');
    const { first } = await report();
    expect(first).toContain('Of this, 0.40 USD has been disputed with the provider.');
    expect(first).toContain('Billed too much but accepted, and so not to be claimed: 0.25 USD.');
    expect(first).toMatch(
      /The month was closed by tester on 2027-06-01 00:00:00 UTC, while 6 differences are unresolved\.$/,
    );
  });

  test('a name of the company that nobody could print is refused', async () => {
    const { code, stderr } = await desk.with({ env: { QUOTA_COMPANY: 'a\u0007b' } }).run('reconcile', 'list');
    expect({ code, stderr }).toEqual({
      code: 78,
      stderr: expect.stringContaining('QUOTA_COMPANY is not a name'),
    });
  });
});

describe('months that are not like others', () => {
  const head = 'id,assistant_id,started_at,duration_seconds,cost,currency,kind,day';

  test('nothing was billed: nothing to claim, and the month says so', async () => {
    const { stdout } = await desk.run(
      'reconcile',
      '--month',
      '2026-07',
      '--provider',
      'nobody',
      '--nothing-billed',
    );
    expect(stdout).toContain(
      'Nothing to claim back from nobody for July 2026.\nNothing was billed.\nThe month is open, and nothing in it is unresolved: it can be closed.',
    );
  });

  test('fees alone are no claim, but are to be compared', async () => {
    const path = desk.write('fees.csv', [
      head,
      ',,,,19.5,EUR,fee,2026-07-02',
      ',,,,-3.125,EUR,fee,2026-07-09',
    ]);
    const { code, stdout } = await desk.run(
      'reconcile',
      '--month',
      '2026-07',
      '--provider',
      'feeco',
      '--export',
      path,
    );
    expect(code).toBe(0);
    expect(stdout).toContain(
      'the difference: 0.000 over-billed, 0.000 under-billed, 16.375 fees and credits',
    );
    expect(stdout).toContain(
      'Fees and credits of 16.375 EUR belong to no call: compare them with the contract.',
    );
  });

  test('a corrected log says how it moved the difference; the history tells amounts', async () => {
    await desk.query(
      `insert into quota.call_logs (user_id, service, provider, provider_call_id, assistant_id, status, started_at, ended_at, duration_seconds, cost)
       select user_id, 'voice', 'meterco', c.id, 'as-own', 'completed', '2026-07-05Z', '2026-07-05 00:01Z', 60, c.cost
       from quota.assistants, (values ('up', 1.2), ('down', 1.75)) c (id, cost)`,
    );
    const calls = [
      'up,as-own,2026-07-05T00:00:00Z,95,1.9,USD,call,',
      'down,as-own,2026-07-05T00:00:00Z,60,1.05,USD,call,',
    ];
    const path = desk.write('meterco.csv', [head, ...calls]);
    const of = ['--month', '2026-07', '--provider', 'meterco'];
    const { totals } = await desk.json(3, 'reconcile', ...of, '--export', path);
    expect(totals.difference).toBe('0.00');
    const wanted = ['--kind', 'duration_mismatch', '--as', 'corrected', '--reason', 'webhook lost', '--yes'];
    const { stdout } = await desk.run('reconcile', 'resolve', ...of, ...wanted);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'resolved 1 discrepancy of meterco 2026-07 as corrected',
      '  duration_mismatch 1: billed 1.90, logged 1.20 USD',
      '  1 log changed',
      '  the difference of the month was 0.00 USD and is -0.70 USD: the bill is the same, our records have changed',
    ]);
    const closed = await desk.run('reconcile', 'close', ...of, '--force', '--reason', 'agreed', '--yes');
    expect(closed.stdout).toBe('closed meterco 2026-07: billed 2.95, logged 3.65, difference -0.70 USD\n');
    const history = (await desk.run('audit', 'log', '--limit', '4')).stdout;
    expect(history).toMatch(/reconciliation\.close .* billed 2\.95, difference -0\.70/);
    expect(history).toMatch(/discrepancy\.resolve .* 1 corrected/);
    expect(history).toMatch(/call-log\.update .* cost 1\.20 USD → 1\.90 USD/);
  });

  test('36 digits are rounded for reading, which is said; JSON, CSV and the page have all of them', async () => {
    const exact = '0.253835980000000000000000000000000007';
    const path = desk.write('tiny.csv', [head, `t-1,as-own,2026-07-03T10:00:00Z,60,${exact},USD,call,`]);
    const of = ['--month', '2026-07', '--provider', 'tinyco'];
    const { stdout } = await desk.run('reconcile', ...of, '--export', path);
    expect(stdout).toContain('Up to ≈0.253836 USD to claim back from tinyco for July 2026');
    expect(stdout).toMatch(/^unlogged +1 +≈0\.253836 +0\.000000 +≈0\.253836 +≈0\.253836 +0\.000000 /m);
    expect(stdout).toContain('≈ rounded to 6 digits after the point');
    const { differences } = await desk.json(3, 'reconcile', ...of);
    expect(differences.claim.amount).toBe(exact);
    expect((await csv('reconcile', 'show', ...of))[0]).toMatchObject({ billed: exact, overBilled: exact });
    const page = (await desk.run('reconcile', 'report', ...of, '-o', '-')).stdout;
    expect(page).toContain(`<data value="${exact}" title="${exact}">≈0.253836</data>`);
    expect(page).not.toContain('nothing is rounded');
  });
});

describe('a bill that is given twice', () => {
  const bill = (...calls: Call[]) => calls.map((call) => line(call).replaceAll('2026-08', '2026-07'));
  const again = { id: 'again', seconds: 60, cost: 0.4, assistant: 'as-nobodys' };
  const other = { id: 'other', seconds: 60, cost: 0.3, assistant: 'as-nobodys' };
  const claimOf = async (...names: string[]) => {
    const files = names.flatMap((name) => ['--export', name]);
    const { stdout } = await desk.run('reconcile', '--month', '2026-07', ...files, '--json');
    return JSON.parse(stdout).differences.claim;
  };

  test('proves nothing by that: what one file has twice is certain, once', async () => {
    const first = desk.write('july.jsonl', bill(again, again, other));
    const newer = desk.write(
      'newer.jsonl',
      bill(again, again, { ...other, cost: 0.2 }, { ...other, id: 'third' }),
    );
    const packed = desk.write('july.jsonl.gz', gzipSync(readFileSync(first)));
    expect(await claimOf(first)).toMatchObject({ certain: '0.4', toCheck: '0.7' });
    const twice = await claimOf(newer, packed);
    expect(twice).toMatchObject({ certain: '0.4' });
    expect(twice.parts).toEqual([
      expect.objectContaining({ cause: 'billed-again', sureness: 'certain', count: 1, amount: '0.4' }),
      expect.objectContaining({ cause: 'told-again', sureness: 'check', count: 6, amount: '2.2' }),
      expect.objectContaining({ cause: 'not-ours', count: 3, amount: '0.9' }),
    ]);
    const { stdout } = await desk.run('reconcile', 'show', '--month', '2026-07', '--provider', 'vapi');
    expect(stdout).toContain(
      'To be checked first, since it may be the same bill twice: 6 lines that another file has, too, 2.20 USD.',
    );
  });

  test('with a credit in it comes to the difference of the month to the last digit', async () => {
    const fees = (name: string, order: number[]) =>
      desk.write(
        name,
        'id,day,kind,description,cost\n' +
          order.map((n) => [',2026-06-01,fee,plan,10.00', ',2026-06-20,fee,credit,-2.50'][n]).join('\n'),
      );
    const files = ['--export', fees('june.csv', [0, 1]), '--export', fees('later.csv', [1, 0])];
    const run = ['reconcile', '--month', '2026-06', '--provider', 'acme', ...files];
    const { stdout } = await desk.run(...run, '--json');
    const { differences, totals } = JSON.parse(stdout);
    expect(totals.difference).toBe('7.50');
    expect(differences).toMatchObject({ overBilled: '7.50', underBilled: '0', billedAgain: '7.50' });
    expect(differences.claim).toMatchObject({ certain: '0', toCheck: '7.50' });
  });
});
