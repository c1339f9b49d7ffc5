/** Sessions of streaming avatars, as both avatar products keep them. */
const sessions = `calls:
  table: avatar_usage_records
  key: id
  columns:
    service: { value: avatar }
    provider: { value: heygen }
    provider_call_id: avatar_session_id
    user: user_id
    assistant: avatar_name
    status: { column: status, values: { failed: error, started: active, "*": completed, active: active, error: error } }
    started_at: session_started_at
    ended_at: session_ended_at
    duration_seconds: duration_seconds
    words_spoken: words_spoken
    messages: messages_count
    error_message: error_message
`;

/** 20 minutes of streaming per account, for ever. */
export const avatarLifetime = `# Avatar quota: 20 minutes per account, for ever; whoever has used them up gets a static avatar.
product: avatar-lifetime
timezone: UTC # of timestamps without a zone

users:
  table: users
  key: id
  columns:
    user: id
    email: email
    signup_at: created_at
    plan: { value: avatar-lifetime }

${sessions}
# Who may use more, or less, than the plan says.
limits:
  table: usage_quotas
  meter: avatar_seconds
  columns: { user: user_id, limit: { sql: "r.total_limit_minutes * 60" } }

# The counter that the app keeps: verify holds it against ours.
figures:
  table: usage_quotas
  meter: avatar_seconds
  user: user_id
  used: used_seconds
  opening: true # seconds of which no session tells
  exhausted_at: exhausted_at

# While quota decides, these columns follow it: what the app adds by itself is overwritten.
mirror:
  table: usage_quotas
  meter: avatar_seconds
  user: user_id
  columns:
    used_seconds: q.used
    used_minutes: floor(q.used / 60)
    session_count: q.calls
    quota_exhausted: q.exhausted
    exhausted_at: q.exhausted_at
`;

/** 60 minutes and 50 dollars of streaming per calendar month. */
export const avatarMonthly = `# Avatar quota, phase 1.5: 60 minutes and $50 per calendar month, at $0.50 a minute.
product: avatar-monthly
timezone: UTC # of timestamps without a zone

users:
  table: users
  key: id
  columns:
    user: id
    email: email
    signup_at: created_at
    plan: { value: avatar-monthly }

${sessions}
# The counter of each month, in whole minutes: what the app allowed then. What it has used is told by the sessions.
limits:
  table: usage_quotas
  meter: avatar_seconds
  columns:
    user: user_id
    limit: { sql: "r.monthly_limit_minutes * 60" }
    cost_limit: monthly_limit_cost
    at: { sql: "(r.current_month || '-01')::date" }
`;
