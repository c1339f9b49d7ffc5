/**
 * The bodies we send against the SDK's own types. Most of this file is checked by the compiler: each
 * `@ts-expect-error` is an error of its own when the line below it does compile.
 */
import type { Vapi } from '@vapi-ai/server-sdk';
import { describe, expect, it } from 'vitest';
import { type AssistantField, assistantFields } from '../../src/providers/vapi/assistant-fields.ts';
import { patchComplaints } from '../../src/providers/vapi/assistant-rules.ts';
import type { AnalyticsQuery, AssistantPatch, CallFilter } from '../../src/providers/vapi/contract.ts';

type Equal<One, Other> = [One, Other] extends [Other, One] ? true : false;

describe('the contract with VAPI', () => {
  it('knows exactly the fields of the SDK, and silenceTimeoutSeconds', () => {
    const sameFields: Equal<
      AssistantField,
      Exclude<keyof Vapi.UpdateAssistantDto, 'id'> | 'silenceTimeoutSeconds'
    > = true;
    expect(sameFields).toBe(true);
    expect(Object.keys(assistantFields)).toHaveLength(32);
  });

  it('accepts what the SDK accepts', () => {
    const limited: AssistantPatch = {
      maxDurationSeconds: 10,
      firstMessage: 'Your allowance is used up.',
      endCallPhrases: ['goodbye'],
      silenceTimeoutSeconds: 10,
      endCallMessage: null,
    };
    expect(patchComplaints(limited)).toEqual([]);
    const duration = { maxDurationSeconds: 10 } satisfies Omit<Vapi.UpdateAssistantDto, 'id'>;
    expect(duration satisfies AssistantPatch).toEqual({ maxDurationSeconds: 10 });
  });

  it('does not compile a body that the SDK refuses', () => {
    // @ts-expect-error does not exist in the API, and would make it refuse the whole request
    const unknownField: AssistantPatch = { endCallAfterSpokenWords: 5 };
    // @ts-expect-error seconds are a number
    const wrongType: AssistantPatch = { maxDurationSeconds: '10' };
    // @ts-expect-error what null does to a field with a minimum is undocumented
    const cleared: AssistantPatch = { maxDurationSeconds: null };
    // @ts-expect-error is read-only
    const readOnly: AssistantPatch = { id: 'x' };
    // @ts-expect-error a model needs provider and model
    const partialModel: AssistantPatch = { model: {} };
    // @ts-expect-error is not one of the modes
    const wrongMode: AssistantPatch = { firstMessageMode: 'never' };
    // @ts-expect-error lists have no pages
    const filter: CallFilter = { page: 2 };
    // @ts-expect-error is no operation
    const operation: AnalyticsQuery['operations'][number] = { operation: 'median', column: 'cost' };
    const refused = [unknownField, wrongType, cleared, readOnly, partialModel, wrongMode];
    expect(refused.map((body) => patchComplaints({ ...body }).length > 0)).toEqual(refused.map(() => true));
    expect([filter, operation]).toHaveLength(2);
  });
});
