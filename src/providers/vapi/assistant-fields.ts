/** What kind of value a field of an assistant takes. */
export type FieldKind = 'string' | 'boolean' | 'number' | 'array' | 'object' | 'string or object';

/**
 * Every field that `PATCH /assistant/{id}` takes: UpdateAssistantDTO's 31, plus silenceTimeoutSeconds, which the
 * API accepts though its schema leaves it out. Anything else makes VAPI refuse the whole request.
 */
export const assistantFields = {
  transcriber: 'object',
  model: 'object',
  voice: 'object',
  firstMessage: 'string',
  firstMessageInterruptionsEnabled: 'boolean',
  firstMessageMode: 'string',
  voicemailDetection: 'string or object',
  clientMessages: 'array',
  serverMessages: 'array',
  maxDurationSeconds: 'number',
  backgroundSound: 'string',
  modelOutputInMessagesEnabled: 'boolean',
  transportConfigurations: 'array',
  observabilityPlan: 'object',
  credentials: 'array',
  hooks: 'array',
  name: 'string',
  voicemailMessage: 'string',
  endCallMessage: 'string',
  endCallPhrases: 'array',
  compliancePlan: 'object',
  metadata: 'object',
  backgroundSpeechDenoisingPlan: 'object',
  analysisPlan: 'object',
  artifactPlan: 'object',
  startSpeakingPlan: 'object',
  stopSpeakingPlan: 'object',
  monitorPlan: 'object',
  credentialIds: 'array',
  server: 'object',
  keypadInputPlan: 'object',
  silenceTimeoutSeconds: 'number',
} as const satisfies { [field: string]: FieldKind };

export type AssistantField = keyof typeof assistantFields;

/** Whether a field can be changed by a PATCH at all. */
export function isAssistantField(name: string): name is AssistantField {
  return Object.hasOwn(assistantFields, name);
}

/** Bounds of the API's schema; silenceTimeoutSeconds' minimum is what the server enforces (documentation says 5). */
export const assistantBounds = {
  maxDurationSeconds: { min: 10, max: 43_200 },
  silenceTimeoutSeconds: { min: 10, max: 3600 },
  nameLength: { max: 40 },
  endCallMessageLength: { max: 1000 },
  endCallPhraseLength: { min: 2, max: 140 },
  hookTimeElapsedSeconds: { min: 1, max: 3600 },
  serverTimeoutSeconds: { min: 1, max: 300 },
  backoffMaxRetries: { min: 0, max: 10 },
  backoffBaseDelaySeconds: { min: 0, max: 10 },
  openAiMaxTokens: { min: 50, max: 10_000 },
} as const;

/** What VAPI uses while the field is not set. */
export const assistantDefaults = { maxDurationSeconds: 600, silenceTimeoutSeconds: 30 } as const;

/** The values of firstMessageMode. */
export const firstMessageModes = [
  'assistant-speaks-first',
  'assistant-speaks-first-with-model-generated-message',
  'assistant-waits-for-user',
] as const;
