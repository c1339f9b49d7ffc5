import { expect } from 'vitest';
import type { Desk } from '../desk/desk.ts';
import type { WorkedProduct } from './products.ts';

const clients = 3;
export const now = '2026-11-20T12:00:00Z';
const later = '2026-12-22T12:00:00Z';

/** The app's clients, at work until they are told to stop; what they heard of errors. */
function work(desk: Desk, { write }: WorkedProduct, users: number, clock: string, at: string) {
  let isOver = false;
  const errors: string[] = [];
  const client = (number: number) =>
    desk.session(async (connection) => {
      await connection.query(`select set_config('quota.as_of', $1, false)`, [clock]);
      for (let turn = 0; !isOver; turn += 1) {
        for (const statement of write(number, turn, at, users)) {
          await connection.query(statement).catch(async (error: Error) => {
            errors.push(error.message);
            await connection.query('rollback');
          });
        }
      }
    });
  const all = Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return async () => {
    isOver = true;
    await all;
    expect(errors).toEqual([]);
  };
}

/** What waited is taken up, and everything agrees. */
async function expectAgreement(desk: Desk, product: string, clock: string): Promise<void> {
  const retried = new Date(Date.parse(clock) + 3_600_000).toISOString();
  await desk.at(retried).json('jobs', 'adopt-retry');
  const { code, data } = await desk.at(clock).answer('adopt', 'verify', product);
  expect({ code, ...data }).toMatchObject({
    code: 0,
    differing: 0,
    waiting: 0,
    unfinished: [],
    differences: [],
  });
  expect(await desk.differences()).toEqual([]);
}

/** The triggers on the tables of the app. */
const triggers = (desk: Desk) =>
  desk.query(`select t.tgrelid::regclass::text as table, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and c.relnamespace <> 'quota'::regnamespace order by 1, 2`);

/** A product that is adopted by a mapping while it is at work, a month of its life under quota, and the way back. */
export async function liveAMonth(
  desk: Desk,
  product: string,
  worked: WorkedProduct,
  file: string,
  users: number,
): Promise<void> {
  const before = await triggers(desk);
  await desk.json('adopt', 'check', file);
  await desk.json('adopt', 'attach', file, '--yes');
  const stop = work(desk, worked, users, now, '2026-11-20 11:10');
  await desk.json('adopt', 'backfill', product, '--yes', '--batch-size', '100');
  await stop();
  await expectAgreement(desk, product, now);
  expect(await desk.query(`select from quota.alert_deliveries where status = 'pending'`)).toEqual([]);

  await desk.json('adopt', 'authority', product, 'quota', '--yes');
  const stopUnder = work(desk, worked, users, now, '2026-11-20 11:20');
  await desk.json('jobs', 'enforce-limits');
  const [{ id: one } = { id: '' }, { id: other } = { id: '' }] = await desk.query<{ id: string }>(
    `select u.external_id as id from quota.subscriptions s join quota.users u on u.id = s.user_id where s.service = '${worked.service}' order by 1 limit 2`,
  );
  await desk.json('user', 'grant', one, worked.meter, '120', '--reason', 'goodwill', '--yes', '--no-sync');
  await desk.json('user', 'set-plan', other, worked.plan, '--reason', 'asked for it', '--yes', '--no-sync');
  await desk.json(
    'user',
    'reset',
    other,
    '--service',
    worked.service,
    '--reason',
    'goodwill',
    '--yes',
    '--no-sync',
  );
  await stopUnder();
  await expectAgreement(desk, product, now);

  const inDecember = desk.at(later);
  await inDecember.json('jobs', 'reset-anniversaries');
  await inDecember.json('jobs', 'reset-months');
  const stopLater = work(desk, worked, users, later, '2026-12-22 11:30');
  await inDecember.json('jobs', 'enforce-limits');
  await stopLater();
  await expectAgreement(desk, product, later);
  expect(
    await desk.query(`select from quota.assistant_limits where status in ('pending', 'failed')`),
  ).toEqual([]);

  await inDecember.json('adopt', 'authority', product, 'app', '--yes');
  await inDecember.json('adopt', 'detach', product, '--yes');
  expect(await triggers(desk)).toEqual(before);
  await work(desk, worked, users, later, '2026-12-22 11:40')();
}
