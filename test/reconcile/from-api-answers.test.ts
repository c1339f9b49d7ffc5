import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perTest } from '../desk/desk.ts';
import { asOf, fetchLine } from './api-month.ts';
import { MonthDesk } from './month-desk.ts';

/** What something that is not, or no longer, the VAPI we know answers. */
interface Answers {
  calls: string;
  analytics?: { status: number; body: string };
}

let answers: Answers;
let server: Server;
const desk = perTest(new MonthDesk({ asOf }));

beforeAll(async () => {
  server = createServer((request, response) => {
    const { status, body } =
      request.url === '/analytics'
        ? (answers.analytics ?? { status: 201, body: '[{"name":"month","result":[]}]' })
        : { status: 200, body: answers.calls };
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());

const fetchMonth = () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const commands = desk.with({ env: { VAPI_API_KEY: 'key', VAPI_BASE_URL: url } });
  return commands.answer(...fetchLine, '--attempts', '1');
};

const call = {
  id: 'a',
  createdAt: '2026-10-03T10:00:00Z',
  startedAt: '2026-10-03T12:00:01+02:00',
  endedAt: '2026-10-03T10:01:01.5Z',
  status: 'ended',
  cost: '0.2500',
};

test.each([
  [
    'a call without an instant of creation',
    65,
    '[{"id":"a"}]',
    /lists call "a" without an instant of creation/,
  ],
  [
    'an envelope in place of the list',
    69,
    '{"results":[]}',
    /does not answer like VAPI: the list is not an array/,
  ],
  ['a web page', 69, '<html><title>Sign in</title></html>', /does not answer like VAPI/],
  ['an item without an id', 69, '[{"createdAt":"2026-10-03T10:00:00Z"}]', /an item has no id/],
  ['an amount with a currency sign', 65, JSON.stringify([{ ...call, cost: '$1' }]), /1 line cannot be read/],
  ['no call at all', 4, '[]', /VAPI has no call of 2026-10/],
])('%s is refused, and no export is made', async (_, code, calls, expected) => {
  answers = { calls };
  const result = await fetchMonth();
  expect(result.code).toBe(code);
  const { error } = JSON.parse(result.stderr.trimEnd().split('\n').at(-1) ?? '');
  expect(error.message).toMatch(expected);
  expect(await desk.query('select 1 from quota.billing_exports')).toEqual([]);
  expect(await desk.query('select 1 from quota.reconciliations')).toEqual([]);
});

test('instants of any form and amounts as text are read; without a control total the month is as good', async () => {
  answers = { calls: JSON.stringify([call]), analytics: { status: 404, body: '{"message":"Not Found"}' } };
  const { code, data, stderr } = await fetchMonth();
  expect(code).toBe(3);
  expect(stderr).toMatch(/^warning: there is no control total: VAPI refused POST \/analytics with 404/);
  expect(data).toMatchObject({
    kinds: { unlogged: { count: 1, billed: '0.2500' } },
    control: null,
  });
  const lines = await desk.query<{ seconds: string }>(
    'select duration_seconds::text as seconds from quota.billing_lines',
  );
  expect(lines).toEqual([{ seconds: '60.500' }]);
  const before = await desk.snapshot();
  await fetchMonth();
  expect(await desk.snapshot()).toEqual(before);
});

test('a control total in text, with several rows a day, is added up', async () => {
  const rows = [
    { date: '2026-10-03T00:00:00.000Z', calls: '1', cost: '0.2' },
    { date: '2026-10-03', calls: 0, cost: 0.05000000000000001 },
    { date: '2026-10-04', calls: null, cost: null },
  ];
  answers = {
    calls: JSON.stringify([call]),
    analytics: { status: 201, body: JSON.stringify([{ name: 'month', result: rows }]) },
  };
  const { data } = await fetchMonth();
  expect(data.control).toMatchObject({
    calls: { provider: 1, fetched: 1 },
    cost: { provider: '0.25', fetched: '0.25', difference: '0' },
    agrees: true,
  });
});
