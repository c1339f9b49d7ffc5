import type { Ground } from './ground.ts';
import type { Model, ModelCall, Service } from './model.ts';

/** Where the campaign's calls say that they are from; those that come in are from VAPI. */
export const provider = 'campaign';

export interface StoredCall extends ModelCall {
  provider: string;
  status: string;
  settledBy: string | null;
}

/** Sums are of whole thousandths: no float comes near them. */
export function thousandthsOf(decimal: string): number {
  const [whole = '0', fraction = ''] = decimal.replace('-', '').split('.');
  const size = Number(whole) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3));
  return decimal.startsWith('-') ? -size : size;
}

interface CallRow {
  [column: string]: string | null;
  provider_call_id: string;
  external_id: string;
  service: string;
  status: string;
  started: string;
}

/** The calls of the campaign that are stored, by key; of one key, or all. */
export async function storedCalls(
  ground: Ground,
  model: Model,
  key?: string,
): Promise<Map<string, StoredCall>> {
  const rows = await ground.look<CallRow>(
    `select l.provider, l.provider_call_id, u.id::text as user_id, l.service, l.model, l.status, l.settled_by,
       (extract(epoch from l.started_at) * 1000)::bigint::text as started, l.duration_seconds::text as seconds,
       l.messages::text as messages, u.external_id
     from quota.call_logs l join quota.users u on u.id = l.user_id
     where l.provider in ($1, 'vapi') and ($2::text is null or l.provider_call_id = $2)`,
    [provider, key ?? null],
  );
  return new Map(rows.map((row) => [row.provider_call_id, callOf(row, model)]));
}

function callOf(row: CallRow, model: Model): StoredCall {
  return {
    user: model.numberOf(row.external_id, row.user_id ?? ''),
    service: row.service as Service,
    model: row.model ?? null,
    provider: row.provider ?? '',
    status: row.status,
    settledBy: row.settled_by ?? null,
    startedMs: Number(row.started),
    thousandths: thousandthsOfCall(row),
  };
}

/** A message that failed counts nothing, and one without a number is one. */
function thousandthsOfCall({ service, seconds, messages, status }: CallRow): number | null {
  if (service === 'chat') {
    return status === 'error' ? 0 : 1000 * Number(messages ?? 1);
  }
  return seconds === null || seconds === undefined ? null : thousandthsOf(seconds);
}

/** What is stored, among `calls`, of one that was to be as in `expected`; the model is told. */
export function settleCall(
  calls: ReadonlyMap<string, StoredCall>,
  model: Model,
  key: string,
  expected: ModelCall,
): { isThere: boolean; problems: string[] } {
  const stored = calls.get(key);
  if (stored === undefined) {
    return { isThere: false, problems: [] };
  }
  const facts = pickCall(stored);
  model.calls.set(key, facts);
  const differs = JSON.stringify(facts) !== JSON.stringify(pickCall(expected));
  return {
    isThere: true,
    problems: differs
      ? [`call ${key} is ${JSON.stringify(facts)}, told was ${JSON.stringify(expected)}`]
      : [],
  };
}

export const pickCall = ({ user, service, model, startedMs, thousandths }: ModelCall): ModelCall => ({
  user,
  service,
  model,
  startedMs,
  thousandths,
});
