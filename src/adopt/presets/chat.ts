/** Messages a month, of which some are premium. */
export const chat = `# Chat: 100 messages a calendar month, 20 of them of premium models.
product: chat
timezone: UTC # of timestamps without a zone

# The app keeps no table of users: the first message makes one.
calls:
  table: message_logs
  key: id
  make_users: true
  columns:
    service: { value: chat }
    user: user_id
    model: model
    messages: { value: "1" }
    started_at: created_at

# The counters of each month: what they have beyond the log is an opening balance.
figures:
  - table: user_usage
    meter: messages
    at: { sql: "(r.month || '-01')::date" }
    user: user_id
    used: total_messages
    opening: true
  - table: user_usage
    meter: premium_messages
    at: { sql: "(r.month || '-01')::date" }
    user: user_id
    used: premium_messages
    opening: true

# While quota decides, they follow it. The app's limits stay in its code: what is told as used is 100 (20) less what
# remains, so that a grant or another plan holds there, too.
mirror:
  - table: user_usage
    meter: messages
    user: user_id
    at: { sql: "(r.month || '-01')::date" }
    columns: { total_messages: 100 - q.remaining }
  - table: user_usage
    meter: premium_messages
    user: user_id
    at: { sql: "(r.month || '-01')::date" }
    columns: { premium_messages: 20 - q.remaining }

# The same in its Redis, a hash per user and month: REDIS_URL, quota jobs sync-cache.
redis:
  - { meter: messages, key: "usage:{user}:{YYYY-MM}", field: total, value: 100 - remaining }
  - { meter: premium_messages, key: "usage:{user}:{YYYY-MM}", field: premium, value: 20 - remaining }
`;
