import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { liveAMonth, now } from './month.ts';
import { productTables } from './product-tables.ts';
import { workedProducts } from './products.ts';
import { unlikeProducts } from './unlike-products.ts';

/** QUOTA_TEST_ADOPT_USERS=200 is the size at which it was first made to pass. */
const users = Number(process.env.QUOTA_TEST_ADOPT_USERS ?? 24);
const desk = useDeskPerTest({ asOf: now, vapi: {} });

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
    await liveAMonth(desk, product, worked, file, users);
  },
);

/** When the oldest call of each began. */
const firstCalls: Record<string, string> = {
  clinic: '2026-08-29T01:00:00Z',
  studio: '2026-09-14T21:00:00Z',
  dictation: '2026-09-14T16:00:00Z',
  helpdesk: '2026-10-01T09:00:00Z',
};

test.each(Object.entries(unlikeProducts))(
  '%s, unlike the five: by its mapping alone',
  async (product, worked) => {
    await desk.queryAt(now, readFileSync(`fixtures/adopt/unlike/${product}.sql`, 'utf8'));
    await liveAMonth(desk, product, worked, `fixtures/adopt/unlike/${product}.yaml`, 24);
    // That both sides read an instant in the same wrong way would not differ.
    expect(await desk.query('select min(started_at) as first from quota.call_logs')).toEqual([
      { first: new Date(firstCalls[product] ?? '') },
    ]);
  },
);
