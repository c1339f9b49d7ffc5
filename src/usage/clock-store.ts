import type pg from 'pg';

/** An instant to be told as the clocks of a zone show it. */
export interface ClockReading {
  instant: string;
  timezone: string;
}

/** The readings as `Mon 30 Nov 2026 00:00 -05:00`, in their order. In UTC where the server does not know a zone. */
export async function selectClockTexts(
  client: pg.ClientBase,
  readings: readonly ClockReading[],
): Promise<string[]> {
  const { rows } = await client.query<{ text: string }>(
    `select to_char(r.at at time zone r.zone, 'Dy FMDD Mon YYYY HH24:MI ')
       || case when o.seconds < 0 then '-' else '+' end
       || to_char(make_interval(secs => abs(o.seconds)), 'HH24:MI') as text
     from unnest($1::timestamptz[], $2::text[]) with ordinality g(at, zone, place)
     cross join lateral (
       select g.at, g.place, case when quota.is_known_zone(g.zone) then g.zone else 'UTC' end as zone) r
     cross join lateral (
       select extract(epoch from (r.at at time zone r.zone) - (r.at at time zone 'UTC'))::float8) o(seconds)
     order by r.place`,
    [readings.map(({ instant }) => instant), readings.map(({ timezone }) => timezone)],
  );
  return rows.map(({ text }) => text);
}
