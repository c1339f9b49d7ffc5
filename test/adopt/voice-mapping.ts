/** The product of fixtures/adopt/voice-app.sql. */
export const voiceMapping = `product: shop
schema: shop
timezone: Europe/Berlin
users:
  table: members
  key: member_id
  columns:
    user: member_id
    email: mail
    signup_at: joined
    plan: { value: voice-free }
assistants:
  table: bots
  key: bot_id
  columns: { user: owner, provider_assistant_id: vapi_id, name: title }
calls:
  table: phone_calls
  key: id
  where: r.deleted_at is null
  on_delete: remove
  columns:
    service: { value: voice }
    provider: { value: vapi }
    provider_call_id: vapi_call
    user: member_id
    status: { column: state, values: { failed: error, running: active, "*": completed } }
    started_at: began
    ended_at: ended
    duration_seconds: seconds
    cost: price
`;
