/** One of the five products as its own code goes on writing, and what its operators do in the month after. */
export interface WorkedProduct {
  service: string;
  meter: string;
  /** Another plan, for somebody. */
  plan: string;
  /** What a client writes: by its number, the turn, and the instant. One statement is one request. */
  write: (client: number, turn: number, at: string, users: number) => string[];
}

const person = (prefix: string, n: number) => `${prefix}${String(n).padStart(12, '0')}`;
const someone = (prefix: string, client: number, turn: number, users: number) =>
  person(prefix, 1 + ((client * 31 + turn * 7) % users));

const avatar = '00000000-0000-4000-8000-';
const scribe = '00000000-0000-4000-9000-';

/** A session begins, and ends with the counter of the app raised by itself. */
const avatarSession = (client: number, turn: number, at: string, users: number, counter: string) => {
  const [id, user] = [`'live-${at}-${client}-${turn}'`, `'${someone(avatar, client, turn, users)}'`];
  const started = `timestamp '${at}'`;
  return [
    `insert into avatar_usage_records (user_id, avatar_session_id, avatar_name, session_started_at, status, billing_period)
     values (${user}, ${id}, 'Ann_Therapist_public', ${started}, 'active', to_char(${started}, 'YYYY-MM'))`,
    `begin;
     update avatar_usage_records set session_ended_at = session_started_at + interval '17 seconds', duration_seconds = 17,
       words_spoken = 5, estimated_cost = 0.14, status = 'completed' where avatar_session_id = ${id};
     ${counter.replace('USER', user).replace('MONTH', `to_char(${started}, 'YYYY-MM')`)};
     commit`,
  ];
};

export const workedProducts: Record<string, WorkedProduct> = {
  'voice-matrix': {
    service: 'voice',
    meter: 'voice_seconds',
    plan: 'voice-free',
    write: (client, turn, at, users) => {
      const id = `live-${at}-${client}-${turn}`;
      const row = `md5('${id}')::uuid`;
      const user = 1 + ((client * 31 + turn * 7) % users);
      return [
        `insert into call_logs (id, vapi_assistant_id, vapi_call_id, status, started_at)
         values (${row}, 'vapi-${user}-1', '${id}', 'in-progress', timestamptz '${at}+00')`,
        `update call_logs set status = 'customer-ended-call', ended_at = started_at + interval '9 seconds', duration_seconds = 9,
         cost = 0.02 where id = ${row}`,
        ...(turn % 4 === 0
          ? [`update call_logs set duration_seconds = 11 where id = md5('call ${user} 2')::uuid`]
          : []),
        ...(turn % 6 === 1
          ? [
              `insert into profiles (id, email, created_at) values (md5('new ${id}')::uuid, 'new-${id}', timestamptz '${at}+00')`,
              `insert into user_assistants (user_id, vapi_assistant_id, name) values (md5('new ${id}')::uuid, 'vapi-new-${id}', 'New')`,
            ]
          : []),
      ];
    },
  },
  'avatar-lifetime': {
    service: 'avatar',
    meter: 'avatar_seconds',
    plan: 'avatar-monthly',
    write: (client, turn, at, users) =>
      avatarSession(
        client,
        turn,
        at,
        users,
        `insert into usage_quotas as q (user_id, used_seconds, used_minutes, session_count) values (USER, 17, 0, 1)
         on conflict (user_id) do update set used_seconds = q.used_seconds + 17, used_minutes = (q.used_seconds + 17) / 60,
           session_count = q.session_count + 1, quota_exhausted = q.used_seconds + 17 >= q.total_limit_minutes * 60`,
      ),
  },
  'avatar-monthly': {
    service: 'avatar',
    meter: 'avatar_seconds',
    plan: 'avatar-lifetime',
    write: (client, turn, at, users) =>
      avatarSession(
        client,
        turn,
        at,
        users,
        `insert into usage_quotas as q (user_id, current_month, used_cost, session_count) values (USER, MONTH, 0.14, 1)
         on conflict (user_id, current_month) do update set used_cost = q.used_cost + 0.14, session_count = q.session_count + 1`,
      ),
  },
  'cantonese-scribe': {
    service: 'transcription',
    meter: 'transcription_seconds',
    plan: 'transcription-pro',
    write: (client, turn, at, users) => {
      const user = `'${someone(scribe, client, turn, users)}'`;
      const job = `md5('${at} ${client} ${turn}')::uuid`;
      return [
        `insert into concurrent_processing (id, user_id, started_at) values (${job}, ${user}, timestamptz '${at}+00')`,
        `insert into usage_tracking (user_id, usage_type, transcription_id, duration_seconds, file_size_bytes, cost, created_at)
         values (${user}, 'transcription', ${job}, 61, 90000, 0.0061, timestamptz '${at}+00'),
           (${user}, 'export', ${job}, null, 500, null, timestamptz '${at}+00')`,
        `update concurrent_processing set status = 'completed', completed_at = started_at where id = ${job}`,
        ...(turn % 7 === 0 ? [`update users set plan_type = 'starter' where id = ${user}`] : []),
      ];
    },
  },
  chat: {
    service: 'chat',
    meter: 'messages',
    plan: 'chat-free',
    write: (client, turn, at, users) => {
      const user = turn % 9 === 8 ? `'late_${client}'` : `'user_${1 + ((client * 31 + turn * 7) % users)}'`;
      const model = turn % 3 === 0 ? 'claude-opus-4' : 'gpt-4o';
      const premium = turn % 3 === 0 ? 1 : 0;
      return [
        `insert into message_logs (user_id, model, is_premium, created_at) values (${user}, '${model}', ${premium === 1}, timestamp '${at}')`,
        `insert into user_usage as u (user_id, month, total_messages, premium_messages)
         values (${user}, to_char(timestamp '${at}', 'YYYY-MM'), 1, ${premium})
         on conflict (user_id, month) do update set total_messages = u.total_messages + 1,
           premium_messages = u.premium_messages + ${premium}`,
      ];
    },
  },
};
