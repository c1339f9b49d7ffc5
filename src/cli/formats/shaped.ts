import { formatJson } from './json.ts';

/** What is to be made of the JSON of a result. */
export interface Shape {
  /** Only these; none: all. */
  fields: readonly string[];
  /** An expression of jq. */
  jq: string | undefined;
  template: string | undefined;
}

/** Data as JSON, or what its fields, an expression or a template make of it. @throws usageError */
export async function formatShaped(data: unknown, { fields, jq, template }: Shape): Promise<string> {
  const picked = fields.length === 0 ? data : (await import('./fields.ts')).pickFields(data, fields);
  if (jq !== undefined) {
    return (await import('./jq.ts')).jqText(picked, jq);
  }
  if (template !== undefined) {
    return (await import('./template.ts')).templateText(picked, template);
  }
  return formatJson({ data: picked });
}
