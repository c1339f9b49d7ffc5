import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { needs } from '../desk/needs.ts';
import { keys, onTerminal } from '../desk/terminal.ts';
import { MonthDesk } from './month-desk.ts';

const hasScript = spawnSync('script', ['--version']).status === 0;

const bill = [
  'Vorgang;Berater;Beginn;Ende;Minuten;Aufschlag;Netto (EUR);Notiz',
  'k-71;b-1;05.10.2026 09:12:19;05.10.2026 09:14:39;2,33;0,10;0,2315;ok',
  'k-72;b-2;17.10.2026 10:00:00;17.10.2026 10:01:00;1,00;0,20;1.204,50;',
];

describe.runIf(needs(hasScript, 'script, of util-linux'))('a person at a terminal', () => {
  const desk = perTest(new MonthDesk());
  const reconcile = (path: string) => ['reconcile', '--month', '2026-10', '--export', path];
  const saved = () =>
    desk.query('select name, columns, provider, date_order, decimal_sign from quota.export_mappings');

  test('is asked for the columns of a file that nobody knows, one by one, and never again', async () => {
    const path = desk.write('bill.csv', bill);
    const { code, screen } = await onTerminal(reconcile(path), {
      env: desk.env,
      answers: [
        [/\? Vorgang \(k-71 · k-72\)[\s\S]*❯ nothing/, keys.down.repeat(1) + keys.enter],
        [/\? Berater \(b-1 · b-2\)[\s\S]*❯ the assistant/, keys.enter],
        [/\? Beginn [\s\S]*❯ when it began/, keys.enter],
        [/\? Ende [\s\S]*❯ when it ended/, keys.enter],
        [/\? Minuten [\s\S]*❯ how long, in minutes/, keys.enter],
        [/\? Aufschlag [\s\S]*❯ nothing/, keys.enter],
        [/\? Netto \(EUR\) [\s\S]*❯ what it cost/, keys.enter],
        [/\? Notiz [\s\S]*❯/, keys.up.repeat(20) + keys.enter],
        [/Whose bill is it\?/, `Acme${keys.enter}`],
        [/How are dates written \(05\.10\.2026 09:12:19\)\?[\s\S]*❯ day, month, year/, keys.enter],
        [/Under which name/, `acme bills${keys.enter}`],
      ],
    });
    expect(screen).toMatch(/unlogged +2/);
    expect(screen).toContain(`quota reconcile --month 2026-10 --export ${path} --mapping 'acme bills'`);
    expect(code).toBe(3);
    const columns = [
      ...[
        'Vorgang=id',
        'Berater=assistant_id',
        'Beginn=started_at',
        'Ende=ended_at',
        'Minuten=duration_minutes',
      ],
      'Netto (EUR)=cost',
    ];
    expect(await saved()).toEqual([
      { name: 'acme bills', columns, provider: 'acme', date_order: 'dmy', decimal_sign: 'comma' },
    ]);
    const next = desk.write(
      'next.csv',
      bill.map((line) => line.replace('k-7', 'k-8')),
    );
    const { totals } = await desk.json(3, ...reconcile(next), '--mapping', 'acme bills', '--replace');
    expect(totals.billed).toBe('1204.7315');
  });

  test('who leaves in the midst, or is not to be asked, has changed nothing', async () => {
    const path = desk.write('bill.csv', bill);
    const before = await desk.snapshot({ sequences: false });
    const left = await onTerminal(reconcile(path), {
      env: desk.env,
      answers: [
        [/\? Vorgang /, keys.enter],
        [/\? Berater /, keys.interrupt],
      ],
    });
    expect(left.code).toBe(130);
    const silent = await onTerminal([...reconcile(path), '--no-input'], { env: desk.env, answers: [] });
    expect(silent.screen).toContain("--map 'Netto (EUR)=cost'");
    expect(silent.code).toBe(65);
    expect(await desk.snapshot({ sequences: false })).toEqual(before);
  });
});
