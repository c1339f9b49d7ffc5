import { pickCall, storedCalls, thousandthsOf } from './effects.ts';
import type { Ground } from './ground.ts';
import { broken } from './invariants.ts';
import { type Meter, type Model, meterKeys } from './model.ts';
import type { Step } from './step.ts';
import { adoptedDifferences } from './steps/adopt-steps.ts';

/** Everything that is checked after a step: the promises, and the database against the model. */
export async function compare(
  ground: Ground,
  model: Model,
  closed: Map<string, string>,
  step: Step,
): Promise<string[]> {
  const problems: string[] = [];
  for (const { promise, row } of await ground.look(broken, [step.at])) {
    problems.push(`not so: ${promise}: ${row}`);
  }
  if (model.isAdopted) {
    const found = await ground.look(adoptedDifferences);
    problems.push(
      ...found.slice(0, 3).map((row) => `adopted, and not counted as it is: ${JSON.stringify(row)}`),
    );
  }
  problems.push(...(await compareCalls(ground, model)));
  problems.push(...(await takeCarried(ground, model)));
  problems.push(...(await compareSums(ground, model)));
  problems.push(...(await compareLimits(ground, model, step)));
  problems.push(...(await compareClosed(ground, closed, step)));
  return problems;
}

/**
 * Call by call. A session that was settled at an estimate is taken as it is if the estimate is right: what it told last, else
 * all that it held, for its lease lasts longer than that.
 */
async function compareCalls(ground: Ground, model: Model): Promise<string[]> {
  const stored = await storedCalls(ground, model);
  const problems: string[] = [];
  for (const [key, call] of stored) {
    const expected = model.calls.get(key);
    const session = model.sessions.get(key);
    if (expected !== undefined && session !== undefined && call.settledBy !== null) {
      const isRight =
        call.settledBy === 'heartbeat'
          ? call.thousandths === session.progressThousandths
          : call.thousandths === (session.capThousandths ?? 0);
      if (!isRight) {
        problems.push(
          `${key} was estimated at ${call.thousandths} by ${call.settledBy}: ${JSON.stringify(session)}`,
        );
      }
      expected.thousandths = call.thousandths;
    }
    if (JSON.stringify(pickCall(call)) !== JSON.stringify(expected)) {
      problems.push(`${key} is ${JSON.stringify(call)}, to be ${JSON.stringify(expected)}`);
    }
  }
  for (const key of model.calls.keys()) {
    if (!stored.has(key)) {
      problems.push(`${key} is lost: ${JSON.stringify(model.calls.get(key))}`);
    }
  }
  return problems;
}

/**
 * What an operator's reset took off stays off: of calls from before it that are told later nothing is left either. How much that
 * is depends on the order in which they came, so the entries are taken as they are, and held against what they are for.
 */
async function takeCarried(ground: Ground, model: Model): Promise<string[]> {
  const rows = await ground.look(
    `select a.id::text, a.meter, a.kind, a.quantity::text, (a.cost < 0)::text as takes_cost, u.external_id, u.id::text as user_id,
       (extract(epoch from a.created_at) * 1000)::bigint::text as at
     from quota.adjustments a join quota.users u on u.id = a.user_id where a.kind in ('reset', 'reset_carried')
     order by a.created_at, a.id`,
  );
  const problems: string[] = [];
  const resets = new Map<string, { user: number; meter: Meter; atMs: number }>();
  for (const { id, meter, kind, quantity, takes_cost, external_id, user_id, at } of rows) {
    const user = model.numberOf(external_id ?? '', user_id ?? '');
    const entry = {
      user,
      meter: meter as Meter,
      atMs: Number(at),
      thousandths: thousandthsOf(quantity ?? '0'),
    };
    const key = `${user} ${meter} ${model.periodOf(user, entry.meter, entry.atMs).startMs}`;
    if (kind === 'reset') {
      resets.set(key, entry);
    } else if (
      entry.thousandths > 0 ||
      (entry.thousandths === 0 && takes_cost !== 'true') ||
      resets.get(key)?.atMs !== entry.atMs
    ) {
      problems.push(`entry ${id} is carried over from no reset: ${JSON.stringify(entry)}`);
    } else {
      model.entries.set(`carried ${id}`, entry);
    }
  }
  for (const { user, meter, atMs } of resets.values()) {
    const left = model.usedUntil(user, meter, atMs);
    if (left > 0) {
      problems.push(
        `${left} of ${meter} of user-${user} count, from before the reset at ${new Date(atMs).toISOString()}`,
      );
    }
  }
  return problems;
}

interface QuotaRow {
  [column: string]: string | null;
  meter: string;
  starts: string | null;
  used: string;
}

/** Sum by sum: each period has its bounds and what is used of it. */
async function compareSums(ground: Ground, model: Model): Promise<string[]> {
  const rows = await ground.look<QuotaRow>(
    `select u.external_id, u.id::text as user_id, q.meter, q.used::text,
       case when isfinite(q.period_start) then (extract(epoch from q.period_start) * 1000)::bigint::text end as starts,
       case when isfinite(q.period_end) then (extract(epoch from q.period_end) * 1000)::bigint::text end as ends
     from quota.usage_quotas q join quota.users u on u.id = q.user_id where not q.superseded and q.meter = any ($1)`,
    [meterKeys],
  );
  const line = (user: number, meter: string, startMs: number, endMs: number, thousandths: number) =>
    `${model.users[user]?.name} ${meter} ${startMs}..${endMs} ${thousandths}`;
  const stored = rows.flatMap(({ external_id, user_id, meter, starts, ends, used }) => {
    const startMs = starts === null ? Number.NEGATIVE_INFINITY : Number(starts);
    const endMs = ends === null || ends === undefined ? Number.POSITIVE_INFINITY : Number(ends);
    const thousandths = thousandthsOf(used);
    const user = model.numberOf(external_id ?? '', user_id ?? '');
    return thousandths === 0 || user < 0 ? [] : [line(user, meter as Meter, startMs, endMs, thousandths)];
  });
  const expected = model
    .sums()
    .filter(({ thousandths }) => thousandths !== 0)
    .map(({ user, meter, startMs, endMs, thousandths }) => line(user, meter, startMs, endMs, thousandths));
  const difference = (some: string[], others: string[]) => some.filter((each) => !others.includes(each));
  const [extra, missing] = [difference(stored, expected), difference(expected, stored)];
  return extra.length + missing.length === 0
    ? []
    : [`sums: stored ${JSON.stringify(extra.slice(0, 4))}, to be ${JSON.stringify(missing.slice(0, 4))}`];
}

/** Whoever has used up a running period that limits is limited, and nobody else, but for what was done by hand. */
async function compareLimits(ground: Ground, model: Model, step: Step): Promise<string[]> {
  const rows = await ground.look(
    `select u.external_id, u.id::text as user_id, s.limit_enforced_at::text as since, s.next_reset_at::text as resets,
       q.used::text, q.limit_quantity::text as limit
     from quota.subscriptions s join quota.users u on u.id = s.user_id
     left join quota.usage_quotas q on q.user_id = s.user_id and q.meter = 'voice_seconds' and not q.superseded
       and q.period_start <= $1 and $1 < q.period_end and q.used >= q.limit_quantity + q.granted
     where s.service = 'voice' and (s.limit_enforced_at is not null) <> (q.user_id is not null)
       and s.next_reset_at > $1`,
    [step.at],
  );
  return rows
    .filter(({ external_id, user_id }) => !model.byHand.has(model.numberOf(external_id ?? '', user_id ?? '')))
    .map((row) => `limited, or not, without a reason: ${JSON.stringify(row)}`);
}

/** A period that is closed stays so, with what was used at its end; a month until somebody opens it again. */
async function compareClosed(ground: Ground, closed: Map<string, string>, step: Step): Promise<string[]> {
  const rows = await ground.look(
    `select q.user_id::text || ' ' || q.meter || ' ' || q.period_start::text as key,
       q.closed_at::text || ' with ' || q.used_at_close::text as closing
     from quota.usage_quotas q where q.closed_at is not null
     union all select 'month ' || r.month, md5(r::text || (
       select coalesce(string_agg(i::text, ' ' order by i::text), '') from quota.reconciled_items i
       where i.reconciliation_id = r.id))
     from quota.reconciliations r where r.closed_at is not null`,
  );
  const now = new Map(rows.map(({ key, closing }) => [String(key), String(closing)]));
  const isOpened = (step.beside ?? [step]).some(({ kind }) => kind === 'reopen-month');
  const problems = [...closed].flatMap(([key, closing]) =>
    now.get(key) === closing || (isOpened && key.startsWith('month') && !now.has(key))
      ? []
      : [`what was closed, ${key}, was ${closing}, is ${now.get(key)}`],
  );
  closed.clear();
  for (const [key, closing] of now) {
    closed.set(key, closing);
  }
  return problems;
}
