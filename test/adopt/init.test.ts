import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDeskPerTest } from '../desk/desk.ts';
import { productTables } from './product-tables.ts';

const now = '2026-11-20T12:00:00Z';
const desk = useDeskPerTest({ asOf: now });

/** Drafts, checks, attaches and counts what is in the database. */
async function drafted(product: string, ...words: string[]) {
  const file = desk.path('draft.yaml');
  const draft = await desk.json('adopt', 'init', file, '--product', product, ...words);
  expect(draft.problems, draft.mapping).toEqual([]);
  expect(readFileSync(file, 'utf8')).toBe(draft.mapping);
  await desk.json('adopt', 'check', file);
  await desk.json('adopt', 'attach', file, '--yes');
  await desk.json('adopt', 'backfill', product, '--yes');
  const verified = await desk.answer('adopt', 'verify', product);
  expect(verified, draft.mapping).toMatchObject({ code: 0, data: { differing: 0, waiting: 0 } });
  return draft;
}

const parts = (mapping: string) => mapping.match(/^\w+(?=:$)/gm);

test.each([
  ['avatar-lifetime', ['users', 'calls', 'figures', 'mirror', 'limits']],
  ['avatar-monthly', ['users', 'calls', 'mirror', 'limits']],
  ['cantonese-scribe', ['users', 'calls', 'jobs', 'alerts', 'limits']],
  ['chat', ['calls', 'figures', 'mirror']],
  ['voice-matrix', ['users', 'assistants', 'calls', 'enforced', 'originals', 'mirror']],
])('%s is recognised as its document builds it, and agrees', async (product, expected) => {
  await desk.queryAt(now, productTables(product, 12));
  const before = await desk.snapshot();
  const { mapping, file } = await desk.json('adopt', 'init', desk.path('none.yaml'), '--dry-run');
  expect(file).toBeNull();
  expect(await desk.snapshot()).toEqual(before);
  expect(new Set(parts(mapping))).toEqual(new Set(expected));
  const draft = await drafted(product);
  const preset = await desk.json('adopt', 'preset', product);
  const services = (text: string) => text.match(/service: \{ value: \w+ \}/g);
  expect(new Set(services(draft.mapping))).toEqual(new Set(services(preset.mapping)));
  expect(draft.mapping.match(/^ +plan: .*/m)?.[0].match(/[a-z]+-[a-z]+/g)?.[0]).toBe(
    preset.mapping.match(/^ +plan:[\s\S]*?([a-z]+-[a-z]+)/m)?.[1],
  );
});

test('other names, naive timestamps, text ids, a soft delete, one more status, no id of the provider', async () => {
  await desk.queryAt(now, readFileSync('fixtures/adopt/voice-app.sql', 'utf8'));
  await desk.query(`update shop.phone_calls set state = 'voicemail' where id % 9 = 0;
    update shop.phone_calls set deleted_at = ended where id % 17 = 0`);
  const { mapping, schema, notes } = await drafted('shop');
  expect(schema).toBe('shop');
  expect(notes.join('\n')).toContain('no time zone');
  expect(mapping).toContain('unsure of voicemail');
  expect(mapping).toContain('r.\\"deleted_at\\" is null');
});

test('calls that know their assistant by the row of it, minutes that are called length, ids in camel case', async () => {
  await desk.query(`create schema acme;
    create table acme."Customers" ("customerId" text primary key, "eMail" text, "signedUpAt" timestamptz not null, tier text);
    create table acme."Agents" (id int primary key, "ownerId" text not null references acme."Customers", "vapiId" text not null, title text);
    create table acme."VoiceSessions" (sid uuid primary key default gen_random_uuid(), agent_id int not null references acme."Agents",
      outcome text not null, "startTime" timestamptz not null, "endTime" timestamptz, length numeric, "priceCents" int);
    insert into acme."Customers" select 'c' || n, 'c' || n || '@example.com', '2026-02-03 10:00+00', 'basic' from generate_series(1, 8) n;
    insert into acme."Agents" select n, 'c' || n, 'vapi-' || n, 'Agent' from generate_series(1, 8) n;
    insert into acme."VoiceSessions" (agent_id, outcome, "startTime", "endTime", length, "priceCents")
    select 1 + n % 8, 'hangup', t.at, t.at + interval '90 seconds', 1.5, 12 from generate_series(1, 60) n
    cross join lateral (select timestamptz '2026-10-01 10:00+00' + n * interval '19 hours' as at) t;
    analyze`);
  const { mapping } = await drafted('acme');
  expect(mapping).toContain('* 60');
  const [counted] = await desk.query(
    'select sum(duration_seconds)::int as seconds, sum(cost)::text as cost from quota.call_logs',
  );
  expect(counted).toEqual({ seconds: 60 * 90, cost: expect.stringMatching(/^7\.20*$/) });
});

test.each([
  // Rings by ranges of time and how long was spoken; a flag for what failed; the owner by a foreign key alone.
  [
    'kinds/dialer',
    'voice',
    ['lower(r.\\"during\\")', 'duration_seconds: spoken', `'error'`, 'user: customer'],
  ],
  // Milliseconds since 1970, JSON with names, an address that is not called so.
  ['kinds/tutor', 'chat', ['r.\\"at_ms\\" / 1000.0', `->> 'messages'`, 'email: contact', `->> 'tz'`]],
  // One reference that is another one in each row, and so no assistant's.
  ['kinds/podcast', 'voice', ['provider_call_id: "External Ref"', 'r.\\"priceCents\\" / 100.0']],
  ['unlike/clinic', 'voice', ['user: PatientNo', 'ended_at: EndedAt']],
  ['unlike/studio', 'voice', [`->> 'state'`, `->> 'seconds'`, 'email: address']],
  [
    'unlike/dictation',
    'transcription',
    ['/ 1000000.0', 'user: practice', 'r.\\"is_void\\" is not true', 'mirror:', 'jobs:'],
  ],
  [
    'unlike/helpdesk',
    'chat',
    ['model: llm', 'key: [tenant, thread, turn]', 'p.\\"handle\\" from helpdesk.threads p'],
  ],
])('%s is recognised by its types, keys and rows', async (name, service, expected) => {
  await desk.queryAt(now, readFileSync(`fixtures/adopt/${name}.sql`, 'utf8'));
  await desk.query('analyze');
  const draft = await drafted('unlike');
  expect(draft.services).toEqual([service]);
  for (const text of expected) {
    expect(draft.mapping).toContain(text);
  }
});

test('a file that is there stays, and a database without calls says so', async () => {
  await desk.query('create table notes (id int primary key, body text)');
  expect(await desk.json(4, 'adopt', 'init')).toMatchObject({ error: { code: 'not_found' } });
  await desk.queryAt(now, productTables('chat', 3));
  const file = desk.write('mine.yaml', 'mine');
  expect(await desk.json(5, 'adopt', 'init', file)).toMatchObject({ error: { code: 'refused' } });
  expect(readFileSync(file, 'utf8')).toBe('mine');
});
