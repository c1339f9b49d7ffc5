import { beforeAll, expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const asOf = '2026-10-15T12:00:00Z';
const desk = useDesk({ asOf });
let ada: string;
beforeAll(async () => {
  ada = await desk.addUser({ externalId: 'ada', createdAt: '2026-01-10T08:00:00Z' });
  await desk.addCalls({ userId: ada, at: asOf, seconds: '600' });
});

const mustBeLimited = async (at: string) => {
  const [row] = await desk.queryAt<{ must: boolean }>(
    at,
    `select quota.must_be_limited($1, 'voice') as must`,
    [ada],
  );
  return row?.must;
};

test('who has used a running period up must be limited, to its last instant', async () => {
  expect(await mustBeLimited(asOf)).toBe(true);
  expect(await mustBeLimited('2026-11-09T23:59:59.999Z')).toBe(true);
  expect(await mustBeLimited('2026-11-10T00:00:00Z')).toBe(false);
});

test('a quota in whose place another is limits nobody', async () => {
  await desk.query('update quota.usage_quotas set superseded = true where user_id = $1', [ada]);
  expect(await mustBeLimited(asOf)).toBe(false);
  await desk.query('update quota.usage_quotas set superseded = false where user_id = $1', [ada]);
});
