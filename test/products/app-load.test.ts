import { beforeAll, expect, test } from 'vitest';
import { arrangeDueUsers, callLogLines, dueUsers, selectStored } from '../../bench/app-load/arrange.ts';
import { runClients } from '../../bench/app-load/clients.ts';
import { useDesk } from '../desk/desk.ts';
import { Logins } from '../trust/logins.ts';

/** What `node scripts/bench.mjs app-load` measures, small: here it is right or wrong, however long it takes. */
const desk = useDesk();
const logins = new Logins(desk);
const users = 2;
let url = '';
beforeAll(async () => {
  url = logins.url(await logins.add('load', 'app'));
  await desk.query(arrangeDueUsers(40));
});

test('clients beside jobs, resets and an import of the same users: nothing overspent, nothing lost, no error', async () => {
  const file = desk.write('calls.csv', [...callLogLines(800, users)]);
  let isOver = false;
  const clients = runClients({
    ...{ url, clients: 6, users: dueUsers(users), estimate: 150 },
    phase: () => (isOver ? undefined : 'all'),
  });
  const imported = desk.json('import', 'call-logs', file, '--yes');
  const jobs = async () => {
    for (const job of [
      ['reset-anniversaries', '--no-sync'],
      ['reset-months', '--no-sync'],
      ['reap-stale'],
      ['roll-up-analytics'],
    ]) {
      await desk.json('jobs', ...job);
    }
  };
  const refused = async () => (await desk.query(`select from quota.refusals`)).length > 0;
  await Promise.all([imported, jobs()]);
  await expect.poll(refused, { interval: 50 }).toBe(true);
  isOver = true;
  const told = await clients;

  expect(told.errors).toEqual([]);
  expect(await imported).toMatchObject({ new: 800 });
  const stored = await desk.query<{ user: string; avatarSeconds: number; messages: number }>(selectStored);
  expect(new Map(stored.map((row) => [row.user, row.messages]))).toEqual(told.messages);
  expect(new Map(stored.map((row) => [row.user, row.avatarSeconds]))).toEqual(told.avatarSeconds);
  expect(stored.filter(({ avatarSeconds }) => avatarSeconds > 1200)).toEqual([]);
  expect(stored.map(({ avatarSeconds }) => Math.floor(avatarSeconds / 100))).not.toContain(0);
  expect(await desk.json('doctor', '--strict')).toMatchObject({ differences: 0 });
});
