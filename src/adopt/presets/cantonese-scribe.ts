/** Credits of started minutes, and four plans, in the zone of the user. */
export const cantoneseScribe = `# CantoneseScribe: credits for transcriptions a month from the day of signup, by plan.
product: cantonese-scribe
timezone: UTC # of timestamps without a zone

users:
  table: users
  key: id
  columns:
    user: id
    email: email
    name: full_name
    signup_at: created_at
    timezone: timezone
    plan:
      column: plan_type
      values:
        starter: transcription-starter
        pro: transcription-pro
        enterprise: transcription-enterprise
        "*": transcription-free

# Each type of usage that is a service here is a source of its own.
calls:
  - source: transcriptions
    table: usage_tracking
    key: id
    where: r.usage_type = 'transcription'
    columns:
      service: { value: transcription }
      provider: { value: whisper }
      user: user_id
      started_at: created_at
      duration_seconds: duration_seconds
      file_size_bytes: file_size_bytes
      cost: cost

# Jobs that run at the moment take one of the places that the plan has.
jobs:
  table: concurrent_processing
  key: id
  where: r.status = 'processing'
  columns: { user: user_id, service: { value: transcription }, started_at: started_at }

# Credits that somebody was given instead of those of the plan.
limits:
  table: usage_quotas
  meter: transcription_seconds
  where: r.quota_type = 'monthly_credits' and r.is_active
  columns: { user: user_id, limit: { sql: "r.limit_value * 60" } }

# Alerts that were read are so here, too.
alerts:
  table: usage_alerts
  meter: transcription_seconds
  where: r.is_read
  columns:
    user: user_id
    threshold: threshold_percent
    read_at: { sql: "coalesce(r.read_at, r.created_at)" }
    at: created_at
`;
