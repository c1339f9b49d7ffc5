import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { productTables } from './product-tables.ts';
import { type WorkedProduct, workedProducts } from './products.ts';

/** QUOTA_TEST_ADOPT_USERS=200 is the size at which it was first made to pass. */
const users = Number(process.env.QUOTA_TEST_ADOPT_USERS ?? 24);
const clients = 3;
const now = '2026-11-20T12:00:00Z';
const later = '2026-12-22T12:00:00Z';
const desk = useDeskPerTest({ asOf: now, vapi: {} });

/** The app's clients, at work until they are told to stop; what they heard of errors. */
function work({ write }: WorkedProduct, clock: string, at: string) {
  let isOver = false;
  const errors: string[] = [];
  const client = (number: number) =>
    desk.session(async (connection) => {
      await connection.query(`select set_config('quota.as_of', $1, false)`, [clock]);
      for (let turn = 0; !isOver; turn += 1) {
        for (const statement of write(number, turn, at, users)) {
          await connection.query(statement).catch((error: Error) => {
            errors.push(error.message);
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
async function expectAgreement(product: string, clock: string): Promise<void> {
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

test.each(Object.entries(workedProducts))(
  '%s: a month of its life under quota, and back',
  async (product, worked) => {
    await desk.queryAt(now, productTables(product, users));
    if (product === 'voice-matrix') {
      const assistants = await desk.query<{ id: string }>(
        'select vapi_assistant_id as id from user_assistants',
      );
      desk.vapi.putAssistants(assistants.map(({ id }) => ({ id, name: id, firstMessage: 'Hello' })));
    }
    const file = desk.path('product.yaml');
    await desk.json('adopt', 'init', file, '--product', product);
    await desk.json('adopt', 'check', file);
    await desk.json('adopt', 'attach', file, '--yes');
    const stop = work(worked, now, '2026-11-20 11:10');
    await desk.json('adopt', 'backfill', product, '--yes', '--batch-size', '100');
    await stop();
    await expectAgreement(product, now);
    expect(await desk.query(`select from quota.alert_deliveries where status = 'pending'`)).toEqual([]);

    await desk.json('adopt', 'authority', product, 'quota', '--yes');
    const stopUnder = work(worked, now, '2026-11-20 11:20');
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
    await expectAgreement(product, now);

    const inDecember = desk.at(later);
    await inDecember.json('jobs', 'reset-anniversaries');
    await inDecember.json('jobs', 'reset-months');
    const stopLater = work(worked, later, '2026-12-22 11:30');
    await inDecember.json('jobs', 'enforce-limits');
    await stopLater();
    await expectAgreement(product, later);
    expect(
      await desk.query(`select from quota.assistant_limits where status in ('pending', 'failed')`),
    ).toEqual([]);

    await inDecember.json('adopt', 'authority', product, 'app', '--yes');
    await inDecember.json('adopt', 'detach', product, '--yes');
    expect(
      await desk.query(`select t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relnamespace = 'public'::regnamespace and t.tgname ~ 'quota'`),
    ).toEqual([]);
    await work(worked, later, '2026-12-22 11:40')();
  },
);
