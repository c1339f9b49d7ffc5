import type pg from 'pg';

/** What the app of the demo does: it logs a call, and knows nothing of limits. */
export const logOneCall = `insert into quota.call_logs (user_id, service, provider, started_at, duration_seconds)
select id, 'voice', 'vapi', quota.now() - interval '3 minutes', 120 from quota.users where external_id = 'demo-critical'`;

export async function insertCall(client: pg.ClientBase): Promise<number> {
  const { rowCount } = await client.query(logOneCall);
  return rowCount ?? 0;
}

/** Assistants as the seed left them at the provider: those that are limited, and with which fields; those gone. */
export async function selectProviderState(
  client: pg.ClientBase,
): Promise<{ id: string; status: 'applied' | 'gone'; applied: Record<string, unknown> | null }[]> {
  const { rows } = await client.query(
    `select a.provider_assistant_id as id, l.status, l.applied
     from quota.assistant_limits l join quota.assistants a on a.id = l.assistant_id
     where l.status in ('applied', 'gone') order by a.provider_assistant_id`,
  );
  return rows;
}

export async function countAssistants(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ count: number }>('select count(*)::integer from quota.assistants');
  return rows[0]?.count ?? 0;
}
