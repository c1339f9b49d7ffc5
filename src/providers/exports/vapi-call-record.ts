import {
  type Call,
  type CallField,
  type CallObject,
  callCost,
  callFields,
  callInstant,
  readCall,
  rowOfCall,
} from '../vapi/call.ts';
import type { BillingLine } from './billing-line.ts';
import { callLine } from './vapi-calls.ts';

/** A billing line of VAPI as it was stored; instants and decimals as text. */
export interface StoredCall
  extends Pick<Call, 'id' | 'assistantId' | 'status' | 'createdAt' | 'startedAt' | 'endedAt' | 'cost'> {
  /** JSON of the further members. */
  raw: string | null;
}

const instantFields: readonly CallField[] = ['createdAt', 'startedAt', 'endedAt'];

/**
 * What is billed of a call, as one line of JSON: a file of such lines is a VAPI export. The same call gives the
 * same text, however VAPI orders its members; a new transcript or summary does not change it. Personal data
 * (transcripts, numbers, names) is left out.
 */
export function recordOfCall(call: CallObject): string {
  const members: Record<string, unknown> = {};
  for (const field of callFields) {
    const value = field === 'cost' ? statedCost(call) : call[field];
    // The reader takes the list of costs only where there is no breakdown.
    const isNeeded = field !== 'costs' || call.costBreakdown === undefined || call.costBreakdown === null;
    if (value !== undefined && value !== null && isNeeded) {
      members[field] = instantFields.includes(field) ? evenInstant(value) : inOrder(value);
    }
  }
  return JSON.stringify(members);
}

/** A cost that is stated in parts alone is stored as their sum: the record has it, too. */
function statedCost(call: CallObject): unknown {
  if (call.cost !== undefined && call.cost !== null) {
    return call.cost;
  }
  const sum = callCost(call);
  return sum === null ? null : Number(sum);
}

/** The same for a call that an earlier export has. */
export function recordOfStored({ raw, cost, ...stored }: StoredCall): string {
  const further = raw === null ? {} : (JSON.parse(raw) as CallObject);
  return recordOfCall({ ...further, ...stored, cost: cost === null ? null : Number(cost) });
}

/** The line of a record. @throws CellFault if VAPI sent what cannot be read */
export function lineOfRecord(record: string, lineNumber: number): BillingLine {
  return callLine(readCall(rowOfCall(JSON.parse(record) as CallObject)), lineNumber);
}

/** Milliseconds always, microseconds where there are any. What is no instant is left to the reader to refuse. */
function evenInstant(value: unknown): unknown {
  const instant = callInstant(value);
  if (instant === null) {
    return value;
  }
  const fraction = instant.slice(20, -1).replace(/0+$/, '').padEnd(3, '0');
  return `${instant.slice(0, 19)}.${fraction}Z`;
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(inOrder);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, member]) => [name, inOrder(member)]),
  );
}
