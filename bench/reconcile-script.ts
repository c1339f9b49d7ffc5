import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import copyStreams from 'pg-copy-streams';

const staging = `
create unlogged table bill (id text, assistant_id text, status text, created_at text, started_at text, ended_at text,
  duration_seconds text, cost text)`;

/** What one join can tell: it knows no repetitions and pairs nothing by time. */
const classified = `
create table result as
select l.id, g.id as log_id,
  case
    when l.id is null then case g.status when 'active' then 'unsettled' else 'unbilled' end
    when coalesce(l.started_at, l.created_at)::timestamptz < '2026-10-01Z'
      or coalesce(l.started_at, l.created_at)::timestamptz >= '2026-11-01Z' then 'outside_month'
    when l.started_at is null and l.cost::numeric = 0 then 'not_connected'
    when l.ended_at is null then 'unsettled'
    when g.id is null then 'unlogged'
    when l.user_id <> g.user_id then 'attribution_mismatch'
    when abs(l.duration_seconds::numeric - g.duration_seconds) > 1 then 'duration_mismatch'
    when abs(l.cost::numeric - g.cost) > 0.005 then 'cost_mismatch'
    else 'matched'
  end as kind,
  coalesce(l.cost::numeric, 0) as billed, coalesce(g.cost, 0) as logged
from (select b.*, a.user_id from bill b left join quota.assistants a on a.provider_assistant_id = b.assistant_id) l
full join (
  select * from quota.call_logs
  where provider = 'vapi' and started_at >= '2026-09-30Z' and started_at < '2026-11-02Z'
) g on g.provider_call_id = l.id
where l.id is not null or (g.started_at >= '2026-10-01Z' and g.started_at < '2026-11-01Z')`;

const totals = `
select kind, count(*), sum(billed), sum(logged) from result group by kind`;

/** Seconds in all, and until the file was loaded and analyzed. */
export interface ScriptRun {
  seconds: number;
  load: number;
}

/**
 * What somebody who knows PostgreSQL writes for the month by hand: `\copy` into a table of text, one join that
 * says what each row is and stores it, the sums. With memory for the join, and nothing logged that need not be.
 */
export async function runScript(url: string, path: string): Promise<ScriptRun> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const begin = performance.now();
    await client.query("set timezone = 'UTC'; set work_mem = '256MB'; set jit = off");
    await client.query(staging);
    await pipeline(
      createReadStream(path),
      client.query(copyStreams.from('copy bill from stdin with (format csv, header)')),
    );
    await client.query('analyze bill');
    const loaded = performance.now();
    await client.query(classified);
    await client.query(totals);
    return { seconds: (performance.now() - begin) / 1000, load: (loaded - begin) / 1000 };
  } finally {
    await client.end();
  }
}
