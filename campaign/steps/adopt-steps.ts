import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callAsApp } from '../app.ts';
import type { Place } from '../place.ts';
import { contradiction, keyOf, type Step, type StepKind } from '../step.ts';
import { runTool } from '../tool.ts';
import { because } from './change-steps.ts';

const members = 4;

/** A product of its own in the same database, which quota can be put under. */
export const shop = `
  create schema shop;
  create table shop.members (member_id text primary key, mail text, joined timestamp not null);
  create table shop.jobs (
    id bigint generated always as identity primary key, member_id text not null, job text unique, state text not null,
    began timestamp not null, seconds integer not null);
  insert into shop.members select 'member-' || n, 'm' || n || '@shop.example', timestamp '2023-12-20 10:00'
  from generate_series(0, ${members - 1}) n`;

const mapping = `product: shop
schema: shop
timezone: UTC
users:
  table: members
  key: member_id
  columns:
    user: member_id
    email: mail
    signup_at: joined
    plan: { value: transcription-free }
calls:
  table: jobs
  key: id
  on_delete: remove
  columns:
    service: { value: transcription }
    provider: { value: shop }
    provider_call_id: job
    user: member_id
    status: { value: completed }
    started_at: began
    duration_seconds: seconds
`;

const insert: StepKind = {
  weight: 4,
  by: 'app',
  draw: (draw) => ({ member: draw.below('member', members), seconds: 1 + draw.below('seconds', 200) }),
  run: (place, step) =>
    callAsApp(
      place,
      step,
      `insert into shop.jobs (member_id, job, state, began, seconds)
       values ($1, $2, 'done', $3::timestamptz at time zone 'UTC', $4) returning id`,
      [`member-${step.params.member}`, keyOf(step), step.at, step.params.seconds],
    ),
  settle: async (place, _model, step, told) => {
    const found = await place.look(`select id from shop.jobs where job = $1`, [keyOf(step)]);
    return contradiction(step, told, found.length > 0);
  },
};

const change: StepKind = {
  weight: 1,
  by: 'app',
  draw: (draw) => ({ seconds: 1 + draw.below('seconds', 200), every: 2 + draw.below('every', 5) }),
  run: (place, step) =>
    callAsApp(place, step, `update shop.jobs set seconds = $1 where id % $2 = 0`, [
      step.params.seconds,
      step.params.every,
    ]),
  settle: async () => [],
};

const remove: StepKind = {
  weight: 1,
  by: 'app',
  draw: (draw, n) => ({ of: draw.below('of', Math.max(1, n)) }),
  run: (place, step) =>
    callAsApp(place, step, `delete from shop.jobs where job = $1`, [`step-${step.params.of}`]),
  settle: async () => [],
};

const adopt = (weight: number, words: (place: Place) => Promise<string[]>): StepKind => ({
  weight,
  by: 'tool',
  draw: () => ({}),
  run: async (place, step: Step) =>
    runTool(place, step, ['adopt', ...(await words(place)), ...because(step)]),
  settle: async () => [],
});

const attach = adopt(1, async (place) => {
  const file = join(place.folder, 'shop.yaml');
  await writeFile(file, mapping);
  return ['attach', file];
});
const backfill = adopt(2, async () => ['backfill', 'shop', '--batch-size', '10']);
const detach = adopt(0.3, async () => ['detach', 'shop']);

/** From the first backfill to its end on, until it is detached, each row of the app is counted once, as it is. */
const whole: StepKind = {
  ...backfill,
  settle: async (place, model, _step, told) => {
    model.isAdopted ||= told.result === 'done' && (await isAttached(place));
    return [];
  },
};

const isAttached = async (place: Place) =>
  (
    await place.look(
      `select 1 as found from pg_trigger where tgrelid = 'shop.jobs'::regclass and not tgisinternal`,
    )
  ).length > 0;

const over: StepKind = {
  ...detach,
  settle: async (place, model) => {
    model.isAdopted &&= await isAttached(place);
    return [];
  },
};

export const adoptSteps = {
  'shop-insert': insert,
  'shop-change': change,
  'shop-remove': remove,
  'adopt-attach': attach,
  'adopt-backfill': whole,
  'adopt-detach': over,
};

/** What contradicts that each row of the app is one call, as it is. */
export const adoptedDifferences = `
  select coalesce(j.id::text, k.key) as row, j.seconds::text, l.duration_seconds::text as counted, k.call_log_id::text
  from shop.jobs j
  full join (
    select k.key, k.call_log_id from quota.adopt_links k join quota.adopt_sources s on s.id = k.source
    where s.kind = 'calls') k on k.key = j.id::text
  left join quota.call_logs l on l.id = k.call_log_id
  where l.duration_seconds is distinct from j.seconds or (j.id is null) <> (l.id is null)`;
