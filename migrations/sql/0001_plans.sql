-- The built-in meters and plans: the limits of the five products that this replaces.

insert into quota.meters (key, service, unit, models) values
  ('voice_seconds', 'voice', 'second', null),
  ('avatar_seconds', 'avatar', 'second', null),
  ('transcription_seconds', 'transcription', 'second', null),
  ('messages', 'chat', 'message', null),
  ('premium_messages', 'chat', 'message', array[
    'claude-3.5-sonnet', 'claude-3-haiku', 'claude-3-opus', 'claude-3.7-sonnet', 'claude-sonnet-4', 'claude-opus-4']);

insert into quota.plans
  (key, service, name, timezone, max_assistants, max_file_bytes, max_concurrent, max_session_seconds, allowed_models,
   is_default, anonymous, upgrade_to)
values
  ('voice-free', 'voice', 'Voice Free', null, 3, null, null, null, null, true, false, null),
  ('avatar-lifetime', 'avatar', 'Avatar 20 minutes', null, null, null, null, 1200, null, true, false, null),
  ('avatar-monthly', 'avatar', 'Avatar monthly', 'UTC', null, null, null, null, null, false, false, null),
  ('transcription-free', 'transcription', 'Transcription Free', null, null, 26214400, 1, null, null, true, false, 'transcription-starter'),
  ('transcription-starter', 'transcription', 'Transcription Starter', null, null, 104857600, 2, null, null, false, false, 'transcription-pro'),
  ('transcription-pro', 'transcription', 'Transcription Pro', null, null, 524288000, 5, null, null, false, false, 'transcription-enterprise'),
  ('transcription-enterprise', 'transcription', 'Transcription Enterprise', null, null, 1073741824, 10, null, null, false, false, null),
  ('chat-free', 'chat', 'Chat Free', 'UTC', null, null, null, null, null, true, false, null),
  ('chat-anonymous', 'chat', 'Chat without an account', 'UTC', null, null, null, null, array['gemini-2.0-flash'], false, true, 'chat-free');

insert into quota.plan_limits
  (plan, meter, limit_quantity, cost_limit, unit_price, reset_every, reset_anchor, boundary, warn_at, on_exceeded)
values
  ('voice-free', 'voice_seconds', 600, null, null, '1 month', 'signup', 'midnight', '{80,90,100}', 'limit_assistants'),
  ('avatar-lifetime', 'avatar_seconds', 1200, null, null, null, 'signup', 'midnight', '{80,90,100}', 'static_fallback'),
  ('avatar-monthly', 'avatar_seconds', 3600, 50, 0.50, '1 month', 'calendar', 'midnight', '{80}', 'static_fallback'),
  ('transcription-free', 'transcription_seconds', 1800, null, 0.006, '1 month', 'signup', 'midnight', '{80,90,100}', 'block'),
  ('transcription-starter', 'transcription_seconds', 9000, null, 0.006, '1 month', 'signup', 'midnight', '{80,90,100}', 'block'),
  ('transcription-pro', 'transcription_seconds', 30000, null, 0.006, '1 month', 'signup', 'midnight', '{80,90,100}', 'block'),
  ('transcription-enterprise', 'transcription_seconds', 120000, null, 0.006, '1 month', 'signup', 'midnight', '{80,90,100}', 'block'),
  ('chat-free', 'messages', 100, null, null, '1 month', 'calendar', 'midnight', '{80,90,100}', 'block'),
  ('chat-free', 'premium_messages', 20, null, null, '1 month', 'calendar', 'midnight', '{80,90,100}', 'block');
