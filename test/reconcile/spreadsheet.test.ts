import Papa from 'papaparse';
import { beforeAll, expect, test } from 'vitest';
import { perFile } from '../desk/desk.ts';
import { MonthDesk } from './month-desk.ts';

/** What a spreadsheet would run, or take for something else than text. */
const dangerous = [
  '=1+1',
  '+1',
  '-1+1',
  '@SUM(A1)',
  '\tx',
  '\rx',
  '\nx',
  '＝1+1',
  '-',
  '-1e5',
  '=HYPERLINK("http://example.com")',
];

const desk = perFile(new MonthDesk());

/** The lines of a CSV by its columns, as a spreadsheet would read them. */
async function csv(...args: string[]): Promise<Record<string, string>[]> {
  const { code, stdout, stderr } = await desk.run(...args, '--output', 'csv');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return Papa.parse<Record<string, string>>(stdout, { header: true, skipEmptyLines: true }).data;
}

beforeAll(async () => {
  for (const [index, name] of dangerous.entries()) {
    await desk.query(
      `with added as (insert into quota.users (external_id, created_at) values ($1, '2024-01-15Z') returning id)
       insert into quota.assistants (user_id, provider_assistant_id) select id, $2 from added`,
      [name, `=assistant${index}`],
    );
  }
  const lines = dangerous.map((name, index) =>
    JSON.stringify({
      id: `${name}${index}x`,
      orgId: 'o',
      createdAt: '2026-10-05T10:00:00Z',
      startedAt: '2026-10-05T10:00:00Z',
      endedAt: '2026-10-05T10:01:00Z',
      status: 'ended',
      assistantId: `=assistant${index}`,
      cost: 0.1,
    }),
  );
  const path = desk.write('=cmd.jsonl', lines);
  await desk.query(
    `insert into quota.call_logs (user_id, service, provider, provider_call_id, assistant_id, status, started_at, ended_at, duration_seconds, cost)
     select user_id, 'voice', 'vapi', '-7', provider_assistant_id, 'completed', '2026-10-06Z', '2026-10-06 00:01Z', 60, 5.25
     from quota.assistants where provider_assistant_id = '=assistant0'`,
  );
  await desk.json(3, 'reconcile', '--month', '2026-10', '--export', path);
  await desk.resolve(0, 'unlogged', 'accepted', '=1+1');
});

test('no cell of text can be run by a spreadsheet, and all of it is there', async () => {
  const rows = await csv('reconcile', 'show', '--month', '2026-10', '--kind', 'unlogged');
  // A carriage return, which turns back on a terminal, has become a space.
  const harmless = dangerous.map((name) => `'${name.replace('\r', ' ')}`);
  expect(rows.map(({ user }) => user).sort()).toEqual(harmless.sort());
  for (const row of rows) {
    for (const [column, cell] of Object.entries(row)) {
      expect(cell, column).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
    }
    expect(row).toMatchObject({ reason: "'=1+1", billed: '0.1', difference: '0.1' });
    expect(row.assistantId).toMatch(/^'=assistant\d+$/);
  }
});

test('money below zero stays a number', async () => {
  const [unbilled] = await csv('reconcile', 'show', '--month', '2026-10', '--kind', 'unbilled');
  expect(unbilled).toMatchObject({ logged: '5.25', difference: '-5.25' });
  const [month] = await csv('reconcile', 'list');
  expect(month).toMatchObject({ provider: 'vapi', billed: '1.1', logged: '5.25', difference: '-4.15' });
  const kinds = await csv('reconcile', 'show', '--month', '2026-10');
  expect(kinds.find(({ kind }) => kind === 'unbilled')).toMatchObject({ difference: '-5.25' });
});
