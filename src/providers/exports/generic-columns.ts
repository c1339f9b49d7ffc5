/** The columns that a CSV of calls may have, and that `--map THEIRS=OURS` may name. */
export const genericColumns = [
  { name: 'id', aliases: ['call_id', 'provider_call_id', 'external_id', 'session_id'] },
  { name: 'assistant_id', aliases: ['provider_assistant_id'] },
  { name: 'model' },
  { name: 'status', aliases: ['call_status'] },
  { name: 'created_at' },
  { name: 'started_at', aliases: ['start_time', 'call_start'] },
  { name: 'ended_at', aliases: ['end_time', 'call_end'] },
  { name: 'duration_seconds', aliases: ['seconds', 'duration'] },
  { name: 'duration_minutes', aliases: ['minutes'] },
  { name: 'duration_ms', aliases: ['milliseconds'] },
  { name: 'quantity' },
  { name: 'unit' },
  { name: 'cost', aliases: ['amount', 'total_cost', 'cost_usd'] },
  { name: 'currency' },
  { name: 'description' },
  { name: 'day', aliases: ['date'] },
  { name: 'kind' },
  { name: 'provider' },
  { name: 'type' },
  { name: 'ended_reason' },
] as const;

export type GenericColumn = (typeof genericColumns)[number]['name'];
