/**
 * The shapes that go to and come from VAPI. Requests are the SDK's own types, so that a body which the SDK
 * refuses does not compile; they are imported as types only, because the SDK itself would add 0.4 s to every
 * start. Answers are only promised to have an id: VAPI adds fields and enum values without notice.
 */
import type { Vapi } from '@vapi-ai/server-sdk';

/**
 * Accepted by the API (seconds, 10..3600, default 30) though missing in the SDK's assistant types since 0.11:
 * VapiAI/server-sdk-python#24.
 */
interface FieldsMissingInSdk {
  silenceTimeoutSeconds?: number;
}

type AssistantFields = Omit<Vapi.UpdateAssistantDto, 'id'> & FieldsMissingInSdk;

/** Fields whose schema has a minimum: what `null` does to them is undocumented, so it is never sent. */
type NeverNull = 'maxDurationSeconds' | 'silenceTimeoutSeconds' | 'model';

/**
 * The body of `PATCH /assistant/{id}`. A field that is absent stays as it is; one that is given replaces the
 * whole field, however deep (nothing is merged); `null` clears it.
 */
export type AssistantPatch = {
  [Field in keyof AssistantFields]: Field extends NeverNull
    ? AssistantFields[Field]
    : AssistantFields[Field] | null;
};

/** An assistant as VAPI sent it, every field kept, known or not. */
export type VapiAssistant = { id: string } & { [field: string]: unknown };

/**
 * A call as VAPI sent it, every field kept. Only id and createdAt are certain; duration is endedAt − startedAt.
 * Numbers are JSON's: `String(call.cost)` gives the digits that were sent, up to 17 significant ones.
 */
export type VapiCall = { id: string; createdAt: string } & { [field: string]: unknown };

/** Filters of `GET /assistant`. Instants are ISO 8601; limit is 0..1000, by default 100. */
export type AssistantFilter = Vapi.ListAssistantsRequest;
/** Filters of `GET /call`, as for assistants. */
export type CallFilter = Vapi.ListCallsRequest;

/** One query of `POST /analytics`. */
export type AnalyticsQuery = Vapi.AnalyticsQuery;
/** One group per row: `date` (with a step), the grouped columns, and each operation under its alias. */
export interface AnalyticsAnswer {
  name: string;
  result: { [column: string]: unknown }[];
}
