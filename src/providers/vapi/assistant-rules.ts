import {
  assistantFields,
  assistantBounds as bounds,
  type FieldKind,
  firstMessageModes,
  isAssistantField,
} from './assistant-fields.ts';

interface Fields {
  readonly [name: string]: unknown;
}
interface Range {
  min?: number;
  max: number;
}

/** Null clears a field, but what it does where the schema has a minimum, or demands a provider, is undocumented. */
const neverNull = new Set(['maxDurationSeconds', 'silenceTimeoutSeconds', 'model']);

/**
 * What VAPI would say against the body of a `PATCH /assistant/{id}`, in the words of its validation (Nest), one
 * complaint each and every one beginning with the field or `property FIELD`; empty when it would accept it.
 */
export function patchComplaints(body: Fields): string[] {
  return Object.entries(body).flatMap(([field, value]) => {
    if (!isAssistantField(field)) {
      return [`property ${field} should not exist`];
    }
    if (value === null && !neverNull.has(field)) {
      return [];
    }
    const wrongKind = kindComplaint(field, value, assistantFields[field]);
    return wrongKind === undefined ? fieldComplaints(field, value) : [wrongKind];
  });
}

/** What only the overrides of one call can have. */
const overridesOnly: { readonly [field: string]: FieldKind } = {
  variableValues: 'object',
  'tools:append': 'array',
};

/** The same of `assistantOverrides`: what an assistant has, and what only one call can. */
export function overridesComplaints(overrides: Fields): string[] {
  const own = Object.entries(overrides).filter(([field]) => Object.hasOwn(overridesOnly, field));
  const rest = Object.entries(overrides).filter(([field]) => !Object.hasOwn(overridesOnly, field));
  return [
    ...patchComplaints(Object.fromEntries(rest)),
    ...own.flatMap(([field, value]) => kindComplaint(field, value, overridesOnly[field] ?? 'object') ?? []),
  ];
}

function fieldComplaints(field: string, value: unknown): string[] {
  switch (field) {
    case 'maxDurationSeconds':
    case 'silenceTimeoutSeconds':
      return numberComplaints(field, value, bounds[field]);
    case 'name':
      return lengthComplaints(field, String(value), bounds.nameLength);
    case 'endCallMessage':
      return lengthComplaints(field, String(value), bounds.endCallMessageLength);
    case 'endCallPhrases':
      return phraseComplaints(value as unknown[]);
    case 'firstMessageMode':
      return firstMessageModes.some((mode) => mode === value)
        ? []
        : [`firstMessageMode must be one of the following values: ${firstMessageModes.join(', ')}`];
    case 'hooks':
      return (value as unknown[]).flatMap((hook, index) => hookComplaints(`hooks.${index}`, fieldsOf(hook)));
    case 'model':
      return modelComplaints(fieldsOf(value));
    case 'server':
      return serverComplaints(fieldsOf(value));
    default:
      return [];
  }
}

function kindComplaint(field: string, value: unknown, kind: FieldKind): string | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  switch (kind) {
    case 'string':
      return typeof value === 'string' ? undefined : `${field} must be a string`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `${field} must be a boolean value`;
    case 'number':
      return isNumber(value) ? undefined : notANumber(field);
    case 'array':
      return Array.isArray(value) ? undefined : `${field} must be an array`;
    case 'object':
      return isObject ? undefined : `${field} must be an object`;
    case 'string or object':
      return isObject || typeof value === 'string' ? undefined : `${field} must be a string or an object`;
  }
}

function phraseComplaints(phrases: unknown[]): string[] {
  if (phrases.some((phrase) => typeof phrase !== 'string')) {
    return ['each value in endCallPhrases must be a string'];
  }
  const complaints = phrases.flatMap((phrase) =>
    lengthComplaints('each value in endCallPhrases', String(phrase), bounds.endCallPhraseLength),
  );
  return [...new Set(complaints)];
}

function hookComplaints(path: string, hook: Fields): string[] {
  const complaints: string[] = [];
  if (typeof hook.on !== 'string') {
    complaints.push(`${path}.on must be a string`);
  }
  if (!Array.isArray(hook.do)) {
    complaints.push(`${path}.do must be an array`);
  }
  if (hook.on === 'call.timeElapsed') {
    const seconds = fieldsOf(hook.options).seconds;
    complaints.push(...numberComplaints(`${path}.options.seconds`, seconds, bounds.hookTimeElapsedSeconds));
  }
  return complaints;
}

function modelComplaints(model: Fields): string[] {
  const complaints: string[] = [];
  if (typeof model.provider !== 'string') {
    complaints.push('model.provider must be a string');
  }
  if (typeof model.model !== 'string') {
    complaints.push('model.model must be a string');
  }
  if (model.provider === 'openai' && model.maxTokens !== undefined) {
    complaints.push(...numberComplaints('model.maxTokens', model.maxTokens, bounds.openAiMaxTokens));
  }
  return complaints;
}

function serverComplaints(server: Fields): string[] {
  const backoff = fieldsOf(server.backoffPlan);
  const limits: [string, unknown, Range][] = [
    ['server.timeoutSeconds', server.timeoutSeconds, bounds.serverTimeoutSeconds],
    ['server.backoffPlan.maxRetries', backoff.maxRetries, bounds.backoffMaxRetries],
    ['server.backoffPlan.baseDelaySeconds', backoff.baseDelaySeconds, bounds.backoffBaseDelaySeconds],
  ];
  return limits.flatMap(([path, value, range]) =>
    value === undefined ? [] : numberComplaints(path, value, range),
  );
}

function numberComplaints(path: string, value: unknown, { min, max }: Range): string[] {
  if (!isNumber(value)) {
    return [notANumber(path)];
  }
  if (min !== undefined && value < min) {
    return [`${path} must not be less than ${min}`];
  }
  return value > max ? [`${path} must not be greater than ${max}`] : [];
}

function lengthComplaints(path: string, value: string, { min, max }: Range): string[] {
  if (min !== undefined && value.length < min) {
    return [`${path} must be longer than or equal to ${min} characters`];
  }
  return value.length > max ? [`${path} must be shorter than or equal to ${max} characters`] : [];
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function notANumber(path: string): string {
  return `${path} must be a number conforming to the specified constraints`;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
