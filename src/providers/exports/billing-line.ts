import { CellFault, quoted } from '../../files/cells.ts';
/**
 * One line of what a provider says it billed, the same for every format. Money, quantities and durations are
 * exact decimals as text; instants are ISO 8601 UTC with the precision of the file.
 */
export interface BillingLine {
  /** Unique in its file: the 1-based line of CSV and JSONL, the 1-based number of the element of a JSON list. */
  lineNumber: number;
  /** Lower case: `vapi`, `heygen`, `liveavatar`, `openai`, `anthropic`, or what a FOCUS or CSV file names. */
  provider: string;
  /**
   * `call`: one metered call. `fee`: a charge or credit without a call (purchase, tax, subscription).
   * `aggregate`: the sum of a day (and model, project, …), without call ids.
   */
  kind: 'call' | 'fee' | 'aggregate';
  /** The provider's id of the call. */
  externalId: string | null;
  /** The provider's id of the assistant or avatar. */
  assistantId: string | null;
  model: string | null;
  /**
   * `ended`, `in-progress`, or another word of the provider's, for calls; null otherwise. `untimed`: ended as far as
   * the file tells, which has no column for ends and durations; neither is compared.
   */
  status: string | null;
  createdAt: string | null;
  /** For aggregates and fees the start of the period that is charged. */
  startedAt: string | null;
  /** For aggregates and fees the end of that period, exclusive. */
  endedAt: string | null;
  /** Seconds with milliseconds, before any rounding of the rate card. */
  durationSeconds: string | null;
  /** What was consumed, in `unit`: credits, tokens, requests. */
  quantity: string | null;
  unit: string | null;
  /** Charged, credits negative; null if the file does not say. */
  cost: string | null;
  /** ISO 4217, upper case. */
  currency: string;
  description: string | null;
  /** The UTC day of an aggregate: `2026-10-03`. */
  day: string | null;
  /** A JSON object as text: the few further fields worth showing, numbers with the digits of the file. */
  raw: string | null;
  /** For sums and fees: what of the bill it states, see `chargeOf`. */
  charge: string | null;
  /** The first day of the month on whose invoice it is, where the file says: `2026-10-01`. */
  invoiceMonth: string | null;
}

/** A line with nothing in it but its number, provider and kind; readers fill in what their format has. */
export function emptyLine(lineNumber: number, provider: string, kind: BillingLine['kind']): BillingLine {
  return {
    lineNumber,
    provider,
    kind,
    externalId: null,
    assistantId: null,
    model: null,
    status: null,
    createdAt: null,
    startedAt: null,
    endedAt: null,
    durationSeconds: null,
    quantity: null,
    unit: null,
    cost: null,
    currency: 'USD',
    description: null,
    day: null,
    raw: null,
    charge: null,
    invoiceMonth: null,
  };
}

/** A value of the file, or null where it has none. */
export function textOrNull(text: string): string | null {
  return text === '' ? null : text;
}

/**
 * Refuses what is no call but words under the table: `Generated on 2026-10-01`.
 * @throws CellFault for a line that has an id and nothing else
 */
export function requireCall(line: BillingLine, column: string): void {
  const { assistantId, createdAt, startedAt, endedAt, durationSeconds, quantity, cost, raw, status } = line;
  const facts = [assistantId, createdAt, startedAt, endedAt, durationSeconds, quantity, cost, raw];
  const isBare = facts.every((fact) => fact === null) && (status === 'ended' || status === 'untimed');
  if (isBare && line.externalId !== null) {
    throw new CellFault(
      column,
      `${quoted(line.externalId)} is all that the row says`,
      'leave out what is no line of the bill',
    );
  }
}

/** Whether an amount is given back. */
export const isNegative = (decimal: string | null): boolean =>
  decimal !== null && decimal.charAt(0) === '-' && /[1-9]/.test(decimal);

/**
 * Our key for the provider that a file names: `OpenAI` is `openai`. Files write companies in many ways, so a
 * name that contains the expected provider's is that one: `Vapi, Inc.` where `vapi` is expected.
 */
export function providerOf(name: string, expected: string | null): string {
  const key = providerKey(name);
  return expected !== null && key.includes(providerKey(expected)) ? expected : key;
}

const providerKey = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/**
 * A JSON object as text of those members that have a value. `texts` become JSON strings; `json` is taken as it
 * is: numbers and objects that stand in the file as JSON. Names must need no escapes.
 */
export function rawObject(texts: Record<string, string>, json: Record<string, string> = {}): string | null {
  let members = '';
  for (const name in texts) {
    const text = texts[name];
    if (text) {
      members += `${members === '' ? '' : ','}"${name}":${jsonString(text)}`;
    }
  }
  for (const name in json) {
    const text = json[name];
    if (text) {
      members += `${members === '' ? '' : ','}"${name}":${text}`;
    }
  }
  return members === '' ? null : `{${members}}`;
}

/** Most values are words such as `customer-ended-call`, for which JSON.stringify would do too much. */
function jsonString(text: string): string {
  return /^[\w .:-]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}
