import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDesk } from '../desk/desk.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDesk({ asOf: now });
const agreed = { differing: 0, waiting: 0 };

// Built unlike the five that are documented: a mapping is all that they need.
test.each([
  { product: 'podcast', retried: 0 },
  { product: 'tutor', retried: 1 },
  { product: 'dialer', retried: 0 },
])('$product is counted to the row, decided about, and let go as it was', async ({ product, retried }) => {
  const file = (ending: string) => `fixtures/adopt/kinds/${product}.${ending}`;
  const triggers = () =>
    desk.query(`select tgrelid::regclass::text as on, tgname from pg_trigger t
      join pg_class c on c.oid = t.tgrelid where not tgisinternal and c.relnamespace <> 'quota'::regnamespace`);
  await desk.queryAt(now, readFileSync(file('sql'), 'utf8'));
  const before = await triggers();
  expect(await desk.answer('adopt', 'check', file('yaml'))).toMatchObject({ code: 0 });
  await desk.json('adopt', 'attach', file('yaml'), '--yes');
  await desk.json('adopt', 'backfill', product, '--yes');
  expect(await desk.json('adopt', 'verify', product)).toMatchObject(agreed);
  await desk.queryAt(now, readFileSync(file('writes.sql'), 'utf8'));
  expect(await desk.json('jobs', 'adopt-retry')).toMatchObject({ due: retried, left: 0 });
  expect(await desk.json('adopt', 'verify', product)).toMatchObject(agreed);
  await desk.json('adopt', 'authority', product, 'quota', '--yes');
  expect(await desk.json('adopt', 'backfill', product, '--again', '--yes')).toMatchObject({ retried: 0 });
  expect(await desk.json('adopt', 'verify', product)).toMatchObject(agreed);
  expect(await desk.differences()).toEqual([]);
  await desk.json('adopt', 'detach', product, '--yes');
  expect(await triggers()).toEqual(before);
});
