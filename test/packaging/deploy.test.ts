import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadJobs } from '../../jobs/index.ts';
import { readWords } from '../../src/cli/read-words.ts';
import { wholeTree } from '../whole-tree.ts';

const definitions = await loadJobs();
const schedules = Object.fromEntries(definitions.map(({ name, schedule }) => [name, schedule]));

/** `*\/5 * * * *` as systemd writes it, for the kinds of schedule that jobs have. */
function calendarOf(schedule: string): string {
  const [minute = '', hour = '', , , weekday = ''] = schedule.split(' ');
  const two = (field: string) => field.padStart(2, '0');
  const minutes = minute.startsWith('*/') ? `00/${minute.slice(2)}` : two(minute);
  const day = weekday === '*' ? '' : `${['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][Number(weekday)]} `;
  return `${day}*-*-* ${hour === '*' ? '*' : two(hour)}:${minutes}:00 UTC`;
}

test('the crontab runs every job at its schedule, by a command line that there is', async () => {
  const lines = readFileSync('deploy/crontab', 'utf8').matchAll(
    /^(?:# )?([\d*/]+ +[\d*/]+ +[\d*/]+ +[\d*/]+ +[\d*/]+) +quota +quota (.+)$/gm,
  );
  const tree = await wholeTree();
  const found: Record<string, string> = {};
  for (const [, schedule = '', words = ''] of lines) {
    const read = await readWords(tree, words.split(/ +/));
    expect(read.unknown, words).toBeUndefined();
    expect(read.given, words).toContain('--env-file');
    const known = [...read.command.options, ...tree.root.options].map(({ long }) => long);
    expect(known, words).toEqual(expect.arrayContaining([...read.given]));
    found[read.command.name()] = schedule.replace(/ +/g, ' ');
  }
  expect(found).toEqual(schedules);
});

test('systemd has a timer at its schedule for every job', () => {
  const timers = readdirSync('deploy/systemd')
    .filter((file) => file.endsWith('.timer'))
    .map((file) => {
      const text = readFileSync(`deploy/systemd/${file}`, 'utf8');
      const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
      const job = /^quota@([a-z-]+)\.service$/.exec(setting('Unit'))?.[1] ?? '';
      expect(file).toBe(`quota-${job}.timer`);
      return [job, setting('OnCalendar')];
    });
  expect(Object.fromEntries(timers)).toEqual(
    Object.fromEntries(definitions.map(({ name, schedule }) => [name, calendarOf(schedule)])),
  );
});
