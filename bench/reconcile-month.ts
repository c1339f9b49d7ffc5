import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import pg from 'pg';
import { copyText } from '../src/db/copy.ts';

/** Of a thousand lines and a thousand logs, how many end in which kind; two of the logs that match have no id. */
const plantedPerThousand: Readonly<Record<string, number>> = {
  unbilled: 6,
  unlogged: 3,
  not_connected: 1,
  unsettled: 1,
  outside_month: 1,
  duplicate_line: 2,
  attribution_mismatch: 2,
  duration_mismatch: 4,
  cost_mismatch: 6,
  matched: 980,
};

/** The places of `moreDiffering` are taken in turn. */
const further = ['cost_mismatch', 'duration_mismatch', 'unlogged'] as const;
const firstFurther = 30;
/** Of a thousand lines and logs, how many can differ besides those that are planted anyway. */
export const moreDifferingMax = 900;

/** The same when so many more of a thousand matching calls differ, in turn by cost, by duration, and for want of a log. */
export function plantedWith(moreDiffering: number): Readonly<Record<string, number>> {
  const planted: Record<string, number> = { ...plantedPerThousand };
  for (let place = firstFurther; place < firstFurther + moreDiffering; place++) {
    const kind = further[place % further.length] ?? '';
    planted[kind] = (planted[kind] ?? 0) + 1;
    planted.matched = (planted.matched ?? 0) - 1;
  }
  return planted;
}

/** Whether a call is one of those that differ in this way. */
const differs = (kind: (typeof further)[number], moreDiffering: number) =>
  `place between ${firstFurther} and ${firstFurther + moreDiffering - 1} and place % ${further.length} = ${further.indexOf(kind)}`;

const callsPerThousand = 1004;
const assistants = 10_000;

/**
 * The calls of October 2026, the same for every run; `place` (0 to 1003) says what is planted in a call. Ids are
 * as random as a provider's, and the calls come in no order.
 */
const calls = (thousands: number) => `
  select n, place, md5('call ' || n)::uuid as id,
    (n::bigint * 7919 + place) % ${assistants} as assistant,
    case when place = 11 then timestamptz '2026-09-30T23:59:00Z' + (n % 60) * interval '1 second'
      else timestamptz '2026-10-01T01:00:00Z' + (n::bigint * 2654435761 % 2671200000) * interval '1 millisecond' end as started_at,
    round((5 + n::bigint * 40503 % 595000 / 1000.0)::numeric, 3) as seconds,
    round((5 + n::bigint * 40503 % 595000 / 1000.0)::numeric * 0.0012, 4) as cost
  from (select n, n % ${callsPerThousand} as place from generate_series(0, ${thousands * callsPerThousand} - 1) n) c`;

const assistantId = (number: string) => `md5('assistant ' || ${number})::uuid::text`;
const utc = (instant: string) => `to_char((${instant}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Users, assistants and call logs, without those that are planted as unlogged; triggers are off while they are written, as the usage of users is not asked for. */
export async function fillLogs(url: string, thousands: number, moreDiffering: number): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`
      set session_replication_role = replica;
      insert into quota.users (id, external_id) select md5('user ' || n)::uuid, 'user_' || n from generate_series(0, ${assistants} - 1) n;
      insert into quota.assistants (user_id, provider_assistant_id, name)
      select md5('user ' || n)::uuid, ${assistantId('n')}, 'Assistant ' || n from generate_series(0, ${assistants} - 1) n;
      insert into quota.call_logs
        (user_id, service, provider, provider_call_id, assistant_id, status, started_at, ended_at, duration_seconds, cost)
      select md5('user ' || assistant)::uuid, 'voice', 'vapi', case when place not in (26, 27) then id::text end,
        ${assistantId('assistant')}, case when place = 10 then 'active' else 'completed' end, started_at,
        case when place <> 10 then started_at + seconds * interval '1 second' end, case when place <> 10 then seconds end, cost
      from (${calls(thousands)}) c
      where place not between 6 and 9 and not (${differs('unlogged', moreDiffering)})
      order by started_at`);
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

const lines = (thousands: number, moreDiffering: number) => `
  select id::text as id, ${assistantId(`case when place in (14, 15) then (assistant + 1) % ${assistants} else assistant end`)} as assistant_id,
    case when place = 10 then 'in-progress' else 'ended' end as status, ${utc('started_at')} as created_at,
    case when place <> 9 then ${utc('started_at')} end as started_at,
    case when place not in (9, 10) then ${utc("started_at + billed_seconds * interval '1 second'")} end as ended_at,
    case when place not in (9, 10) then billed_seconds end as duration_seconds,
    case when place = 9 then 0 else cost + case when place between 20 and 25 or (${differs('cost_mismatch', moreDiffering)}) then 0.25 else 0 end end as cost
  from (select *, seconds + case when place between 16 and 19 or (${differs('duration_mismatch', moreDiffering)}) then 30 else 0 end as billed_seconds from (${calls(thousands)}) c) c,
    generate_series(1, case when place in (12, 13) then 2 else 1 end) twice
  where place > 5
  order by c.started_at desc`;

/** The bill, as CSV and as the provider's own dump, and the logs as CSV. */
export async function writeFiles(
  url: string,
  { thousands, moreDiffering }: { thousands: number; moreDiffering: number },
  paths: Record<'csv' | 'jsonl' | 'logs', string>,
) {
  const client = new pg.Client(url);
  await client.connect();
  const save = async (path: string, pieces: AsyncIterable<Buffer>) => {
    const file = createWriteStream(path);
    for await (const piece of pieces) {
      if (!file.write(piece)) {
        await once(file, 'drain');
      }
    }
    file.end();
    await once(file, 'close');
  };
  try {
    await client.query("set timezone = 'UTC'");
    await save(paths.csv, copyText(client, lines(thousands, moreDiffering), 'csv'));
    await save(
      paths.logs,
      copyText(
        client,
        `select c.id, c.provider_call_id, c.assistant_id, c.user_id, c.status, ${utc('c.started_at')} as started_at, c.duration_seconds, c.cost
         from quota.call_logs c`,
        'csv',
      ),
    );
    await save(
      paths.jsonl,
      copyText(
        client,
        `select json_build_object('id', id, 'orgId', '0aa5b6f0-0000-4000-8000-000000000001', 'createdAt', created_at,
           'updatedAt', coalesce(ended_at, created_at), 'type', 'webCall', 'status', status, 'endedReason', 'customer-ended-call',
           'assistantId', assistant_id, 'startedAt', started_at, 'endedAt', ended_at, 'cost', cost,
           'costBreakdown', json_build_object('transport', 0, 'stt', 0.0385, 'llm', 0.0577, 'tts', 0.0962, 'vapi', 0.1924,
             'total', cost, 'llmPromptTokens', 3050, 'llmCompletionTokens', 67, 'ttsCharacters', 1951))
         from (${lines(thousands, moreDiffering)}) l`,
      ),
    );
  } finally {
    await client.end();
  }
}
