/** Profiles, assistants and call logs of VAPI calls; limits and resets by the anniversary of the signup. */
export const voiceMatrix = `# Voice Matrix: 10 minutes of calls a month from the day of signup, at most 3 assistants.
product: voice-matrix
timezone: UTC # of timestamps without a zone

users:
  table: profiles
  key: id
  columns:
    user: id
    email: email
    name: full_name
    signup_at: created_at
    plan: { value: voice-free }

assistants:
  table: user_assistants
  key: id
  columns:
    user: user_id
    provider_assistant_id: vapi_assistant_id
    name: name

calls:
  table: call_logs
  key: id
  columns:
    service: { value: voice }
    provider: { value: vapi }
    provider_call_id: vapi_call_id
    user: user_id
    assistant: vapi_assistant_id
    status:
      column: status
      values: { in-progress: active, queued: active, ringing: active, failed: error, "*": completed }
    started_at: started_at
    ended_at: ended_at
    duration_seconds: duration_seconds
    cost: cost

# Whom the app has limited, since when: they stay so when quota begins to decide, and nothing is sent for it.
enforced:
  table: profiles
  service: voice
  columns: { user: id, since: limit_enforced_at }

# Where the app stores what its assistants were before the limit, name the column:
# originals:
#   table: user_assistants
#   columns: { assistant: vapi_assistant_id, original: original_config }

# While quota decides, the app reads from here since when a user is limited.
mirror:
  table: profiles
  meter: voice_seconds
  user: id
  columns: { limit_enforced_at: q.limit_enforced_at }
`;
