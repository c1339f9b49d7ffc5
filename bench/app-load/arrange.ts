/**
 * Users who signed up 40 days ago and called then: their resets are due. For a session of the owner of the schema. They are
 * put on their plans first, and the planner is told: calls make their subscriptions as well, but not so many at once.
 */
export const arrangeDueUsers = (count: number) => `
  select set_config('quota.as_of', (now() - interval '40 days')::text, false);
  insert into quota.users (external_id) select 'user ' || n from generate_series(1, ${count}) n;
  insert into quota.subscriptions (user_id, service, plan)
  select u.id, p.service, p.key from quota.users u join quota.plans p on p.is_default and p.service in ('voice', 'chat')
  order by u.id, p.service;
  analyze quota.users, quota.subscriptions;
  ${blocksOf(count)
    .map(
      ([first, last]) => `
  insert into quota.call_logs (user_id, service, provider, provider_call_id, model, started_at, duration_seconds)
  select u.id, s.service, 'first', u.external_id || s.service, s.model, quota.now(), s.seconds
  from generate_series(${first}::integer, ${last}) n
  join quota.users u on u.external_id = 'user ' || n
  cross join (values ('voice', null, 30), ('chat', 'gpt-4o', null)) s(service, model, seconds);`,
    )
    .join('')}
  reset quota.as_of`;

/** The names that these users have. */
export const dueUsers = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `user ${index + 1}`);

/** The lines of a file of calls of these users, of the last 60 days; for `quota import call-logs`. */
export function* callLogLines(lines: number, users: number): Generator<string> {
  yield 'provider_call_id,user_external_id,service,provider,model,started_at,duration_seconds';
  const now = Date.now();
  for (let line = 0; line < lines; line++) {
    const startedAt = new Date(now - (line % 5_184) * 1_000_000 - 60_000).toISOString();
    const user = `user ${1 + (line % users)}`;
    const [service, model] = line % 2 === 0 ? ['avatar', ''] : ['chat', 'gpt-4o'];
    yield `old ${line},${user},${service},past,${model},${startedAt},${service === 'avatar' ? '0.001' : ''}`;
  }
}

/** What is stored of what clients of a load told, by user. */
export const selectStored = `
  select u.external_id as user,
    coalesce(sum(l.duration_seconds) filter (where l.service = 'avatar'), 0)::float8 as "avatarSeconds",
    coalesce(sum(l.messages) filter (where l.service = 'chat'), 0)::integer as messages
  from quota.users u join quota.call_logs l on l.user_id = u.id and l.provider_call_id like 'load %'
  group by 1`;

/** Calls of these users of 40 days ago, which a provider bills. */
export const pastCalls = (lines: number, users: number) =>
  blocksOf(lines)
    .map(
      ([first, last]) => `
  insert into quota.call_logs (user_id, service, provider, provider_call_id, started_at, duration_seconds, cost)
  select u.id, 'voice', 'vapi', 'past ' || n,
    date_trunc('month', now() - interval '40 days') + interval '14 days 10 hours', 1 + n % 3, 0.01
  from generate_series(${first} - 1, ${last} - 1) n
  join quota.users u on u.external_id = 'user ' || (1 + n % ${users});`,
    )
    .join('');

/** From 1 to a number, by the ten thousand: what one statement writes grows with the square beyond. */
function blocksOf(count: number): [number, number][] {
  const size = 10_000;
  return Array.from({ length: Math.ceil(count / size) }, (_, block) => [
    block * size + 1,
    Math.min((block + 1) * size, count),
  ]);
}
