import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callAsApp } from '../app.ts';
import type { Model } from '../model.ts';
import type { Place } from '../place.ts';
import { contradiction, keyOf, type Step } from '../step.ts';
import type { StepKind } from '../step-kind.ts';
import { runTool } from '../tool.ts';
import { because } from './change-steps.ts';

const members = 4;
const strangers = 4;

/** A product of its own in the same database, which quota can be put under. */
export const shop = `
  create schema shop;
  create table shop.members (member_id text primary key, mail text, joined timestamp not null);
  create table shop.jobs (
    id bigint generated always as identity primary key, member_id text not null, job text unique, state text not null,
    began timestamp not null, seconds integer not null);
  create table shop.counters (member_id text primary key, used_seconds numeric not null default 0);
  insert into shop.members select 'member-' || n, 'm' || n || '@shop.example', timestamp '2023-12-20 10:00'
  from generate_series(0, ${members - 1}) n;
  insert into shop.counters select member_id from shop.members`;

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
mirror:
  table: counters
  meter: transcription_seconds
  user: member_id
  columns:
    used_seconds: q.used
`;

/** Some rows make no sense yet, or at all: of a member whom nobody has told of, or shorter than nothing. */
const insert: StepKind = {
  weight: 6,
  by: 'app',
  draw: (draw) => ({
    member: draw.below('member', draw.happens('is a stranger', 0.3) ? members + strangers : members),
    seconds: draw.happens('is nonsense', 0.15) ? -5 : 1 + draw.below('seconds', 200),
  }),
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

const joins: StepKind = {
  weight: 0.7,
  by: 'app',
  draw: (draw) => ({ member: members + draw.below('member', strangers) }),
  run: (place, step) =>
    callAsApp(
      place,
      step,
      `insert into shop.members values ($1, null, timestamp '2023-12-20 10:00') on conflict do nothing`,
      [`member-${step.params.member}`],
    ),
  settle: async () => [],
};

/** What no counter of ours comes to. */
const nonsense = 1_000_000;

/** The app counts by itself, and wrongly: it has the word as long as it decides, and no longer. */
const count: StepKind = {
  weight: 2,
  by: 'app',
  draw: (draw) => ({ member: draw.below('member', members) }),
  run: (place, step) =>
    callAsApp(
      place,
      step,
      `update shop.counters set used_seconds = used_seconds + ${nonsense} where member_id = $1 returning member_id`,
      [`member-${step.params.member}`],
    ),
  settle: async (place, _model, step, told) => {
    const [found] = await place.look(
      `select c.used_seconds::text as stored, coalesce(q.used, 0)::text as ours, (c.used_seconds >= ${nonsense})::text as is_its,
         (u.id is not null)::text as is_known
       from shop.counters c left join quota.users u on u.external_id = c.member_id
       left join quota.usage_quotas q on q.user_id = u.id
         and q.meter = 'transcription_seconds' and not q.superseded and q.period_start <= $2 and $2 < q.period_end
       where c.member_id = $1`,
      [`member-${step.params.member}`, step.at],
    );
    // Of members that no backfill has told of nothing is known.
    const isOurs = found?.is_known === 'true' && (await place.look(deciding)).length > 0;
    const isRight = isOurs ? Number(found?.stored) === Number(found?.ours) : found?.is_its === 'true';
    return told.result !== 'done' || isRight
      ? []
      : [
          `step ${step.n}: ${isOurs ? 'quota' : 'the app'} decides, and the counter is ${JSON.stringify(found)}`,
        ];
  },
};

/** A row if quota decides about the shop. */
const deciding = `select 1 as found from quota.adopt_products where product = 'shop' and authority = 'quota'
  and detached_at is null`;

const adopt = (weight: number, words: (place: Place) => Promise<string[]>): StepKind => ({
  weight,
  by: 'tool',
  draw: () => ({}),
  run: async (place, step: Step) =>
    runTool(place, step, ['adopt', ...(await words(place)), ...because(step)]),
  settle: async () => [],
});

const wordsToAttach = async (place: Place) => {
  const file = join(place.folder, 'shop.yaml');
  await writeFile(file, mapping);
  return ['attach', file];
};
const wordsToBackfill = async () => ['backfill', 'shop', '--batch-size', '10'];
const attach = adopt(1, wordsToAttach);
const backfill = adopt(2, wordsToBackfill);

/** The shop has rows of before, and is adopted already. */
export async function arrangeAdopted(place: Place, model: Model, step: Step): Promise<void> {
  await place.look(
    `insert into shop.jobs (member_id, job, state, began, seconds)
     select 'member-' || n % ${members}, 'early-' || n, 'done', timestamp '2024-01-01 12:00' + n * interval '1 minute', n
     from generate_series(1, 25) n`,
  );
  for (const words of [wordsToAttach, wordsToBackfill]) {
    const told = await runTool(place, step, ['adopt', ...(await words(place)), ...because(step)]);
    if (told.result !== 'done') {
      throw new Error(`nothing can begin: ${told.words}`);
    }
  }
  model.isAdopted = true;
}
const detach = adopt(0.5, async () => ['detach', 'shop']);

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

const authority: StepKind = {
  weight: 1.5,
  by: 'tool',
  draw: (draw) => ({ authority: draw.pick('authority', ['quota', 'quota', 'app'] as const) }),
  run: (place, step) =>
    runTool(place, step, ['adopt', 'authority', 'shop', String(step.params.authority), ...because(step)]),
  settle: async (place, _model, step, told) => {
    const isOurs = (await place.look(deciding)).length > 0;
    return told.result === 'done'
      ? contradiction(step, told, isOurs === (step.params.authority === 'quota'))
      : [];
  },
};

/** Whatever waits is due: what makes sense by now is counted, the rest goes on to wait. */
const retry: StepKind = {
  weight: 3,
  by: 'tool',
  draw: () => ({}),
  run: async (place, step) => {
    await place.look(`update quota.adopt_dead set next_attempt_at = $1`, [step.at]);
    return runTool(place, step, ['jobs', 'adopt-retry']);
  },
  settle: async (place, model, step, told) => {
    const left = await place.look(
      `select d.key, d.reason from quota.adopt_dead d join quota.adopt_sources s on s.id = d.source and s.is_attached
       join shop.jobs j on s.kind = 'calls' and d.key = j.id::text
       where ${makesSense}`,
      [model.isAdopted],
    );
    return told.result === 'done' && left.length > 0
      ? [`step ${step.n}: these were to be counted: ${JSON.stringify(left)}`]
      : [];
  },
};

export const adoptSteps = {
  'shop-insert': insert,
  'shop-change': change,
  'shop-remove': remove,
  'adopt-attach': attach,
  'adopt-backfill': whole,
  'adopt-detach': over,
  'adopt-authority': authority,
  'adopt-retry': retry,
  'shop-join': joins,
  'shop-count': count,
};

/** Of a row j of the app; $1: the backfill is through, before which members are known who came, or were taken, since the attach. */
const makesSense = `j.seconds >= 0 and exists (select from shop.members m where m.member_id = j.member_id)
  and ($1 or exists (select from quota.users u where u.external_id = j.member_id))`;

/** What contradicts that each row of the app is one call, as it is, or waits where that is seen. */
export const adoptedDifferences = `
  select coalesce(j.id::text, k.key) as row, j.seconds::text, l.duration_seconds::text as counted, k.call_log_id::text
  from shop.jobs j
  full join (
    select k.key, k.call_log_id from quota.adopt_links k join quota.adopt_sources s on s.id = k.source
    where s.kind = 'calls') k on k.key = j.id::text
  left join quota.call_logs l on l.id = k.call_log_id
  where (l.duration_seconds is distinct from j.seconds or (j.id is null) <> (l.id is null))
    and not exists (
      select from quota.adopt_dead d join quota.adopt_sources s on s.id = d.source and s.kind = 'calls'
      where d.key = coalesce(j.id::text, k.key))
  union all
  select c.member_id, c.used_seconds::text, 'quota decides, and the counter is that of the app', null
  from shop.counters c where c.used_seconds >= ${nonsense} and exists (${deciding})`;

/** Rows that doctor is right to miss. */
export const waiting = `select d.key from quota.adopt_dead d`;
