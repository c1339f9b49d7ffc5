import { copyFileSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { useFolder } from '../desk/folder.ts';
import { makeMonth, vapiJson } from './made-month.ts';
import { MonthDesk } from './month-desk.ts';

const folder = useFolder();
const scratch = folder.place;
const place = (name: string) => folder.path(name);
const sample = `${process.cwd()}/fixtures/voice-2026-10/vapi-calls.jsonl`;
const page = (name: string) => readFileSync(place(name), 'utf8');
/** The words of a page, without its marks. */
const words = (name: string) =>
  page(name)
    .replace(/<style>.*<\/style>/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
/** The cells of the rows of the table with this caption. */
function tableOf(name: string, caption: string): string[][] {
  const start = page(name).indexOf(`<caption class="hidden">${caption}</caption>`);
  expect(start, caption).toBeGreaterThan(0);
  const text = page(name).slice(start, page(name).indexOf('</table>', start));
  return [...text.matchAll(/<tr[^>]*>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) =>
      cell.replace(/<small>.*?<\/small>/gs, '').replace(/<[^>]+>/g, ''),
    ),
  );
}

describe('the sample month', () => {
  const desk = perFile(new MonthDesk());
  beforeAll(() => desk.loadSample());

  test('a report that cannot be written is refused before anything is done', async () => {
    const run = (...args: string[]) =>
      desk.run('reconcile', '--month', '2026-10', '--export', sample, ...args);
    for (const path of ['/no/such/folder/x.html', scratch, '/dev/null', '-']) {
      const { code, stderr, stdout } = await run('--report', path);
      expect({ path, code, stdout }).toEqual({ path, code: 2, stdout: '' });
      expect(stderr).toContain(path);
    }
    copyFileSync(sample, place('calls.jsonl'));
    symlinkSync(place('calls.jsonl'), place('link'));
    const own = await desk.run(
      'reconcile',
      '--month',
      '2026-10',
      '--export',
      place('calls.jsonl'),
      '--report',
      place('link'),
    );
    expect(own.code).toBe(2);
    expect(own.stderr).toContain('would overwrite the export');
    expect(readFileSync(place('calls.jsonl')).equals(readFileSync(sample))).toBe(true);
    expect(await desk.query('select 1 from quota.billing_exports')).toEqual([]);
  });

  test('a run that fails, and a dry run, leave a report that is there as it is', async () => {
    writeFileSync(place('kept.html'), 'the last one');
    writeFileSync(place('bad.jsonl'), '{"id": "1", "orgId": ');
    const bad = await desk.run(
      'reconcile',
      '--month',
      '2026-10',
      '--export',
      place('bad.jsonl'),
      '--report',
      place('kept.html'),
    );
    expect(bad.code).toBe(65);
    const trial = await desk.run(
      'reconcile',
      '--month',
      '2026-10',
      '--export',
      sample,
      '--dry-run',
      '--report',
      place('kept.html'),
    );
    expect(trial.code).toBe(3);
    expect(trial.stderr).toContain('a dry run writes no report');
    expect(page('kept.html')).toBe('the last one');
    expect(readdirSync(scratch).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  test('stdout stays the data; the path is said on stderr, to a person', async () => {
    const args = ['reconcile', '--month', '2026-10', '--export', sample, '--report', place('voice.html')];
    const { code, stdout, stderr } = await desk.run(...args, '--json');
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(JSON.parse(stdout).totals).toEqual({
      billed: '2008.4040',
      logged: '2009.8069',
      difference: '-1.4029',
    });
    expect((await desk.run(...args)).stderr).toBe(`report written to ${place('voice.html')}\n`);
  });

  test('the page needs nothing else: no script, no request', () => {
    expect(page('voice.html')).not.toMatch(/<script|<link|<img|@import|url\(|https?:|src=| on\w+="/i);
    expect(page('voice.html').match(/href="[^#]/)).toBeNull();
    expect(page('voice.html')).not.toMatch(/NaN|undefined|\[object/);
    expect(page('voice.html')).toMatch(/@page\{size:A4/);
  });

  test('the bill adds up, to the last digit', () => {
    const rows = tableOf('voice.html', 'Kinds, their sums, and the total of the exports');
    expect(rows).toContainEqual(['This month', '', '2,008.4040', '2,009.8069', '-1.4029']);
    expect(rows.slice(-2)).toEqual([
      ['All of the above', '', '2,013.1157', '', ''],
      ['The exported file', '', '2,013.1157', '', ''],
    ]);
    expect(rows).toContainEqual(['Billed, not logged', '35', '12.2553', '0.0000', '+12.2553']);
    const days = tableOf('voice.html', 'Billed and logged per day');
    expect(days).toHaveLength(31 + 2);
    expect(days.at(-1)).toEqual(['This month', '6,267', '2,008.4040', '2,009.8069', '-1.4029']);
    const cents = (text = '') => Math.round(Number(text.replaceAll(',', '')) * 10_000);
    const added = days.slice(1, -1).reduce((sum, row) => sum + cents(row[2]), 0);
    expect(added).toBe(cents('2008.4040'));
  });

  test('says which file, who, what should have been billed, and every difference with its call', () => {
    expect(words('voice.html')).toContain('VAPI, October 2026');
    expect(words('voice.html')).toContain('110 differences have not been resolved yet');
    const [, file = []] = tableOf('voice.html', 'The exported files');
    expect(file).toEqual([sample, '2027-06-01 00:00:00 UTC', '6,269', '2,013.1157']);
    expect(page('voice.html')).toContain('1efb6dcd6e6f');
    expect(tableOf('voice.html', 'What was done to this month, the latest first')[1]).toEqual([
      '2027-06-01 00:00:00 UTC',
      'tester',
      'Reconciled: billed 2,008.404, difference -1.4029',
    ]);
    expect(tableOf('voice.html', 'Expected cost by rate card beside the billed cost')[1]?.[0]).toBe(
      'platform fee',
    );
    expect(tableOf('voice.html', 'Billed, not logged')).toHaveLength(35 + 1);
    expect(
      tableOf('voice.html', 'Differences by kind: how many, and how much money')[1]?.slice(0, 3),
    ).toEqual(['Billed, not logged', '35', '35']);
    expect(tableOf('voice.html', 'Users by difference')).toHaveLength(15 + 1);
  });

  test('what was resolved says why and by whom, a closed month by whom it was closed', async () => {
    await desk.json(
      0,
      'reconcile',
      'backfill',
      '--month',
      '2026-10',
      '--reason',
      'webhook was down',
      '--yes',
    );
    const reason = 'ticket <script>"4711"</script>\u001b[31m\u202e';
    await desk.resolve(0, 'duplicate_line', 'disputed', reason);
    await desk.json(0, 'reconcile', 'close', '--month', '2026-10', '--force', '--reason', 'agreed', '--yes');
    const answer = await desk.json(
      0,
      'reconcile',
      'report',
      '--month',
      '2026-10',
      '-o',
      place('closed.html'),
    );
    expect(answer).toMatchObject({
      provider: 'vapi',
      month: '2026-10',
      report: place('closed.html'),
      discrepancies: 80,
      listed: 80,
    });
    expect(answer.bytes).toBe(statSync(place('closed.html')).size);
    expect(words('closed.html')).toContain('Closed by tester on 2027-06-01 00:00:00 UTC');
    expect(words('closed.html')).toContain(
      'disputed by tester, 2027-06-01 ticket &lt;script&gt;&quot;4711&quot;&lt;/script&gt;',
    );
    expect(page('closed.html')).not.toMatch(/<script|\u001b|\u202e/);
    expect(tableOf('closed.html', 'Resolved, and in agreement since')).toHaveLength(30 + 1);
    expect(words('closed.html')).toContain('Closed by force: billed 2,008.404');
    const byId = await desk.run('reconcile', 'report', answer.id, '--report', '-');
    expect(byId.code).toBe(0);
    expect(byId.stdout).toBe(page('closed.html'));
  });

  test('a month that there is not, and stdout wanted twice', async () => {
    expect((await desk.run('reconcile', 'report', '--month', '2026-09')).code).toBe(4);
    expect((await desk.run('reconcile', 'report')).code).toBe(2);
    expect((await desk.run('reconcile', 'report', '4711')).code).toBe(2);
    expect((await desk.run('reconcile', 'report', '--month', '2026-10', '-o', '-', '--json')).code).toBe(2);
  });
});

test('a month in which nothing differs says so', async () => {
  const desk = await new MonthDesk().open();
  try {
    const made = makeMonth(3, '2026-02', { users: 3, calls: 200 });
    const matched = {
      ...made,
      logs: made.logs.filter(({ kind }) => kind === 'matched'),
      lines: made.lines.filter(({ kind }) => kind === 'matched'),
    };
    await desk.loadMonth(matched);
    const path = folder.write('matched.jsonl', matched.lines.map(vapiJson));
    await desk.json(
      0,
      'reconcile',
      '--month',
      '2026-02',
      '--export',
      path,
      '--report',
      place('matched.html'),
    );
    expect(words('matched.html')).toContain('All matched');
    expect(words('matched.html')).toContain('nothing differs');
    expect(page('matched.html')).not.toContain('What differs');
    expect(tableOf('matched.html', 'Billed and logged per day').at(-1)?.[0]).toBe('This month');
  } finally {
    await desk.close();
  }
});

test('however much differs, the largest are listed, the rest is summed up, and the page stays small', async () => {
  const desk = await new MonthDesk().open();
  try {
    const made = makeMonth(4, '2026-03', { users: 300, calls: 12_000 });
    const lost = { ...made, logs: [] };
    await desk.loadMonth(lost);
    const path = folder.write('lost.jsonl', lost.lines.map(vapiJson));
    await desk.json(3, 'reconcile', '--month', '2026-03', '--export', path, '--report', place('lost.html'));
    const listed = tableOf('lost.html', 'Billed, not logged');
    expect(listed).toHaveLength(100 + 1);
    const differences = listed.slice(1).map((row) => Number(row.at(-2)?.replaceAll(',', '')));
    expect(differences).toEqual([...differences].sort((one, other) => other - one));
    const [sums] = await desk.query<{ count: number; billed: string }>(
      `select count(*)::int - 100 as count, (sum(billed) - ${differences.map((one) => one.toFixed(4)).join(' - ')})::text as billed
       from quota.discrepancies where kind = 'unlogged'`,
    );
    const rest = words('lost.html').match(/([\d,]+) more of this kind, [^:]*: billed ([\d,.]+),/);
    expect(rest?.[1]?.replaceAll(',', '')).toBe(String(sums?.count));
    expect(Number(rest?.[2]?.replaceAll(',', ''))).toBe(Number(sums?.billed));
    expect(words('lost.html')).toContain(
      'quota reconcile show --month 2026-03 --provider vapi --kind unlogged --output csv',
    );
    expect(page('lost.html').length).toBeLessThan(300_000);
  } finally {
    await desk.close();
  }
});

test('of a bill that states no amounts, durations are compared, and nobody is told of missing money', async () => {
  const desk = await new MonthDesk().open();
  try {
    const asOf = ['--as-of', '2026-11-15T12:00:00Z'];
    const wanted = [
      '--export',
      'heygen-sessions',
      '--export-dir',
      scratch,
      '--differences',
      'duration_mismatch=2',
    ];
    const { exports } = await desk.json(0, 'fixtures', 'seed', ...wanted, ...asOf);
    const files = ['--export', exports[0].file, '--report', place('heygen.html')];
    await desk.json(3, 'reconcile', '--month', '2026-10', ...files, ...asOf);
    expect(words('heygen.html')).toContain('This bill states no amounts');
    const shown = await desk.run('reconcile', 'show', '--month', '2026-10', '--provider', 'heygen');
    expect(shown.stdout).toMatch(
      /billed [\d.]+, logged [\d.]+, difference -?[\d.]+ seconds; the bill states no amounts/,
    );
    expect((await desk.run('reconcile', 'list')).stdout).toMatch(
      /^heygen +2026-10 +open +1 +\d+ +\d+ +[\d.]+$/m,
    );
    expect(shown.stdout).toMatch(/kind +count +our cost +meaning/);
    expect(words('heygen.html')).toContain('Billed and logged per day, seconds');
    expect(words('heygen.html')).not.toMatch(/Billed − logged|to the last digit/);
    const [sums] = await desk.query<{ billed: string; logged: string }>(
      `select (select sum(duration_seconds)::text from quota.billing_lines) as billed,
         (select sum(duration_seconds)::text from quota.call_logs where provider = 'heygen'
           and started_at >= '2026-10-01Z' and started_at < '2026-11-01Z') as logged`,
    );
    const total = tableOf('heygen.html', 'Billed and logged per day').at(-1);
    expect(total?.slice(2, 4).map((text) => text.replaceAll(',', ''))).toEqual([sums?.billed, sums?.logged]);
    expect(tableOf('heygen.html', 'Billed for another duration')[0]).not.toContain('Difference');
  } finally {
    await desk.close();
  }
});
